"""How far work is: a bar on a terminal, and of a run a line per epoch."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TextIO, TypeVar

from tqdm import tqdm

from .hooks import Hook
from .records import State

Item = TypeVar("Item")


class Progress(Hook):
    """A bar with samples per second and time left on a terminal, a line per epoch otherwise.

    Args:
        epochs: of the whole run.
        samples: per epoch.
        watch: the held-out figure to show.
        stream: where to; standard error by default.
        done: samples seen before.
    """

    def __init__(self, epochs: int, samples: int, watch: str, stream: TextIO | None = None, done: int = 0) -> None:
        self._epochs, self._samples, self._watch = epochs, samples, watch
        self._stream = stream or sys.stderr
        self._bar = tqdm(
            total=epochs * samples,
            initial=done,
            unit=" samples",
            unit_scale=True,
            disable=not self._stream.isatty(),
            file=self._stream,
            leave=False,
            mininterval=0.5,
        )
        self._seen, self._mark = done, time.perf_counter()

    def after_step(self, state: State) -> None:
        """Move the bar."""
        self._bar.update(state.seen - self._bar.n if not self._bar.disable else 0)

    def after_epoch(self, state: State) -> None:
        """Print the epoch's line."""
        now = time.perf_counter()
        rate = (state.seen - self._seen) / max(1e-9, now - self._mark)
        self._seen, self._mark = state.seen, now
        losses = "  ".join(f"{name} {value:.4f}" for name, value in state.losses.items())
        left = (self._epochs - state.epoch) * self._samples / max(1.0, rate)
        self._bar.clear()
        print(
            f"epoch {state.epoch}/{self._epochs}  {losses}  held-out {self._watch} {state.scores[self._watch]:.4f}  "
            f"{rate:,.0f} samples/s  {left:.0f} s left",
            file=self._stream,
            flush=True,
        )

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()


def counted(items: Sequence[Item], what: str, unit: str) -> Iterator[Item]:
    """Items one by one, with a bar on standard error where that is a terminal.

    Args:
        items: to go through.
        what: is done to each.
        unit: what an item is, in the plural.
    """
    yield from tqdm(items, what, unit=f" {unit}", leave=False, disable=None)
