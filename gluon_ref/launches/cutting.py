"""What a process writes, cut into lines: progress bars draw one line over and over, and some lines never end."""

from __future__ import annotations

import time

LONGEST = 1 << 16  # bytes of a line
REDRAWN_S = 5.0  # between two states of a progress bar


class Cutter:
    """Lines of one stream.

    A carriage return goes back to the line's start: what follows replaces it. Of such states one is given out every
    few seconds, and the last.

    Args:
        redrawn_s: seconds between two states of a line that is drawn over.
    """

    def __init__(self, redrawn_s: float = REDRAWN_S) -> None:
        self._rest, self._redrawn_s, self._drawn = b"", redrawn_s, -redrawn_s

    def feed(self, chunk: bytes) -> list[str]:
        """The lines that are whole now."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        found = [piece for line in lines for piece in _pieces(_last(line))]
        if b"\r" in self._rest.rstrip(b"\r"):
            found += self._redrawn()
        while len(self._rest) > LONGEST:
            cut = _border(self._rest)
            found.append(_text(self._rest[:cut]))
            self._rest = self._rest[cut:]
        return found

    def end(self) -> list[str]:
        """What is left when the stream has ended: a line without its end."""
        rest, self._rest = _last(self._rest), b""
        return _pieces(rest) if rest else []

    def _redrawn(self) -> list[str]:
        drawn = self._rest.rstrip(b"\r")
        before, _, last = drawn.rpartition(b"\r")
        self._rest = last + self._rest[len(drawn) :][:1]
        state, now = _last(before), time.monotonic()
        if not state.strip() or now - self._drawn < self._redrawn_s:
            return []
        self._drawn = now
        return _pieces(state)


def _last(line: bytes) -> bytes:
    """What is to be seen of a line that was drawn over: the last state that is not empty."""
    states = [state for state in line.split(b"\r") if state.strip()]
    return states[-1] if states else b""


def _pieces(line: bytes) -> list[str]:
    found = []
    while len(line) > LONGEST:
        cut = _border(line)
        found.append(_text(line[:cut]))
        line = line[cut:]
    return [*found, _text(line)]


def _border(line: bytes) -> int:
    """Where to cut a line that is too long, between two characters."""
    cut = LONGEST
    while cut > LONGEST - 4 and line[cut] & 0xC0 == 0x80:
        cut -= 1
    return cut


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")
