"""Timings as a picture: samples a second of each entrant, a panel per batch size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..reports.charts import PALETTE
from ..reports.drawing import DPI, INK, SOFT, Pen
from .racing import Timing


def draw(timings: Sequence[Timing], path: Path) -> None:
    """A PNG file.

    Args:
        timings: those without an error are drawn, in their order.
        path: of the file.
    """
    panels: dict[tuple[int, int], list[Timing]] = {}
    for one in timings:
        if one.latencies_s:
            panels.setdefault((one.batch, one.threads), []).append(one)
    pen = Pen([one.entrant.label for one in timings])
    most = max((len(group) for group in panels.values()), default=1)
    with matplotlib.rc_context(pen.settings()):
        figure = Figure(
            figsize=(5.2, (0.9 + 0.3 * most) * max(1, len(panels))), layout="constrained", facecolor="white"
        )
        for at, ((batch, threads), group) in enumerate(panels.items()):
            axes = figure.add_subplot(len(panels), 1, at + 1)
            places = range(len(group))
            rates = [one.rate_per_s for one in group]
            axes.barh(places, rates, height=0.62, color=[PALETTE[one % len(PALETTE)] for one in places])
            axes.set_yticks(places, [pen.text(one.entrant.label, f"entrant {i + 1}") for i, one in enumerate(group)])
            axes.invert_yaxis()
            axes.set_xlim(0, max(rates) * 1.22)
            axes.xaxis.set_major_locator(MaxNLocator(4))
            axes.xaxis.set_major_formatter("{x:,.0f}")
            axes.set_xlabel("samples/s")
            axes.set_title(f"batch {batch}, threads {threads}", loc="left", fontsize=10.5)
            for place, rate in zip(places, rates):
                axes.text(rate + max(rates) * 0.01, place, f"{rate:,.0f}", va="center", fontsize=8, color=INK)
            for side in ("top", "right", "left"):
                axes.spines[side].set_visible(False)
            axes.tick_params(axis="y", length=0)
            axes.tick_params(axis="x", colors=SOFT)
        FigureCanvasAgg(figure)
        figure.savefig(path, dpi=DPI, metadata={"Software": None})
