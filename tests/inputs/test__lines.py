from __future__ import annotations

import io
import sys

import pytest

from gluon_ref.errors import DataError
from gluon_ref.inputs._lines import standard_input


def type_in(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))


def test_lines_come_with_their_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, "é\n\nb".encode())
    assert list(standard_input()) == ["é\n", "\n", "b"]


def test_lines_in_another_encoding_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, "a\né\n".encode("latin-1"))
    with pytest.raises(
        DataError, match="standard input: byte 0xe9 is not utf-8; expected text in utf-8; convert it fir"
    ):
        list(standard_input())
