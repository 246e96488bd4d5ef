"""The files that trackers read: TensorBoard's events, and metrics and parameters as MLflow has them."""

from __future__ import annotations

import csv
import io
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from . import documents, runs
from .errors import MachineError, UnknownNameError, reason
from .options import spell_value

# The name's middle is what TensorBoard looks for; one file, so that nothing is told twice.
EVENTS = "tensorboard/events.out.tfevents.gluonref"
METRICS, PARAMS = "metrics.csv", "params.csv"
COLUMNS = ("run_id", "key", "value", "step", "timestamp")  # fields of mlflow.entities.Metric


class Writer(Protocol):
    """What writes figures in one form."""

    def write(self, step: int, moment: float, figures: Mapping[str, float]) -> None:
        """Add figures of a step; `moment` is in seconds since 1970."""

    def flush(self) -> None:
        """Have them where readers look."""

    def close(self) -> None:
        """Write nothing more."""


class EventFile:
    """An event file of TensorBoard's.

    Args:
        path: where to; written from its begin.
        run: the run's folder.
    """

    def __init__(self, path: Path, run: Path) -> None:
        from tensorboardX.record_writer import RecordWriter

        self._file = RecordWriter(str(path.absolute()))
        self._add(wall_time=time.time(), file_version="brain.Event:2")

    def write(self, step: int, moment: float, figures: Mapping[str, float]) -> None:
        """Add figures of a step."""
        from tensorboardX.proto.summary_pb2 import Summary

        values = [Summary.Value(tag=key, simple_value=value) for key, value in figures.items()]
        self._add(wall_time=moment, step=step, summary=Summary(value=values))

    def flush(self) -> None:
        """Have them on the disk."""
        self._file.flush()

    def close(self) -> None:
        """Write nothing more."""
        self._file.close()

    def _add(self, **fields: Any) -> None:
        from tensorboardX.proto.event_pb2 import Event

        self._file.write(Event(**fields).SerializeToString())


class MetricFile:
    """A CSV file of metrics, with the columns of MLflow's metric history, and beside it one of the run's parameters.

    Args:
        path: where to; written from its begin.
        run: the run's folder, whose number stays what it was.
    """

    def __init__(self, path: Path, run: Path) -> None:
        self._id = _run_id(run / METRICS)
        self._file = open(path, "w", encoding="utf-8", newline="")  # noqa: SIM115, see close
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._rows.writerow(COLUMNS)
        documents.replace(run / PARAMS, _parameters(run))

    def write(self, step: int, moment: float, figures: Mapping[str, float]) -> None:
        """Add figures of a step."""
        self._rows.writerows([self._id, key, value, step, round(1000 * moment)] for key, value in figures.items())

    def flush(self) -> None:
        """Have them in the file."""
        self._file.flush()

    def close(self) -> None:
        """Write nothing more."""
        self._file.close()


KINDS: dict[str, tuple[str, Callable[[Path, Path], Writer]]] = {
    "tensorboard": (EVENTS, EventFile),
    "mlflow": (METRICS, MetricFile),
}


def require(kinds: Sequence[str]) -> None:
    """Refuse trackers that are unknown or not installed, before a run begins.

    Raises:
        UnknownNameError: for one that is not in KINDS.
        MachineError: for one that needs a package that is missing.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise UnknownNameError("option train.track", kind, KINDS)
    if "tensorboard" not in kinds:
        return
    try:
        import tensorboardX.proto  # noqa: F401
    except ImportError as error:
        raise MachineError(
            "option train.track",
            f"tensorboard needs tensorboardX ({reason(error)})",
            "it to be installed",
            "pip install 'gluon_ref[tensorboard]'",
        ) from None


def _run_id(path: Path) -> str:
    """The number that a metrics file has, or a new one: 32 hexadecimal digits, as MLflow's are."""
    if path.is_file():
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            row = next(csv.DictReader(line.replace("\0", "") for line in file), None)  # which Python 3.10 refuses
        if row and len(row.get("run_id") or "") == 32:
            return row["run_id"]
    return uuid.uuid4().hex


def _parameters(run: Path) -> bytes:
    stream = io.StringIO()
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerow(("key", "value"))
    for section, values in runs.load(run).recipe.sections.items():
        rows.writerows((f"{section}.{key}", spell_value(value)) for key, value in values.items())
    return stream.getvalue().encode()
