"""Streams cut into lines."""

from __future__ import annotations

import pytest

from gluon_ref.launches.cutting import LONGEST, Cutter


def test_lines_are_given_out_when_they_are_whole() -> None:
    cutter = Cutter()
    assert cutter.feed(b"one\ntw") == ["one"]
    assert cutter.feed(b"o\r\n\nthr") == ["two", ""]
    assert cutter.end() == ["thr"]
    assert cutter.end() == []


def test_characters_are_not_cut_between_two_chunks() -> None:
    cutter = Cutter()
    word = "é中".encode()
    assert cutter.feed(word[:1]) + cutter.feed(word[1:3]) + cutter.feed(word[3:] + b"\n\xff\n") == ["é中", "\ufffd"]


@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_line_that_is_too_long_is_cut_and_nothing_of_it_lost(end: bytes) -> None:
    cutter = Cutter()
    text = "é" * (LONGEST // 2 - 1) + "a中" + "c" * LONGEST
    lines = cutter.feed(text.encode() + end) + cutter.end()
    assert "".join(lines) == text
    assert len(lines) == 3
    assert all(len(line.encode()) <= LONGEST for line in lines)


def test_of_a_line_that_is_drawn_over_the_last_state_is_given_out() -> None:
    cutter = Cutter(redrawn_s=1000)
    assert cutter.feed(b"\r 1%\r 2%") == [" 1%"]
    assert cutter.feed(b"\r 3%") == []
    assert cutter.feed(b"\r 4%\r   \r") == []
    assert cutter.feed(b"100%\nafter\n") == ["100%", "after"]


def test_now_and_then_a_state_is_given_out_on_the_way() -> None:
    cutter = Cutter(redrawn_s=0)
    assert [cutter.feed(b"\r 1%"), cutter.feed(b"\r 2%"), cutter.feed(b"\r 3%")] == [[], [" 1%"], [" 2%"]]
    assert cutter.end() == [" 3%"]
