"""A report's pictures as PNG files; the only door to matplotlib."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib import font_manager, image
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from . import matrix
from .charts import NEUTRAL, PALETTE, Chart, Series, spell
from .examining import Mistake
from .exhibits import Exhibit
from .markup import cut

INK, SOFT, RULE, RAISED = "#1c1c1a", "#5f5f5a", "#deded9", "#f6f6f4"
HIT, MISS = (0, 114, 178), (213, 94, 0)
# matplotlib's own, which is always there.
OWN = "DejaVu Sans"
DPI = 144
ABREAST = 3
STYLES = {"line": "-", "dashed": (0, (3, 3)), "faint": "-"}


class Pen:
    """Draws with the fonts of this machine, and remembers the text they have no letters for.

    Such text is replaced by what is given instead of it, never by empty boxes.

    Args:
        texts: what is to be drawn; where matplotlib's own font lacks letters, the machine's others are looked through.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._families = [OWN]
        self._letters = set(font_manager.get_font(font_manager.findfont(OWN)).get_charmap())
        wanted = {ord(letter) for text in texts for letter in text if not letter.isspace()}
        for path in sorted(font_manager.findSystemFonts()) if wanted - self._letters else ():
            letters = _letters(path)
            if letters & (wanted - self._letters):
                self._families.append(font_manager.get_font(path).family_name)
                self._letters |= letters
        self.missing: set[str] = set()

    def settings(self) -> Any:
        """For matplotlib.rc_context: fonts, colours, and no mathematics in the text of strangers."""
        return {
            "font.family": self._families,
            "font.size": 9,
            "text.parse_math": False,
            "figure.constrained_layout.w_pad": 0.1,
            "figure.constrained_layout.h_pad": 0.1,
            "text.color": INK,
            "axes.labelcolor": SOFT,
            "axes.edgecolor": SOFT,
            "xtick.color": SOFT,
            "ytick.color": SOFT,
        }

    def text(self, text: str, instead: str) -> str:
        """The text if all of it can be drawn on one line, else what is given instead."""
        plain = " ".join(text.split())
        if all(ord(letter) in self._letters for letter in plain):
            return plain
        self.missing.add(text)
        return instead

    def labels(self, labels: Sequence[str]) -> list[str]:
        """Labels short enough to stand at a matrix; by number where the fonts lack their letters."""
        return [cut(self.text(label, f"label {at}"), 20) for at, label in enumerate(labels)]


def draw_charts(pen: Pen, charts: Sequence[Chart], path: Path, columns: int = ABREAST) -> None:
    """Charts in rows, as one picture."""
    columns = max(1, min(columns, len(charts)))
    rows = math.ceil(len(charts) / columns)
    tall = any(chart.diagonal for chart in charts)
    with matplotlib.rc_context(pen.settings()):
        figure = Figure(figsize=(4.2 * columns, (4.0 if tall else 2.9) * rows), layout="constrained", facecolor="white")
        for at, chart in enumerate(charts):
            _chart(pen, figure.add_subplot(rows, columns, at + 1), chart)
        _save(figure, path, None)


def draw_confusions(pen: Pen, matrices: Sequence[tuple[str, np.ndarray, Sequence[str]]], path: Path) -> None:
    """Confusion matrices side by side.

    Args:
        pen: draws.
        matrices: title, counts (labels, labels) and labels of each.
        path: of the PNG file.
    """
    columns = min(ABREAST, len(matrices))
    rows = math.ceil(len(matrices) / columns)
    side = max(min(16.0, max(3.6, 1.6 + 0.42 * len(matrix.crowd(counts)))) for _, counts, _ in matrices)
    with matplotlib.rc_context(pen.settings()):
        figure = Figure(figsize=(side * columns, side * rows), facecolor="white")
        if len(matrices) > 1:  # one alone needs no layout, which takes its time
            figure.set_layout_engine("constrained")
        for at, (title, counts, labels) in enumerate(matrices):
            _confusion(pen, figure.add_subplot(rows, columns, at + 1), title, counts, labels)
        _save(figure, path)


def draw_mistakes(
    pen: Pen, groups: Sequence[tuple[str, Sequence[Mistake], Sequence[Exhibit]]], path: Path, most: int = 12
) -> None:
    """The first few mistakes of each run: pictures in a grid, all else a line each."""
    across, lines = 6, []
    for _, mistakes, exhibits in groups:
        rows = math.ceil(len(mistakes[:most]) / across) if exhibits[0].picture else 0
        lines.append(0.35 + (1.75 * rows if rows else 0.24 * len(mistakes[:most])))
    with matplotlib.rc_context(pen.settings()):
        figure = Figure(figsize=(9.6, sum(lines) + 0.1), facecolor="white")
        parts = figure.subfigures(len(groups), 1, height_ratios=lines, squeeze=False)[:, 0]
        for part, height, (title, mistakes, exhibits) in zip(parts, lines, groups):
            top = 1 - 0.2 / height
            part.text(0.02, top, pen.text(title, "run"), fontsize=10.5, va="center")
            shown = list(zip(mistakes[:most], exhibits[:most]))
            if exhibits[0].picture:
                _pictures(pen, part, shown, across, height)
            else:
                _lines(pen, part, shown, height)
        _save(figure, path)


def _letters(path: str) -> set[int]:
    """What a font's file can draw, after making it known to matplotlib; nothing for one that it cannot use."""
    try:
        font = font_manager.get_font(path)
        if path not in {known.fname for known in font_manager.fontManager.ttflist}:
            font_manager.fontManager.addfont(path)  # installed after matplotlib looked
    except (OSError, RuntimeError, NotImplementedError):
        return set()
    return set(font.get_charmap()) if font.scalable else set()


