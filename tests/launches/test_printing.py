"""Lines of many processes on two streams."""

from __future__ import annotations

import io
import sys

import pytest

from gluon_ref.launches.printing import Printer


def test_lines_go_whole_and_in_order_to_their_stream(capsys: pytest.CaptureFixture[str]) -> None:
    printed: list[int] = []
    with Printer() as printer:
        for number in range(3):
            printer.put("out", f"out {number}", lambda number=number: printed.append(number))
            printer.put("err", f"error {number}")
        printer.note("own")
    told = capsys.readouterr()
    assert told.out == "out 0\nout 1\nout 2\n"
    assert told.err == "error 0\nerror 1\nerror 2\nlaunch | own\n"
    assert printed == [0, 1, 2]


def test_what_a_stream_s_encoding_lacks_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    below = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(below, encoding="ascii"))
    with Printer() as printer:
        printer.put("out", "aé中")
    assert below.getvalue() == b"a??\n"


def test_a_reader_that_is_gone_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Broken())
    with Printer() as printer:
        printer.put("out", "lost")
        printer.put("err", "kept")
    assert capsys.readouterr().err == "kept\n"
