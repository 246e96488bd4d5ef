"""find_rate(recipe): the learning rate at which the loss falls fastest, by letting the rate rise over a short training.

Source: L. Smith, Cyclical Learning Rates for Training Neural Networks, 2017, https://arxiv.org/abs/1506.01186; the
    exponential rise, the smoothing and the choice of the steepest descent are fast.ai's. Here the descent at a rate is
    that of a line fitted to a decade around it: the difference of two neighbours is mostly noise of their batches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from .errors import OptionError
from .hooks import Hook
from .preparation import prepare
from .recipe import Recipe
from .records import State

DECAY = 0.9  # of the mean over the losses: about the last ten
RISE = 4.0  # times the smallest loss: there the search ends
WIDTH = 1.0  # decades of rates that tell one slope
IGNORED = 5  # losses at the begin, whose mean is of too few
FEWEST = 50  # updates
# Updates of a search unless told: one pass, within these. With fewer a slow network has learnt nothing before the rates
# are too high; with more a small data set is learnt before they are high enough.
USUAL = (200, 500)


@dataclass(frozen=True)
class Suggestion:
    """A learning rate, and what it was read off.

    Args:
        rate: where the smoothed loss falls fastest over the logarithm of the rate.
        lowest: where it is smallest.
        rates: of all updates, rising.
        losses: of their batches, before each update.
        smoothed: their running mean.
    """

    rate: float
    lowest: float
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]


def smooth(losses: Sequence[float], decay: float = DECAY) -> np.ndarray:
    """Exponential running mean, with the weight that its begin lacks made up for.

    Args:
        losses: (updates,).
        decay: share of the mean that stays at each update, in [0, 1).
    Returns:
        float64 (updates,).
    """
    means, mean = [], 0.0
    for count, loss in enumerate(losses, 1):
        mean = decay * mean + (1 - decay) * loss
        means.append(mean / (1 - decay**count))
    return np.array(means, dtype=np.float64)


def ended(smoothed: np.ndarray) -> bool:
    """Whether the last smoothed loss is so large, or no number, that higher rates tell nothing."""
    last = float(smoothed[-1])
    return not math.isfinite(last) or bool(last > RISE * smoothed.min() > 0)


def suggest(
    rates: Sequence[float],
    losses: Sequence[float],
    *,
    decay: float = DECAY,
    width: float = WIDTH,
    ignored: int = IGNORED,
) -> Suggestion:
    """The rate of the steepest descent of the smoothed loss over the logarithm of the rate.

    Args:
        rates: above 0, rising.
        losses: one for each; the first that `ended` says of and what comes after it are left out.
        decay: of the smoothing, in [0, 1).
        width: in decades, of the rates whose losses tell one slope, half of it on either side.
        ignored: points at the begin that tell nothing.
    Raises:
        OptionError: when the loss falls nowhere.
    """
    smoothed = smooth(losses, decay)
    count = next((at for at in range(len(smoothed)) if ended(smoothed[: at + 1])), len(smoothed))
    at = np.log10(rates[:count])
    lowest = int(smoothed[:count].argmin()) if count else 0
    slopes = _slopes(at[ignored : lowest + 1], smoothed[ignored : lowest + 1], width / 2)
    if not slopes or min(slopes.values()) >= 0:
        given = f"of {rates[0]:g} to {rates[count - 1]:g}" if count else f"from {rates[0]:g} on"
        raise OptionError(
            "find-rate",
            f"the loss falls at no rate {given}",
            "rates from far too small to far too large",
            "pass a smaller --low, or more --steps",
        )
    steepest = ignored + min(slopes, key=lambda index: slopes[index])
    return Suggestion(
        float(rates[steepest]),
        float(rates[lowest]),
        tuple(rates[:count]),
        tuple(losses[:count]),
        tuple(smoothed[:count].tolist()),
    )


def _slopes(at: np.ndarray, values: np.ndarray, reach: float) -> dict[int, float]:
    """Index -> slope of the line through the points at most `reach` away, where points go as far on either side."""
    found = {}
    for index, middle in enumerate(at):
        near = np.abs(at - middle) <= reach * (1 + 1e-9)
        if near.sum() > 1 and min(middle - at[0], at[-1] - middle) >= reach * (1 - 1e-9):
            offsets = at[near] - at[near].mean()
            found[index] = float((offsets * values[near]).sum() / (offsets**2).sum())
    return found


class Rise(Hook):
    """Take the loss of each update, and end the training when they have ended.

    Args:
        most: updates.
    """

    def __init__(self, most: int) -> None:
        self.losses: list[float] = []
        self._most, self._seen = most, 0

    def after_step(self, state: State) -> None:
        """Take it; leave the training after the last."""
        sums = state.recent.pop()[1]
        self.losses.append(sum(float(one.asscalar()) for one in sums.values()) / (state.seen - self._seen))
        self._seen = state.seen
        if len(self.losses) == self._most or ended(smooth(self.losses)):
            raise Ended


class Ended(Exception):
    """The search is over: the training loop itself ends only where epochs do."""


def find_rate(recipe: Recipe, *, low: float = 1e-6, high: float = 10.0, steps: int | None = None) -> Suggestion:
    """Train for a few updates while the rate rises, and suggest one; nothing is written.

    Args:
        recipe: read and changed; its own rate and schedule do not count.
        low: rate of the first update, above 0.
        high: rate of the last, above `low`.
        steps: updates, 50 or more; None for one pass over the training part, at least 200 and at most 500. The search
            ends sooner when the loss has risen to four times its minimum.
    Raises:
        RequestError: when the recipe cannot be carried out as asked, or the loss falls nowhere.
    """
    _require(0 < low < high < math.inf, f"low={low:g}, high={high:g}", "0 < low < high", "--low 1e-06 --high 10")
    _require(steps is None or steps >= FEWEST, f"steps={steps}", f"{FEWEST} or more", "--steps 200")
    prepared = prepare(recipe.check())
    settings = prepared.recipe.settings
    if steps is None:
        once = len(prepared.data.train) // (settings.batch_size * settings.accumulate)
        steps = min(max(once, USUAL[0]), USUAL[1])
    rates = np.geomspace(low, high, steps).tolist()
    for trainer in prepared.state.trainers:
        trainer.optimizer.lr_scheduler = lambda update: rates[min(max(update, 1), len(rates)) - 1]  # from 1
    rise = Rise(steps)
    with suppress(Ended):
        prepared.train([rise])
    return suggest(rates[: len(rise.losses)], rise.losses)


def _require(ok: bool, given: str, expected: str, example: str) -> None:
    if not ok:
        raise OptionError("find-rate", given, expected, f"pass {example}")


def rows(found: Suggestion, most: int = 20) -> list[tuple[float, float]]:
    """Rates and smoothed losses spread evenly over the search, its first and last among them.

    Args:
        found: of at least one update.
        most: rows.
    """
    chosen = sorted({round(at) for at in np.linspace(0, len(found.rates) - 1, most)})
    return [(found.rates[at], found.smoothed[at]) for at in chosen]
