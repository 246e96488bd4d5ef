"""How cost grows: `python benchmarks/growth.py [--rounds N] [--quick]`, a quarter of an hour; with --quick two minutes.

An epoch's time against the number of samples, the batch size, the number of parameters and the length of texts, on
made-up samples in memory, each point in a process of its own, all points in turns. Then the most memory of a training
on files against the number of samples: images are read as they are needed (recordio, image_folder), a table is held.
Writes benchmarks/results/growth.md, growth.json and growth.png; ends with 1 where streaming takes over a tenth more
memory for more samples.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import _files, _tables
from benchmarks._turns import Player
from gluon_ref.machine import threads
from gluon_ref.reports.charts import PALETTE
from gluon_ref.reports.drawing import DPI, INK, RULE, SOFT, Pen

HERE = Path(__file__).parent
PATIENT_S = 3600.0
STREAMED, HELD = ("recordio", "image_folder"), ("table",)
BAR = 0.1


@dataclass(frozen=True)
class Curve:
    """What is varied.

    Args:
        title: for the tables and the plot.
        net: that is trained.
        key: of its recipe, which takes the values.
        values: from small to large.
        batch: samples of a step.
        fixed: other values of the recipe.
    """

    title: str
    net: str
    key: str
    values: tuple[Any, ...]
    batch: int
    fixed: dict[str, Any]

    def call(self, value: Any) -> list[str]:
        """The command of a point."""
        changes = {**self.fixed, self.key: value}
        batch = value if self.key == "train.batch_size" else self.batch
        script = str(HERE / "_grown.py")
        return [sys.executable, script, "epochs", self.net, str(batch), json.dumps(changes)]


CURVES = (
    Curve("samples", "mlp", "data.samples", (1_000, 10_000, 100_000, 1_000_000), 128, {"data.features": 64}),
    Curve("batch size", "cnn", "train.batch_size", (8, 32, 128, 512, 2048), 0, {"data.samples": 8_192}),
    Curve("parameters", "mlp", "model.units", ((64, 64), (256, 256), (1024, 1024), (4096, 4096)), 128,
          {"data.samples": 8_192}),
    Curve("steps of a text", "lstm", "data.steps", (8, 32, 128, 512), 64, {"data.samples": 2_048}),
)  # fmt: skip
COUNTS = (2_000, 10_000, 50_000)  # samples in files


@dataclass(frozen=True)
class Point:
    """What was measured, at one value of what is varied: seconds of an epoch in each round, and most memory."""

    curve: str
    net: str
    at: int
    seconds: tuple[float, ...]
    processor: tuple[float, ...]
    bytes: int

    @property
    def median_s(self) -> float:
        """Half of the rounds are quicker."""
        return statistics.median(self.seconds)

    @property
    def work_s(self) -> float:
        """Of the processor, which others on the machine hardly change; half of the rounds need less."""
        return statistics.median(self.processor)


def told(label: str, call: Sequence[str]) -> dict[str, Any]:
    """What a process prints."""
    print(label, file=sys.stderr)
    with Player(label, call, threads()) as player:
        found = player.listen(PATIENT_S)
        if player.error:
            raise SystemExit(f"{label}: {player.error}")
        return found


def points(curves: Sequence[Curve], rounds: int) -> list[Point]:
    """Every point, in turns."""
    places = [(curve, value) for curve in curves for value in curve.values]
    found: list[list[dict[str, Any]]] = [[] for _ in places]
    for number in range(rounds):
        for mine, (curve, value) in zip(found, places):
            mine.append(told(f"round {number + 1}, {curve.title} {value}", curve.call(value)))
    made = []
    for mine, (curve, value) in zip(found, places):
        at = mine[0]["parameters"] if curve.title == "parameters" else value
        clock, work = (  # the first epoch warms up
            tuple(statistics.median(one[name][1:]) for one in mine) for name in ("epochs_s", "processor_s")
        )
        made.append(Point(curve.title, curve.net, at, clock, work, max(one["bytes"] for one in mine)))
    return made


def memory(counts: Sequence[int]) -> list[Point]:
    """Most memory of a training on files."""
    found = []
    with tempfile.TemporaryDirectory(prefix="gluonref-growth-") as scratch:
        for kind in (*STREAMED, *HELD):
            for count in counts:
                path = _files.write(kind, count, Path(scratch))
                call = [sys.executable, str(HERE / "_grown.py"), "files", kind, str(path)]
                one = told(f"{kind}, {count:,} samples", call)
                net, times = "cnn" if kind in STREAMED else "mlp", ((one["seconds"],), (one["processor"],))
                found.append(Point(kind, net, count, *times, one["bytes"]))
    return found


def slope(first: Point, last: Point) -> float:
    """The power of what is varied by which the processor's time grows: 1 where twice as much takes twice as long."""
    return math.log(last.work_s / first.work_s) / math.log(last.at / first.at)


def grown(kept: Sequence[Point], kind: str) -> float:
    """Share by which memory grows from the fewest samples to the most."""
    mine = [one.bytes for one in kept if one.curve == kind]
    return mine[-1] / mine[0] - 1


