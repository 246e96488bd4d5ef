"""Lines of JSON over pipes: whole ones, in order; nothing else gets through, and nobody waits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

import pytest

from gluon_ref.launches.wires import Inbox, Outbox

Pipe = tuple[int, int]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A pipe: its end to read and its end to write."""
    ends = os.pipe()
    yield ends
    for end in ends:
        with suppress(OSError):  # a test may have closed it
            os.close(end)


def test_messages_arrive_in_order(pipe: Pipe) -> None:
    inbox, outbox = Inbox(pipe[0]), Outbox(pipe[1])
    assert inbox.read() == []
    outbox.put({"a": "ä\n"})
    outbox.put({"b": [1]})
    assert inbox.read() == [{"a": "ä\n"}, {"b": [1]}]
    assert not inbox.ended


def test_a_line_counts_when_it_is_whole(pipe: Pipe) -> None:
    inbox = Inbox(pipe[0])
    os.write(pipe[1], b'{"a"')
    assert inbox.read() == []
    os.write(pipe[1], b': 1}\n{"b": 2}')
    assert inbox.read() == [{"a": 1}]
    os.close(pipe[1])
    assert inbox.read() == []
    assert inbox.ended


@pytest.mark.parametrize("line", [b"", b"no", b"[1]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"a": 1'])
def test_what_is_no_object_is_left_out(pipe: Pipe, line: bytes) -> None:
    inbox = Inbox(pipe[0], longest=100)
    for start in range(0, len(line) + 1, 50_000):
        os.write(pipe[1], line[start : start + 50_000])
        assert inbox.read() == []
        assert len(inbox._rest) <= 100  # a line that never ends takes no more
    os.write(pipe[1], b'\n{"b": 2}\n')
    assert inbox.read() == [{"b": 2}]


def test_a_line_that_is_too_long_is_left_out_however_it_comes(pipe: Pipe) -> None:
    inbox = Inbox(pipe[0], longest=30)
    os.write(pipe[1], b'{"a": "' + b"x" * 30 + b'"}\n{"b": 2}\n')
    assert inbox.read() == [{"b": 2}]


def test_what_the_other_side_does_not_take_waits(pipe: Pipe) -> None:
    inbox, outbox = Inbox(pipe[0]), Outbox(pipe[1])
    for number in range(30):
        outbox.put({"number": number, "much": "x" * 9999})
    assert outbox.waiting
    found = []
    while len(found) < 30:
        found += inbox.read()
        outbox.flush()
    assert [one["number"] for one in found] == list(range(30))
    assert not outbox.waiting


def test_a_pipe_that_nobody_reads_is_noticed(pipe: Pipe) -> None:
    outbox = Outbox(pipe[1])
    os.close(pipe[0])
    outbox.put({"a": 1})
    assert outbox.broken
    outbox.put({"a": 1})
    assert not outbox.waiting
