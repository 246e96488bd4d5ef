"""A run's log for other programs: event files that TensorBoard reads, and metrics and parameters as MLflow has them.

Both hold what log.jsonl holds and are made from it anew whenever a run goes on, so that they never tell of updates that
were taken back: a resumed run leaves the same curves as one never interrupted.
"""

from __future__ import annotations

import itertools
import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import logs, runs
from .errors import MachineError
from .locking import locked
from .trackers import KINDS, PARAMS, Writer, require

NORMS = {"gradient_norm": "norm/gradient", "parameter_norm": "norm/parameters"}


class Tracker:
    """Takes each record of a log as it is written.

    Args:
        run: the run's folder; what its log holds already is written first.
        kinds: names in KINDS.
    """

    def __init__(self, run: Path, kinds: Sequence[str]) -> None:
        self._run, self._told = run, -1
        self._writers: list[Writer] = []
        try:
            past = list(_dated(run))
            for kind in kinds:
                self._open(kind, past)
        except OSError as error:
            self.close()
            raise _unwritten(run, error) from None

    def __call__(self, record: Mapping[str, Any]) -> None:
        """Write a record.

        Raises:
            MachineError: when it cannot be written.
        """
        try:
            for writer in self._writers:
                writer.write(record["step"], time.time(), figures(record, self._told))
                writer.flush()
        except OSError as error:
            raise _unwritten(self._run, error) from None
        self._told = record["step"]

    def close(self) -> None:
        """Write nothing more."""
        for writer in self._writers:
            writer.close()
        self._writers = []

    def _open(self, kind: str, past: Sequence[tuple[float, dict[str, Any]]]) -> None:
        """Write the past into a new file, then let it take the old one's place."""
        name, make = KINDS[kind]
        (self._run / name).parent.mkdir(exist_ok=True)
        fresh = self._run / f"{kind}.new"
        writer = make(fresh, self._run)
        self._writers.append(writer)
        self._told = -1
        for moment, record in past:
            writer.write(record["step"], moment, figures(record, self._told))
            self._told = record["step"]
        writer.flush()
        os.replace(fresh, self._run / name)


def follow(folder: str | Path, kinds: Sequence[str]) -> Tracker:
    """A function of each record that the run's log gets from now on; what the log holds already is written at once.

    Args:
        folder: the run's, its log cut to where the run stands.
        kinds: "tensorboard" for RUN/tensorboard, "mlflow" for RUN/metrics.csv and RUN/params.csv.
    Raises:
        UnknownNameError, MachineError: as `require` does, and when a file cannot be written.
    """
    require(kinds)
    return Tracker(Path(folder), kinds)


def track(folder: str | Path, kinds: Sequence[str]) -> list[Path]:
    """Make the same from the log of a run that is not training now.

    Args:
        folder: the run's.
        kinds: as in `follow`.
    Returns:
        the files made.
    Raises:
        PathError: when it is no run, or one that is training.
        UnknownNameError, MachineError: as `follow` does.
    """
    folder = runs.load(Path(folder)).folder
    with locked(folder):
        follow(folder, kinds).close()
    return [folder / KINDS[kind][0] for kind in kinds] + [folder / PARAMS for kind in kinds if kind == "mlflow"]


def figures(record: Mapping[str, Any], told: int) -> dict[str, float]:
    """The numbers of a record by the names that trackers show.

    Args:
        record: of the log.
        told: step of the record before; what it said of losses and rate is not said again.
    """
    found = {f"held_out/{name}": value for name, value in record.get("scores", {}).items()}
    if record["step"] != told:
        found |= {f"loss/{name}": value for name, value in record.get("losses", {}).items()}
        found["rate"] = record.get("rate")
    found |= {name: record.get(key) for key, name in NORMS.items()}
    if record.get("event") == "epoch":
        found |= {"epoch": record["epoch"], "time_s": record.get("time_s")}
    numbers = ((name, value) for name, value in found.items() if isinstance(value, (int, float)))
    return {name: float(value) for name, value in numbers if not isinstance(value, bool) and math.isfinite(value)}


def _dated(run: Path) -> Iterator[tuple[float, dict[str, Any]]]:
    """The records of a log with moments, as of a run that began when its folder was made and was never interrupted."""
    moment = os.stat(run / runs.FACTS).st_mtime
    waiting: list[dict[str, Any]] = []
    for record in logs.read(run):
        waiting.append(record)
        if record.get("event") == "epoch":
            spent = record.get("time_s", 0.0)
            for number, one in enumerate(waiting, 1):
                yield moment + spent * number / len(waiting), one
            moment += spent
            waiting = []
    yield from zip(itertools.repeat(moment), waiting)


def _unwritten(run: Path, error: OSError) -> MachineError:
    return MachineError(
        f"run {run}",
        f"what the trackers read cannot be written ({error.strerror})",
        "room and the right to write there",
        f"mend that, then `gluonref train --resume {run}`; the last checkpoint is whole",
    )