def document(timed: Sequence[Point], kept: Sequence[Point]) -> str:
    """The figures as Markdown."""
    cells, before = [], None
    for one in timed:
        power = f"{slope(before, one):.2f}" if before and before.curve == one.curve else ""
        spread = f"{min(one.seconds):.3f} to {max(one.seconds):.3f}"
        start, end = (one.curve, one.net, f"{one.at:,}"), (power, f"{one.bytes / 1e6:,.0f}")
        cells.append((*start, f"{one.median_s:.3f}", spread, f"{one.work_s:.3f}", *end))
        before = one
    heads = ("varied", "net", "value", "seconds an epoch", "quickest to slowest", "processor s", "power", "peak MB")
    text = f"{_tables.table(heads, cells)}\n\n"
    text += "Power: of the processor's seconds, since the line above; 1 where twice as much takes twice as long.\n\n"
    rows = [(one.curve, f"{one.at:,}", f"{one.bytes / 1e6:,.0f}", f"{one.seconds[0]:.1f}") for one in kept]
    text += _tables.table(("files", "samples", "peak MB", "seconds of the training"), rows) + "\n\n"
    growth = ", ".join(f"{kind} {100 * grown(kept, kind):+.1f} %" for kind in (*STREAMED, *HELD))
    return (
        f"{text}Memory from the fewest samples to the most: {growth}; streamed, {100 * BAR:.0f} % at most is wanted.\n"
    )


def mark(axes: Any, values: Sequence[float]) -> None:
    """Ticks at the values themselves, and plain numbers rather than powers, which the drawing's style does not set."""
    axes.set_xticks(values, [f"{one / 1e6:.2g}M" if one >= 1e6 else f"{one:,}" for one in values])
    if axes.get_yscale() == "log":
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_minor_formatter(NullFormatter())


def draw(timed: Sequence[Point], kept: Sequence[Point], path: Path) -> None:
    """A panel for each curve, both axes logarithmic, and one of memory."""
    names = list(dict.fromkeys(one.curve for one in timed))
    with matplotlib.rc_context(Pen().settings()):
        figure = Figure(figsize=(3.6 * 3, 2.9 * 2), layout="constrained", facecolor="white")
        panels = list(figure.subplots(2, 3).flat)
        for axes, name in zip(panels, names):
            mine = [one for one in timed if one.curve == name]
            low = [one.median_s - min(one.seconds) for one in mine]
            high = [max(one.seconds) - one.median_s for one in mine]
            xs, ys = [one.at for one in mine], [one.median_s for one in mine]
            axes.errorbar(
                xs, ys, yerr=(low, high), marker="o", markersize=4, color=PALETTE[0], ecolor=SOFT, label="clock"
            )
            axes.plot(xs, [one.work_s for one in mine], "--", color=PALETTE[1], label="processor")
            axes.legend(frameon=False, fontsize=8, labelcolor=INK)
            axes.set(xscale="log", yscale="log", xlabel=name)
            mark(axes, xs)
            axes.set_title(f"{mine[0].net}: seconds an epoch", loc="left", fontsize=10.5)
        axes = panels[len(names)]
        for colour, kind in enumerate((*STREAMED, *HELD)):
            mine = [one for one in kept if one.curve == kind]
            xs, ys = [one.at for one in mine], [one.bytes / 1e6 for one in mine]
            axes.plot(xs, ys, marker="o", markersize=4, color=PALETTE[colour], label=kind)
        axes.set(xscale="log", xlabel="samples in files", ylim=(0, None))
        mark(axes, [one.at for one in mine])
        axes.set_title("most memory, MB", loc="left", fontsize=10.5)
        axes.legend(frameon=False, fontsize=8, labelcolor=INK)
        for axes in panels:
            axes.grid(color=RULE, linewidth=0.6)
            for side in ("top", "right"):
                axes.spines[side].set_visible(False)
        for axes in panels[len(names) + 1 :]:
            axes.set_visible(False)
        FigureCanvasAgg(figure)
        figure.savefig(path, dpi=DPI, metadata={"Software": None})


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="trainings of each point")
    parser.add_argument("--quick", action="store_true", help="one round, without the largest values")
    asked = parser.parse_args()
    rounds, left_out, busy = 1 if asked.quick else asked.rounds, -1 if asked.quick else None, os.getloadavg()[0]
    timed = points([replace(curve, values=curve.values[:left_out]) for curve in CURVES], rounds)
    kept = memory(COUNTS[:left_out])
    quick = " --quick" if asked.quick else ""
    head = f"`python benchmarks/growth.py{quick}`, {_tables.machine()}, threads: {threads()}; {rounds} rounds in turns"
    head = f"{head}, {busy:.1f} processes busy before."
    text = f"# How cost grows\n\n{head}\n\n{document(timed, kept)}"
    print(text)
    place = HERE / "results" / ("quick-growth" if asked.quick else "growth")
    rows = {"epochs": [asdict(one) for one in timed], "files": [asdict(one) for one in kept]}
    _tables.keep(place, f"{text}\n![the same as plots]({place.name}.png)\n", {"about": head, **rows})
    draw(timed, kept, place.with_suffix(".png"))
    sys.exit(any(grown(kept, kind) > BAR for kind in STREAMED))


if __name__ == "__main__":
    main()
