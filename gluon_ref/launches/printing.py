"""Prints the lines of many processes; a terminal that stands still holds up the printing, not the watching."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable
from typing import TextIO

Line = tuple[str, str, Callable[[], None]]


class Printer:
    """A thread that writes whole lines to standard output and standard error.

    Used as a context: leaving it waits until all is printed.
    """

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[Line | None] = queue.SimpleQueue()
        self._streams: dict[str, TextIO] = {"out": sys.stdout, "err": sys.stderr}
        self._thread = threading.Thread(target=self._run, name="printer", daemon=True)

    def __enter__(self) -> Printer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.put(None)
        self._thread.join()

    def put(self, stream: str, line: str, printed: Callable[[], None] = lambda: None) -> None:
        """Print a line some time soon.

        Args:
            stream: out or err.
            line: without its end.
            printed: called in the printer's thread when it is.
        """
        self._lines.put((stream, line, printed))

    def note(self, text: str) -> None:
        """Say something of the launcher's own."""
        self.put("err", f"launch | {text}")

    def _run(self) -> None:
        while (item := self._lines.get()) is not None:
            name, line, printed = item
            self._write(self._streams[name], line)
            printed()

    def _write(self, stream: TextIO, line: str) -> None:
        coding = getattr(stream, "encoding", None) or "utf-8"
        try:
            stream.write(line.encode(coding, "replace").decode(coding) + "\n")
            stream.flush()
        except (OSError, ValueError):
            pass  # nobody reads any more; the training goes on
