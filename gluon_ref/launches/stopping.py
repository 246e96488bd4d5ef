"""Signals as a wish to stop the launch; the workers are told, and a second one ends all at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# A terminal that is closed too: what the workers have learnt is worth a checkpoint.
WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """Which signal came first, and how many."""

    def __init__(self) -> None:
        self.signal = self.count = 0

    def note(self, number: int, frame: FrameType | None) -> None:
        """Handler of a signal."""
        self.signal = self.signal or number
        self.count += 1


@contextmanager
def listening() -> Iterator[Stop]:
    """Note signals while inside; in another thread than the main one Python gives none."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.getsignal(number) for number in WATCHED}
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:  # a shell's background job, or one under nohup
                signal.signal(number, stop.note)
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
