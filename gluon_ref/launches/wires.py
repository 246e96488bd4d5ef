"""Lines of JSON over pipes, between the launcher and its agents; neither of the two ever waits for the other."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

CHUNK = 1 << 16
LONGEST = 1 << 20  # bytes of a line; longer ones are left out


class Inbox:
    """Reads what has come.

    Args:
        number: of the file descriptor, which is made not to wait.
        longest: bytes of a line that is read.
    """

    def __init__(self, number: int, longest: int = LONGEST) -> None:
        os.set_blocking(number, False)
        self.number, self.ended = number, False
        self._longest, self._rest, self._skipping = longest, b"", False

    def read(self) -> list[dict[str, Any]]:
        """The JSON objects that came since; lines that are none, or too long, are left out."""
        try:
            chunk = os.read(self.number, CHUNK)
        except BlockingIOError:
            return []
        except OSError:
            chunk = b""
        if not chunk:
            self.ended = True
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if lines and self._skipping:
            del lines[0]
            self._skipping = False
        if len(self._rest) > self._longest:
            self._rest, self._skipping = b"", True
        found = [_parse(line) for line in lines if len(line) <= self._longest]
        return [message for message in found if message is not None]


class Outbox:
    """Writes, and keeps what the other side does not take yet.

    Args:
        number: of the file descriptor, which is made not to wait.
    """

    def __init__(self, number: int) -> None:
        os.set_blocking(number, False)
        self.number, self.broken = number, False
        self.waiting = b""

    def put(self, message: Mapping[str, Any]) -> None:
        """Write a line, now or by the next `flush`."""
        if not self.broken:
            self.waiting += json.dumps(message).encode() + b"\n"
            self.flush()

    def flush(self) -> None:
        """Write what is waiting, as far as the other side takes it."""
        try:
            while self.waiting:
                self.waiting = self.waiting[os.write(self.number, self.waiting[:CHUNK]) :]
        except BlockingIOError:
            pass
        except OSError:
            self.broken, self.waiting = True, b""


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None
