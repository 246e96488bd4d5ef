"""Charts as plain records: the page draws them as SVG, `drawing` as PNG, with the same axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

# Okabe and Ito's colours, told apart by colour-blind people too: on white, and lightened where needed on black.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#aa4499", "#7a6a00", "#3a3a9a", "#882255", "#6a6a6a")
ON_DARK = ("#56b4e9", "#f0894a", "#2fc79a", "#dd8ec0", "#d8c44a", "#a0a4f0", "#e07aa0", "#b5b3ac")
# The colour of text, for what belongs to no run.
NEUTRAL = -1
COUNTED = ("epoch", "step")


@dataclass(frozen=True)
class Series:
    """Points of one kind in a chart.

    Args:
        name: for the key; empty to be left out of it.
        x: as many as `y`.
        y: finite.
        form: how the points are drawn.
        colour: index into the palette, which is used in turn; or NEUTRAL.
        width: of a bar, in units of x.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    form: Literal["line", "dashed", "faint", "dots", "ring", "bars"] = "line"
    colour: int = 0
    width: float = 0.0


@dataclass(frozen=True)
class Chart:
    """One picture with two axes.

    Args:
        title: what is drawn.
        x: name of the horizontal axis.
        series: drawn in this order.
        y: name of the vertical axis; empty where the title says it.
        logarithmic: whether the vertical axis is.
        x_range: smallest and largest x shown; None for those of the points.
        y_range: likewise.
        diagonal: whether a line marks where y equals x.
        note: how to read it.
    """

    title: str
    x: str
    series: tuple[Series, ...]
    y: str = ""
    logarithmic: bool = False
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    diagonal: bool = False
    note: str = ""

    def bounds(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """What the two axes show, never of length 0; of a logarithmic axis, the logarithms to base 10."""
        xs = np.concatenate([one.x for one in self.series])
        ys = np.concatenate([one.y for one in self.series])
        bars = any(one.form == "bars" for one in self.series)
        across = self.x_range or spread(float(xs.min()), float(xs.max()))
        if self.y_range:
            return across, self.y_range
        if self.logarithmic:
            ys = np.log10(ys)
        low, high = spread(float(ys.min()), float(ys.max()))
        margin = 0.05 * (high - low)
        return across, (0.0 if bars else low - margin, high + margin)

    def x_ticks(self) -> list[float]:
        """Where the horizontal axis is labelled; epochs and steps are whole numbers."""
        found = ticks(*self.bounds()[0], most=7)
        whole = [value for value in found if value == round(value)]
        return whole if whole and self.x in COUNTED else found

    def y_ticks(self) -> list[float]:
        """Where the vertical axis is labelled, in the units of y."""
        low, high = self.bounds()[1]
        return [10**value for value in log_ticks(low, high)] if self.logarithmic else ticks(low, high, most=6)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers from low to high, at most about `most`."""
    raw = (high - low) / max(1, most - 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [at * step for at in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Exponents of powers of ten from low to high, with 2 and 5 times them where there are few."""
    decades = range(math.floor(low), math.ceil(high) + 1)
    every = max(1, len(decades) // 6)
    factors = (1, 2, 5) if high - low < 2 else (1,)
    found = [at + math.log10(factor) for at in decades if at % every == 0 for factor in factors]
    return [at for at in found if low <= at <= high]


def plain(name: str) -> str:
    """The name of a figure as words."""
    return name.replace("_", " ")


def spell(value: float) -> str:
    """A tick's number, short."""
    return "0" if abs(value) < 1e-300 else f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.4g}"


def spread(low: float, high: float) -> tuple[float, float]:
    """The range from low to high, widened where there is none."""
    if high - low > 1e-12 * max(1.0, abs(high)):
        return low, high
    around = abs(high) * 0.5 or 1.0
    return low - around, high + around
