"""What a run's log tells: figures by name as points over the steps, whatever the run wrote down."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .. import logs
from ..errors import PathError

# Keys of a record that say when it was written, or have a place of their own in a History.
PLACES = ("event", "epoch", "step", "seen", "time_s", "losses", "scores")


@dataclass
class Points:
    """A figure over the steps; later records of the same step replace earlier ones, as a resumed run writes them."""

    values: dict[float, float] = field(default_factory=dict)

    @property
    def steps(self) -> np.ndarray:
        """float64 (points,), rising."""
        return np.array(sorted(self.values), dtype=np.float64)

    @property
    def figures(self) -> np.ndarray:
        """float64 (points,), in the order of `steps`."""
        return np.array([self.values[step] for step in sorted(self.values)], dtype=np.float64)


@dataclass
class History:
    """A log by figure.

    Args:
        losses: mean training loss of each epoch, by the objective's name.
        within: the same within epochs: the mean from the epoch's begin up to that step.
        scores: figures of the held-out part after each epoch, by name.
        others: any other number of a record, by key ("rate"; "norms.gradient" where records are nested).
        ends: step -> number of the epoch that ended with it.
        time_s: all epochs together.
        skipped: lines that are no records: cut off by a kill, or not the run's.
    """

    losses: dict[str, Points] = field(default_factory=dict)
    within: dict[str, Points] = field(default_factory=dict)
    scores: dict[str, Points] = field(default_factory=dict)
    others: dict[str, Points] = field(default_factory=dict)
    ends: dict[float, float] = field(default_factory=dict)
    time_s: float = 0.0
    skipped: int = 0

    def __bool__(self) -> bool:
        return any((self.losses, self.within, self.scores, self.others))

    def epochs(self, steps: np.ndarray) -> np.ndarray:
        """Steps as epochs and parts of them; needs at least one finished epoch."""
        ends = sorted(self.ends)
        at = np.array([0.0, *ends])
        epochs = np.array([0.0, *(self.ends[end] for end in ends)])
        beyond = np.maximum(0.0, steps - at[-1]) * (epochs[-1] / at[-1])
        past: np.ndarray = np.interp(steps, at, epochs) + beyond
        return past


def read(folder: Path) -> History:
    """The history of a run folder; empty when it has no log yet.

    The run may still be training: what is not a whole record is counted and left out.

    Raises:
        PathError: when the log cannot be read.
    """
    history = History()
    times: dict[float, float] = {}
    path = folder / logs.LOG
    if not path.is_file():
        return history
    for line in _lines(path):
        record = _record(line)
        if record is None:
            history.skipped += bool(line.strip())
            continue
        ended = record.get("event") == "epoch"
        _note(history, record, ended)
        if ended and (time_s := number(record.get("time_s"))) is not None:
            times[record["step"]] = time_s
    history.time_s = sum(times.values())
    return history


def number(value: Any) -> float | None:
    """A finite number as float, or None for anything else; truth values are no numbers."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # a whole number no float can hold
        return None


def numbers(values: Any, prefix: str = "") -> Iterator[tuple[str, float]]:
    """The finite numbers of a mapping by name, those of mappings in it as "outer.inner"; all else is left out."""
    for name, value in values.items() if isinstance(values, Mapping) else ():
        if isinstance(value, Mapping):
            yield from numbers(value, f"{prefix}{name}.")
        elif (figure := number(value)) is not None:
            yield f"{prefix}{name}", figure


def _lines(path: Path) -> Iterator[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            yield from file
    except OSError as error:
        raise PathError(
            str(path), f"cannot be read ({error.strerror})", "a log you may read", "change its permissions"
        ) from None


def _record(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    step, epoch = number(record.get("step")), number(record.get("epoch"))
    whole = step is not None and step > 0 and epoch is not None and record.get("event") in ("step", "epoch")
    return record if whole else None


def _note(history: History, record: dict[str, Any], ended: bool) -> None:
    step = float(record["step"])
    if ended:
        history.ends[step] = float(record["epoch"])
    others = {key: value for key, value in record.items() if key not in PLACES}
    for target, values in (
        (history.losses if ended else history.within, record.get("losses")),
        (history.scores, record.get("scores")),
        (history.others, others),
    ):
        for name, value in numbers(values):
            target.setdefault(name, Points()).values[step] = value
