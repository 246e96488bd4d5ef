"""What happens beside the training: watch the loss, score, checkpoint, log, show progress, stop."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

import numpy as np
from tqdm import tqdm

from .errors import DivergedError
from .records import State


class Hook:
    """Does nothing; each hook below overrides what it needs."""

    def after_step(self, state: State) -> None:
        """Called after each update."""

    def after_epoch(self, state: State) -> None:
        """Called after each pass over the training part."""


class Guard(Hook):
    """Refuse a loss that is NaN or infinite, before anything is written.

    Args:
        every: steps between two looks; each look waits for the device.
    """

    def __init__(self, every: int) -> None:
        self._every = every

    def after_step(self, state: State) -> None:
        """Look at the losses now and then."""
        if state.step % self._every == 0:
            self.after_epoch(state)

    def after_epoch(self, state: State) -> None:
        """Look at the losses."""
        for name in state.losses:
            _refuse(state, name, state.losses[name])


class Score(Hook):
    """Measure the network on the held-out part and remember whether it is the best so far; of equals, the latest.

    Args:
        measure: () -> figures by name.
        watch: the figure that decides, and "max" or "min".
    """

    def __init__(self, measure: Callable[[], dict[str, Any]], watch: tuple[str, str]) -> None:
        self._measure, (self._name, self._order) = measure, watch

    def after_epoch(self, state: State) -> None:
        """Measure, refuse what is not finite before it is saved, and note the best."""
        state.scores = self._measure()
        for name, value in state.scores.items():
            if isinstance(value, float):
                _refuse(state, f"held-out {name}", value)
        score = state.scores[self._name]
        better = state.best is None or (score >= state.best if self._order == "max" else score <= state.best)
        if better:
            state.best, state.best_epoch, state.best_scores = score, state.epoch, state.scores


class Checkpoint(Hook):
    """Save after each epoch: the last weights, and the best ones when this epoch's are the best.

    Args:
        save: called with the state and whether these weights are the best.
    """

    def __init__(self, save: Callable[[State, bool], None]) -> None:
        self._save = save

    def after_epoch(self, state: State) -> None:
        """Save."""
        self._save(state, state.best_epoch == state.epoch)


class Log(Hook):
    """One JSON record per epoch and every so many steps.

    Args:
        write: called with each record.
        every: steps between two records.
    """

    def __init__(self, write: Callable[[dict[str, Any]], None], every: int) -> None:
        self._write, self._every = write, every
        self._mark, self._seen = time.perf_counter(), -1

    def after_step(self, state: State) -> None:
        """Write now and then."""
        if state.step % self._every == 0:
            self._write(
                {
                    "event": "step",
                    "epoch": state.epoch,
                    "step": state.step,
                    "rate": state.rate,
                    "losses": {name: state.losses[name] for name in state.losses},
                }
            )

    def after_epoch(self, state: State) -> None:
        """Write the epoch's figures."""
        now = time.perf_counter()
        self._write(
            {
                "event": "epoch",
                "epoch": state.epoch,
                "step": state.step,
                "rate": state.rate,
                "losses": dict(state.losses),
                "scores": state.scores,
                "time_s": round(now - self._mark, 3),
            }
        )
        self._mark = now


class Progress(Hook):
    """A bar with samples per second and time left on a terminal, a line per epoch otherwise.

    Args:
        epochs: of the whole run.
        samples: per epoch.
        watch: the held-out figure to show.
        stream: where to; standard error by default.
    """

    def __init__(self, epochs: int, samples: int, watch: str, stream: TextIO | None = None, done: int = 0) -> None:
        self._epochs, self._samples, self._watch = epochs, samples, watch
        self._stream = stream or sys.stderr
        self._bar = tqdm(
            total=epochs * samples,
            initial=done * samples,
            unit=" samples",
            unit_scale=True,
            disable=not self._stream.isatty(),
            file=self._stream,
            leave=False,
            mininterval=0.5,
        )
        self._seen, self._mark = done * samples, time.perf_counter()

    def after_step(self, state: State) -> None:
        """Move the bar."""
        self._bar.update(state.seen - self._bar.n if not self._bar.disable else 0)

    def after_epoch(self, state: State) -> None:
        """Print the epoch's line."""
        now = time.perf_counter()
        rate = (state.seen - self._seen) / max(1e-9, now - self._mark)
        self._seen, self._mark = state.seen, now
        losses = "  ".join(f"{name} {value:.4f}" for name, value in state.losses.items())
        left = (self._epochs - state.epoch) * self._samples / rate
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


class Limit(Hook):
    """Stop after a number of epochs."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs

    def after_epoch(self, state: State) -> None:
        """Stop when they are done."""
        state.stop = state.stop or state.epoch >= self._epochs


def _refuse(state: State, name: str, value: float) -> None:
    if not np.isfinite(value):
        kept = "the last checkpoint is kept" if state.epoch > 1 else "there is no checkpoint yet"
        raise DivergedError(
            f"train: step {state.step}, epoch {state.epoch}",
            f"{name} is {value}",
            "a finite number",
            f"pass a smaller --lr, or --set train.clip_norm=1; {kept}",
        )