def _chart(pen: Pen, axes: Any, chart: Chart) -> None:
    for one in chart.series:
        _series(pen, axes, one)
    (x_low, x_high), (y_low, y_high) = chart.bounds()
    if chart.logarithmic:
        axes.set_yscale("log")
        y_low, y_high = 10**y_low, 10**y_high
    if chart.diagonal:
        axes.plot([x_low, x_high], [x_low, x_high], color=SOFT, linewidth=1, linestyle=(0, (4, 4)), zorder=1)
    axes.set_xlim(x_low, x_high)
    axes.set_ylim(y_low, y_high)
    axes.set_xticks(chart.x_ticks(), [spell(value) for value in chart.x_ticks()])
    axes.set_yticks(chart.y_ticks(), [spell(value) for value in chart.y_ticks()])
    axes.minorticks_off()
    axes.set_title(pen.text(chart.title, "figure"), loc="left", fontsize=10.5)
    axes.set_xlabel(pen.text(chart.x, "value"))
    axes.set_ylabel(pen.text(chart.y, "value"))
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=3, width=0.8)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    if any(one.name for one in chart.series):
        axes.legend(frameon=False, fontsize=8)


def _series(pen: Pen, axes: Any, one: Series) -> None:
    colour = INK if one.colour == NEUTRAL else PALETTE[one.colour % len(PALETTE)]
    name = pen.text(one.name, f"run {one.colour + 1}")
    name = f" {name}" if name.startswith("_") else name or "_"  # "_..." is left out of matplotlib's key
    if one.form == "bars":
        axes.bar(one.x, one.y, one.width, color=colour, alpha=0.75, label=name)
    elif one.form in STYLES and len(one.x) > 1:
        faint = one.form == "faint"
        axes.plot(
            one.x,
            one.y,
            color=colour,
            linestyle=STYLES[one.form],
            linewidth=0.8 if faint else 1.6,
            alpha=0.4 if faint else 1.0,
            label=name,
        )
    elif one.form == "ring":
        axes.plot(
            one.x, one.y, "o", markerfacecolor="white", color=colour, markersize=6, label=name, zorder=3, clip_on=False
        )
    else:
        axes.plot(one.x, one.y, "o", color=colour, markersize=3, alpha=0.6, markeredgewidth=0, label=name)


def _confusion(pen: Pen, axes: Any, title: str, counts: np.ndarray, labels: Sequence[str]) -> None:
    chosen = matrix.crowd(counts)
    names = pen.labels(labels)
    shares = matrix.shares(counts)[np.ix_(chosen, chosen)]
    part = counts[np.ix_(chosen, chosen)]
    strong = matrix.strength(shares)[:, :, None]
    colours = np.where(np.eye(len(chosen), dtype=bool)[:, :, None], HIT, MISS) / 255
    axes.imshow(strong * colours + (1 - strong) * np.array(matplotlib.colors.to_rgb(RAISED)), interpolation="nearest")
    places = np.arange(len(chosen))
    small = 8 if len(chosen) <= 45 else 6
    shown = [names[at] for at in chosen]
    axes.set_xticks(places, shown, rotation=90 if max(map(len, shown)) > 3 else 0, fontsize=small, color=INK)
    axes.set_yticks(places, shown, fontsize=small, color=INK)
    axes.tick_params(length=0)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(pen.text(title, "run"), loc="left", fontsize=10.5)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for row, column in zip(*np.nonzero(part)):
        written = f"{part[row, column]}"
        if len(chosen) <= 20:
            written += f"\n{shares[row, column]:.2f}"
        colour = "white" if strong[row, column, 0] > matrix.STRONG else INK
        axes.text(column, row, written, ha="center", va="center", fontsize=min(small, 6), color=colour)


def _pictures(pen: Pen, part: Any, shown: Sequence[tuple[Mistake, Exhibit]], across: int, height: float) -> None:
    for at, (mistake, exhibit) in enumerate(shown):
        row, column = divmod(at, across)
        bottom = 1 - (0.35 + 1.75 * row + 1.25) / height
        axes = part.add_axes((0.02 + column * 0.98 / across, bottom, 0.94 / across, 1.2 / height))
        pixels = image.imread(io.BytesIO(exhibit.picture))
        axes.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axes.set_axis_off()
        told = _verdict(pen, mistake, "\n")
        axes.text(0.5, -0.04, told, fontsize=7, transform=axes.transAxes, ha="center", va="top")


def _lines(pen: Pen, part: Any, shown: Sequence[tuple[Mistake, Exhibit]], height: float) -> None:
    for at, (mistake, exhibit) in enumerate(shown):
        y = 1 - (0.35 + 0.24 * (at + 0.5)) / height
        told = "".join(piece for piece, _ in exhibit.text) or ", ".join(f"{name} {cell}" for name, cell in exhibit.row)
        part.text(0.02, y, cut(_verdict(pen, mistake, "  "), 48), fontsize=8, va="center")
        part.text(
            0.4, y, cut(pen.text(told, "(its letters are in no font here)"), 84), fontsize=8, va="center", color=SOFT
        )


def _verdict(pen: Pen, mistake: Mistake, between: str) -> str:
    true, said = (cut(pen.text(one, "?"), 18) for one in (mistake.true, mistake.predicted))
    if mistake.probability is None or mistake.likelihood is None:
        return f"predicted {said}{between}true {true}"
    return f"{said} {mistake.probability:.2f}" + (
        "" if mistake.right else f"{between}not {true} {mistake.likelihood:.2f}"
    )


def _save(figure: Figure, path: Path, box: str | None = "tight") -> None:
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=DPI, bbox_inches=box, pad_inches=0.15, metadata={"Software": None})
