"""Finished runs of a sweep in figures: mean and deviation over the seeds of each combination, the best one first."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """What came of one run.

    Args:
        combination: its name.
        values: its values, "section.key" -> text.
        folder: the run's.
        seed: of the run.
        best: the watched figure at the best epoch; None where the run failed, as are the next three.
        last: the same at the last epoch.
        best_epoch: number of the best epoch.
        time_s: of all its epochs.
        error: why it failed; empty where it did not.
        how: whether it was there before, resumed or failed.
    """

    combination: str
    values: Mapping[str, str]
    folder: str
    seed: int
    best: float | None = None
    last: float | None = None
    best_epoch: int | None = None
    time_s: float | None = None
    error: str = ""
    how: str = ""


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation (n - 1) of some figures; None where there are too few."""

    mean: float | None
    deviation: float | None


def spread(figures: Sequence[float]) -> Spread:
    """Mean and deviation of figures, of which there may be none."""
    return Spread(
        statistics.fmean(figures) if figures else None, statistics.stdev(figures) if len(figures) > 1 else None
    )


def tally(outcomes: Sequence[Outcome], watch: tuple[str, str]) -> dict[str, Any]:
    """The combinations with their figures, best mean at the best epoch first; those with failures last.

    Args:
        outcomes: of all runs, at least one.
        watch: the figure that decides, and "max" or "min".
    Returns:
        "watch", "order", "failed" (runs) and "combinations", each a record of "name", "values", "seeds" (finished),
        "failed", "best" and "last" ("mean" and "deviation", None where too few finished), "time_s" (median) and "runs".
    """
    names = dict.fromkeys(one.combination for one in outcomes)
    found = [_combination([one for one in outcomes if one.combination == name]) for name in names]
    sign = -1 if watch[1] == "max" else 1

    def rank(one: Mapping[str, Any]) -> tuple[bool, bool, float]:
        mean = one["best"]["mean"]
        return mean is None, one["failed"] > 0, sign * (mean or 0.0)

    return {
        "watch": watch[0],
        "order": watch[1],
        "failed": sum(one["failed"] for one in found),
        "combinations": sorted(found, key=rank),
    }


def table(found: Mapping[str, Any]) -> str:
    """The combinations of a tally as CSV: one row each, with a header."""
    stream = io.StringIO()
    keys = list(found["combinations"][0]["values"])
    writer = csv.writer(stream, lineterminator="\n")
    figures = [f"{found['watch']}_{which}_{what}" for which in ("best", "last") for what in ("mean", "deviation")]
    writer.writerow(["combination", *keys, "seeds", "failed", *figures, "time_s"])
    for one in found["combinations"]:
        row = [one[which][what] for which in ("best", "last") for what in ("mean", "deviation")]
        values = [one["values"][key] for key in keys]
        writer.writerow([one["name"], *values, one["seeds"], one["failed"], *row, one["time_s"]])
    return stream.getvalue()


def _combination(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    done = [one for one in outcomes if not one.error]
    told = ("folder", "seed", "best", "last", "best_epoch", "time_s", "error")
    times = [one.time_s for one in done if one.time_s is not None]
    return {
        "name": outcomes[0].combination,
        "values": dict(outcomes[0].values),
        "seeds": len(done),
        "failed": len(outcomes) - len(done),
        "best": asdict(spread([one.best for one in done if one.best is not None])),
        "last": asdict(spread([one.last for one in done if one.last is not None])),
        "time_s": statistics.median(times) if times else None,
        "runs": [{name: getattr(one, name) for name in told} for one in outcomes],
    }
