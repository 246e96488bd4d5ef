"""Which charts there are: the curves of logs, calibration, and predicted values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from .charts import NEUTRAL, Chart, Series, plain, spread
from .examining import Calibration, Values
from .history import History, Points

# A log of any length is drawn with at most about this many points a line.
MOST_POINTS = 600
MOST_CHARTS = 40
# A positive loss that spans this factor is drawn on a logarithmic axis; any other figure, if it spans the second.
WIDE, WIDEST = 8, 1000


def curves(runs: Sequence[tuple[str, History]], watch: str = "", best: Sequence[float | None] = ()) -> list[Chart]:
    """Everything the logs hold over the epochs; over the steps while a run has not finished one.

    Args:
        runs: name and history of each, those with an empty history too.
        watch: the held-out figure that decides which epoch is best; it comes first.
        best: each run's best epoch, marked on that figure.
    """
    by_epoch = all(history.ends for _, history in runs if history)
    told = [(name, history, at) for at, (name, history) in enumerate(runs) if history]
    found: list[Chart] = []
    losses = _names(history.losses | history.within for _, history, _ in told)
    scores = sorted(_names(history.scores for _, history, _ in told), key=lambda name: name != watch)
    for name in losses:
        series = []
        for run, history, at in told:
            alone = len(told) == 1
            key = "training" if alone else run
            series += _within(name, history, by_epoch, at)
            series += _line(key, history.losses.get(name), history, by_epoch, "line", at)
            held_out = history.scores.get(name)
            series += _line("held out" if alone else "", held_out, history, by_epoch, "dashed", at + alone)
        both = name in scores
        notes = ["dashed: the held-out part"] if both and len(told) > 1 else []
        notes += ["faint: within epochs"] if any(one.form == "faint" for one in series) else []
        title = f"training and held-out {plain(name)}" if both else f"training {plain(name)}"
        found += _chart(title, series, by_epoch, ", ".join(notes), WIDE)
    for name in scores:
        if name in losses:
            continue
        series = []
        for run, history, at in told:
            points = history.scores.get(name)
            series += _line(run if len(told) > 1 else "", points, history, by_epoch, "line", at)
            epoch = best[at] if at < len(best) else None
            if name == watch and points and epoch is not None:
                series += _ring(points, history, by_epoch, epoch, at)
        note = "the ring marks the best epoch" if any(one.form == "ring" for one in series) else ""
        found += _chart(f"held-out {plain(name)}", series, by_epoch, note)
    for name in _names(history.others for _, history, _ in told):
        series = []
        for run, history, at in told:
            series += _line(run if len(told) > 1 else "", history.others.get(name), history, by_epoch, "line", at)
        found += _chart("learning rate" if name == "rate" else plain(name), series, by_epoch)
    return found[:MOST_CHARTS]


def reliability(calibration: Calibration, colour: int = 0) -> tuple[Chart, Chart]:
    """Two charts over the same bins: how often the answer is right against how sure it is, and samples per bin."""
    filled = calibration.counts > 0
    middles = calibration.edges[:-1] + calibration.width / 2
    accuracy = Series(
        "share right", middles[filled], calibration.accuracy[filled], "bars", colour, 0.92 * calibration.width
    )
    sure = Series("mean probability", middles[filled], calibration.confidence[filled], "ring", NEUTRAL)
    counts = Series("", middles, calibration.counts.astype(np.float64), "bars", colour, 0.92 * calibration.width)
    return (
        Chart(
            "share of right answers",
            "probability of the answer",
            (accuracy, sure),
            x_range=(0.0, 1.0),
            y_range=(0.0, 1.0),
            diagonal=True,
        ),
        Chart("samples per bin", "probability of the answer", (counts,), x_range=(0.0, 1.0)),
    )


def agreement(values: Values, name: str, colour: int = 0) -> tuple[Chart, Chart]:
    """Predicted against true values, on axes of the same range, and how often each residual occurs."""
    true, predicted = thin(values.true, values.predicted)
    both = np.concatenate([true, predicted])
    low, high = spread(float(both.min()), float(both.max()))
    span = (low - 0.03 * (high - low), high + 0.03 * (high - low))
    residuals = values.predicted - values.true
    counts, edges = np.histogram(residuals, bins=min(30, max(5, round(math.sqrt(len(residuals))))))
    width = float(edges[1] - edges[0])
    bars = Series("", edges[:-1] + width / 2, counts.astype(np.float64), "bars", colour, 0.92 * width)
    dots = Series("", true, predicted, "dots", colour)
    target = name or "value"
    note = (
        f"every {-(-len(values.true) // len(true))}th of {len(values.true):,} samples"
        if len(true) < len(values.true)
        else ""
    )
    return (
        Chart(
            "predicted against true",
            f"true {target}",
            (dots,),
            y=f"predicted {target}",
            x_range=span,
            y_range=span,
            diagonal=True,
            note=note,
        ),
        Chart(
            "samples by residual",
            f"predicted minus true {target}",
            (bars,),
            x_range=(float(edges[0]), float(edges[-1])),
        ),
    )


def thin(x: np.ndarray, y: np.ndarray, most: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """At most `most` of the points, evenly chosen."""
    every = -(-len(x) // most) or 1
    return x[::every], y[::every]


def _names(groups: Iterator[dict[str, Points]]) -> list[str]:
    return list(dict.fromkeys(name for group in groups for name in group))


def _line(name: str, points: Points | None, history: History, by_epoch: bool, form: str, colour: int) -> list[Series]:
    if points is None:
        return []
    steps, figures = _decimate(points.steps, points.figures)
    kind: Literal["line", "dashed", "faint"] = "faint" if form == "faint" else "dashed" if form == "dashed" else "line"
    return [Series(name, history.epochs(steps) if by_epoch else steps, figures, kind, colour)]


def _within(name: str, history: History, by_epoch: bool, colour: int) -> list[Series]:
    """The loss within epochs, where it was written down often enough to tell more than that of the epochs."""
    points, ended = history.within.get(name), history.losses.get(name)
    if points is None or (ended and len(points.values) < 2 * len(ended.values)):
        return []
    return _line("", points, history, by_epoch, "faint", colour)


def _ring(points: Points, history: History, by_epoch: bool, epoch: float, colour: int) -> list[Series]:
    steps = [step for step, number in history.ends.items() if number == epoch and step in points.values]
    if not steps:
        return []
    at = np.array(steps[-1:])
    figures = np.array([points.values[steps[-1]]])
    return [Series("", history.epochs(at) if by_epoch else at, figures, "ring", colour)]


def _chart(title: str, series: list[Series], by_epoch: bool, note: str = "", wide: float = WIDEST) -> list[Chart]:
    if not series:
        return []
    ys = np.concatenate([one.y for one in series])
    logarithmic = bool(ys.min() > 0 and ys.max() / ys.min() >= wide)
    y = "logarithmic" if logarithmic else ""
    return [Chart(title, "epoch" if by_epoch else "step", tuple(series), y, logarithmic, note=note)]


def _decimate(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of more points than can be seen, the lowest and the highest of each stretch: no peak is lost."""
    if len(x) <= MOST_POINTS:
        return x, y
    kept = {0, len(x) - 1}
    for stretch in np.array_split(np.arange(len(x)), MOST_POINTS // 2):
        kept |= {int(stretch[y[stretch].argmin()]), int(stretch[y[stretch].argmax()])}
    order = np.array(sorted(kept))
    return x[order], y[order]
