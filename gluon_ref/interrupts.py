"""Ctrl-C and SIGTERM as a wish to stop, which a training meets at the end of a step; a second one stops at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from .errors import Interrupted

WATCHED = (signal.SIGINT, signal.SIGTERM)


class Watch:
    """Remembers the first signal."""

    def __init__(self) -> None:
        self.signal = 0

    def note(self, number: int, frame: FrameType | None) -> None:
        """Handler of a signal."""
        if self.signal:
            raise KeyboardInterrupt
        self.signal = number

    def look(self, where: str, do: str) -> None:
        """Stop here if a signal came.

        Args:
            where: what is stopped, for the message.
            do: how to go on.
        Raises:
            Interrupted: when it did.
        """
        if self.signal:
            raise Interrupted(self.signal, where, do)


@contextmanager
def watching() -> Iterator[Watch]:
    """Note signals while inside; in another thread than the main one Python gives none, and nothing is changed."""
    watch = Watch()
    if threading.current_thread() is not threading.main_thread():
        yield watch
        return
    before = {number: signal.getsignal(number) for number in WATCHED}
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:  # a shell's background job is not to hear its terminal
                signal.signal(number, watch.note)
        yield watch
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
