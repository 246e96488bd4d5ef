"""What happens beside the training: watch the loss, average, score, checkpoint, log, stop."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from . import beats
from .backend import mx
from .errors import DivergedError
from .interrupts import Watch
from .records import State
from .workers import ALONE, Group


class Hook:
    """Does nothing; each hook below overrides what it needs."""

    def after_step(self, state: State) -> None:
        """Called after each update."""

    def after_epoch(self, state: State) -> None:
        """Called after each pass over the training part."""


class Guard(Hook):
    """Refuse a loss that is NaN or infinite, before anything is written.

    Args:
        every: updates between two looks; each look waits for the device.
    """

    def __init__(self, every: int) -> None:
        self._every = every

    def after_step(self, state: State) -> None:
        """Look at the losses now and then."""
        if state.step % self._every == 0:
            self.after_epoch(state)

    def after_epoch(self, state: State) -> None:
        """Look at the losses since the last look, and name the first update whose loss is not finite."""
        # Name by name, as each array that is read by itself costs as much as a small network's layer.
        names = state.recent[0][1] if state.recent else ()
        seen = {name: mx.nd.concat(*(losses[name] for _, losses in state.recent), dim=0).asnumpy() for name in names}
        for at, (step, _) in enumerate(state.recent):
            for name in names:
                _refuse(state, step, name, float(seen[name][at]))
        state.recent.clear()


class Beat(Hook):
    """Tell the launcher of a distributed run that this worker gets on."""

    def after_step(self, state: State) -> None:
        """Tell it."""
        beats.step(state.step)


class Averaging(Hook):
    """Take each update's weights into the running average."""

    def after_step(self, state: State) -> None:
        """Take them in."""
        state.average.update(state.step)


class Score(Hook):
    """Measure the network on the held-out part and remember whether it is the best so far; of equals, the latest.

    Args:
        measure: () -> figures by name.
        watch: the figure that decides, and "max" or "min".
        settle: called before, to bring the weights into the form that is measured and kept.
    """

    def __init__(
        self,
        measure: Callable[[], dict[str, Any]],
        watch: tuple[str, str],
        settle: Callable[[State], None] = lambda state: None,
    ) -> None:
        self._measure, (self._name, self._order), self._settle = measure, watch, settle

    def after_epoch(self, state: State) -> None:
        """Measure, refuse what is not finite before it is saved, and note the best."""
        self._settle(state)
        state.scores = self._measure()
        for name, value in state.scores.items():
            if isinstance(value, float):
                _refuse(state, state.step, f"held-out {name}", value)
        score = state.scores[self._name]
        better = state.best is None or (score >= state.best if self._order == "max" else score <= state.best)
        if better:
            state.best, state.best_epoch, state.best_scores = score, state.epoch, state.scores


class Checkpoint(Hook):
    """Save after each epoch, and now and then within one: a kill costs no more than what came since.

    Args:
        save: called with the state and whether these weights are the best.
        guard: looks before anything is saved within an epoch.
        steps: updates between two checkpoints within an epoch; 0 for none by number.
        minutes: after which a checkpoint is due within an epoch; 0 for none by time.
        group: the workers, who all save after the same update.
    """

    def __init__(
        self,
        save: Callable[[State, bool], None],
        guard: Hook,
        steps: int = 0,
        minutes: float = 0.0,
        group: Group = ALONE,
    ) -> None:
        self._save, self._guard, self._group = save, guard, group
        self._steps, self._seconds = steps, 60 * minutes
        self._mark = time.monotonic()

    def after_step(self, state: State) -> None:
        """Save if it is due."""
        counted = self._steps and state.step % self._steps == 0
        due = bool(self._seconds) and time.monotonic() - self._mark >= self._seconds
        if self._group.wish("checkpoint", due) or counted:
            self._guard.after_epoch(state)
            self._save(state, False)
            self._mark = time.monotonic()

    def after_epoch(self, state: State) -> None:
        """Save: the last weights, and the best ones when this epoch's are the best."""
        self._save(state, state.best_epoch == state.epoch)
        self._mark = time.monotonic()


class Log(Hook):
    """One JSON record per epoch and every so many updates.

    Args:
        write: called with each record.
        every: updates between two records.
        norms: state -> more figures for the records within an epoch.
    """

    def __init__(
        self,
        write: Callable[[dict[str, Any]], None],
        every: int,
        norms: Callable[[State], dict[str, float]] | None = None,
    ) -> None:
        self._write, self._every, self._norms = write, every, norms
        self._mark = time.perf_counter()

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
                    **(self._norms(state) if self._norms else {}),
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


class Patience(Hook):
    """Stop when the watched figure has not become better for a number of epochs."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs

    def after_epoch(self, state: State) -> None:
        """Stop when it is so."""
        state.stop = state.stop or state.epoch - state.best_epoch >= self._epochs


class Limit(Hook):
    """Stop after a number of epochs."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs

    def after_epoch(self, state: State) -> None:
        """Stop when they are done."""
        state.stop = state.stop or state.epoch >= self._epochs


class Stop(Hook):
    """Leave the loop at the end of a step when a signal asked for it.

    Args:
        watch: notes signals.
        where: what is stopped, for the message.
        do: how to go on.
        group: the workers, who all leave after the same update.
    """

    def __init__(self, watch: Watch, where: str, do: str, group: Group = ALONE) -> None:
        self._watch, self._where, self._do, self._group = watch, where, do, group

    def after_step(self, state: State) -> None:
        """Leave if so."""
        if self._group.wish("stop", bool(self._watch.signal)):
            self._leave()

    def after_epoch(self, state: State) -> None:
        """Leave if so, unless the run is over."""
        if not state.stop and self._group.agree(bool(self._watch.signal)):
            self._leave()

    def _leave(self) -> None:
        self._watch.signal = self._watch.signal or signal.SIGTERM  # another worker's
        self._watch.look(self._where, self._do)


def _refuse(state: State, step: int, name: str, value: float) -> None:
    if not np.isfinite(value):
        raise DivergedError(
            f"train: step {step}, epoch {state.epoch}",
            f"{name} is {value}",
            "a finite number",
            "pass a smaller --lr, or --set train.clip_norm=1; checkpoints written before are kept",
        )
