"""A chart as inline SVG: text in the reader's own fonts, colours by the page's style, no script."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from .charts import NEUTRAL, PALETTE, Chart, Series, spell
from .markup import escape

WIDTH = 380
LEFT, RIGHT, TOP, BOTTOM = 50, 10, 8, 38
FLAT, TALL = 220, 340
STROKES = ("line", "dashed", "faint")

Scale = Callable[[np.ndarray], np.ndarray]


def figure(chart: Chart) -> str:
    """A chart with its title, key and note, as a `figure` of HTML."""
    note = f'<p class="note">{escape(chart.note)}</p>' if chart.note else ""
    key = "".join(
        f'<span class="key"><i class="{one.form} {hue(one.colour)}"></i><bdi>{escape(one.name)}</bdi></span>'
        for one in chart.series
        if one.name
    )
    keys = f'<div class="keys">{key}</div>' if key else ""
    return f'<figure class="chart"><figcaption>{escape(chart.title)}{keys}</figcaption>{draw(chart)}{note}</figure>'


def hue(colour: int) -> str:
    """The page's class for a colour."""
    return "neutral" if colour == NEUTRAL else f"c{colour % len(PALETTE)}"


def draw(chart: Chart) -> str:
    """The picture alone; its label says in words what it shows."""
    height = TALL if chart.diagonal and chart.x_range == chart.y_range else FLAT
    (x_low, x_high), (y_low, y_high) = chart.bounds()

    def across(x: np.ndarray) -> np.ndarray:
        return LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)

    def up(y: np.ndarray) -> np.ndarray:
        raised = np.log10(y) if chart.logarithmic else y
        return height - BOTTOM - (raised - y_low) / (y_high - y_low) * (height - TOP - BOTTOM)

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(describe(chart))}">',
        *_axes(chart, across, up, height),
    ]
    if chart.diagonal:
        low, high = max(x_low, y_low), min(x_high, y_high)
        ends = np.array([low, high])
        parts.append(f'<path class="diagonal" d="{_path(across(ends), up(ends))}"/>')
    floor = height - BOTTOM
    for one in chart.series:
        parts += _series(one, across, up, floor)
    return "".join([*parts, "</svg>"])


def describe(chart: Chart) -> str:
    """A chart in words, for those who do not see it."""
    told = []
    for one in chart.series:
        if not len(one.y) or one.form in ("faint", "ring"):
            continue
        name = f"{one.name}: " if one.name else ""
        if one.form in ("line", "dashed"):
            told.append(f"{name}from {spell(one.y[0])} to {spell(one.y[-1])}, lowest {spell(one.y.min())}")
        else:
            told.append(f"{name}{len(one.y)} values from {spell(one.y.min())} to {spell(one.y.max())}")
    return f"{chart.title} by {chart.x}. {'; '.join(told)}"


def _axes(chart: Chart, across: Scale, up: Scale, height: int) -> Iterator[str]:
    floor = height - BOTTOM
    for value in chart.y_ticks():
        y = float(up(np.array(value)))
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        yield f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(spell(value))}</text>'
    for value in chart.x_ticks():
        x = float(across(np.array(value)))
        yield f'<path class="axis" d="M{x:.1f} {floor}v4"/>'
        yield f'<text class="tick" x="{x:.1f}" y="{floor + 16}" text-anchor="middle">{escape(spell(value))}</text>'
    yield f'<path class="axis" d="M{LEFT} {floor}H{WIDTH - RIGHT}"/>'
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield f'<text class="name" x="{middle}" y="{height - 5}" text-anchor="middle">{escape(chart.x)}</text>'
    if chart.y:
        at = (TOP + floor) / 2
        turned = f'transform="translate(11 {at}) rotate(-90)"'
        yield f'<text class="name" {turned} text-anchor="middle">{escape(chart.y)}</text>'


def _series(one: Series, across: Scale, up: Scale, floor: int) -> Iterator[str]:
    kind = f"{one.form} {hue(one.colour)}"
    xs, ys = across(one.x), up(one.y)
    if one.form == "bars":
        lefts, rights = across(one.x - one.width / 2), across(one.x + one.width / 2)
        bars = "".join(
            f"M{left:.1f} {floor}V{y:.1f}H{right:.1f}V{floor}Z"
            for left, right, y in zip(lefts, rights, ys)
            if floor - y > 0.05
        )
        yield f'<path class="{kind}" d="{bars}"/>'
    elif one.form in STROKES and len(xs) > 1:
        yield f'<path class="{kind}" d="{_path(xs, ys)}"/>'
    else:
        radius = {"dots": 2.2, "ring": 4}.get(one.form, 2.5)
        form = one.form if one.form in ("dots", "ring") else "dots"
        circles = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}"/>' for x, y in zip(xs, ys))
        yield f'<g class="{form} {hue(one.colour)}">{circles}</g>'


def _path(xs: np.ndarray, ys: np.ndarray) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(xs, ys))
