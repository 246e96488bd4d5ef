"""Where a run stands, into its folder and back: weights, optimizers, averages and counters, all exact."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from . import arrays, runs, states, statistics
from .assembly import fill
from .backend import mx
from .errors import AlteredError, DataError, DivergedError, MachineError, reason
from .place import Place
from .records import State

PROBE = 1 << 16  # bytes, more than a file system keeps free at the end of a file


def save(folder: Path, state: State, best: bool, rows: np.ndarray | None = None) -> None:
    """Write a checkpoint: all of it, or none.

    Args:
        folder: the run's.
        state: at the end of an update or an epoch.
        best: these weights are the best so far.
        rows: running statistics of each device of each worker, where the network has their means.
    Raises:
        DivergedError: when a weight is not finite.
        MachineError: when it cannot be written; the checkpoint before is whole.
    """
    if not _finite(state.net):
        raise DivergedError(
            f"train: step {state.step}, epoch {state.epoch}",
            "a weight is not a finite number",
            "finite weights",
            "pass a smaller --lr, or --set train.clip_norm=1; checkpoints written before are kept",
        )
    try:
        _commit(folder, state, best, rows)
    except (OSError, DataError, mx.base.MXNetError) as error:
        raise MachineError(
            f"run {folder}",
            f"the checkpoint of step {state.step}, epoch {state.epoch} cannot be written ({reason(error)})",
            "room and the right to write there",
            f"mend that, then `gluonref train --resume {folder}`; the checkpoint before is whole",
        ) from error


def restore(run: runs.Run, state: State, place: Place) -> None:
    """Put a run's last checkpoint into newly made objects.

    Raises:
        AlteredError: when a file of it is damaged or another network's.
    """
    fill(state.net, run.file(runs.LAST), place.contexts)
    counts = run.entry("trainers", list)
    total = run.state.get("total", state.total)
    if len(counts) != len(state.trainers):
        raise AlteredError(
            str(run.folder / runs.STATE),
            f"{len(counts)} trainers",
            f"{len(state.trainers)}, one per objective of the task",
            "restore it from a copy, or train again",
        )
    for index, trainer in enumerate(state.trainers):
        states.restore(trainer, str(run.file(_states(index))), counts[index], total / state.total)
    if state.average:
        state.average.restore(run.file(runs.MEAN))
    if run.state.get("statistics") is True:
        statistics.restore(state, place.group, _rows(run.file(runs.STATISTICS)))
    if state.scale and not state.scale.restore(run.state.get("scale")):
        raise AlteredError(
            str(run.folder / runs.STATE),
            f"scale {run.state.get('scale')!r}",
            "the factor of the loss, a power of two, and the updates since it changed",
            "restore it from a copy, or train again",
        )
    state.cuts = tuple((done, size) for done, size in run.state.get("cuts", ()))
    state.epoch, state.step, state.seen = (run.entry(name, int) for name in ("epoch", "step", "seen"))
    state.batch, state.epoch_seen = run.entry("batch", int), run.entry("epoch_seen", int)
    state.sums, state.rate = run.entry("sums", dict), run.entry("rate", float)
    state.best, state.best_epoch = run.entry("best", (int, float, type(None))), run.entry("best_epoch", int)
    state.scores, state.best_scores = run.entry("scores", dict), run.entry("best_scores", dict)


def _rows(path: Path) -> np.ndarray:
    saved = arrays.load(path)
    if set(saved) != {"rows"} or saved["rows"].ndim != 2:
        raise AlteredError(str(path), "other arrays", "rows of statistics", "restore it from a copy, or train again")
    rows: np.ndarray = saved["rows"].asnumpy()
    return rows


def _commit(folder: Path, state: State, best: bool, rows: np.ndarray | None) -> None:
    # A forward pass after an evaluation lets oneDNN lay out weights anew. Those that are frozen, and so written by no
    # update, must not be read meanwhile.
    mx.nd.waitall()
    weights = partial(_write, state.net)
    writers: dict[str, Callable[[str], None]] = {runs.LAST: weights}
    if state.average:
        writers[runs.MEAN] = state.average.write
    if best:
        writers[runs.BEST] = state.average.write if state.average else weights
    if rows is not None:
        writers[runs.STATISTICS] = lambda path: mx.nd.save(path, {"rows": mx.nd.array(rows)})
    for index, trainer in enumerate(state.trainers):
        writers[_states(index)] = partial(states.write, trainer)
    record: Mapping[str, Any] = {
        "epoch": state.epoch - 1 if state.batch else state.epoch,
        "batch": state.batch,
        "epoch_seen": state.epoch_seen,
        "sums": {name: state.losses[name] * state.epoch_seen for name in state.losses} if state.batch else {},
        "step": state.step,
        "seen": state.seen,
        "rate": state.rate,
        "best": state.best,
        "best_epoch": state.best_epoch,
        "best_scores": state.best_scores,
        "scores": state.scores,
        "total": state.total,
        "cuts": state.cuts,
        "statistics": rows is not None,
        **({"scale": state.scale.kept()} if state.scale else {}),
        "trainers": [states.counts(trainer) for trainer in state.trainers],
    }
    runs.commit(folder, record, {name: partial(_whole, write) for name, write in writers.items()})


def _write(net: Any, path: str) -> None:
    """Write the first device's weights; Gluon writes the mean over devices, which of three is not what each has."""
    mx.nd.save(path, {name: param.list_data()[0] for name, param in net._collect_params_with_prefix().items()})


def _whole(write: Callable[[str], None], path: str) -> None:
    """Write a file of arrays and look at it: MXNet closes one without asking whether its last bytes found room."""
    try:
        write(path)
        arrays.check(path)
    except (DataError, mx.base.MXNetError):
        with open(path, "ab") as file:  # says why, which MXNet does not
            file.write(bytes(PROBE))
        raise


def _finite(net: Any) -> bool:
    arrays = [param.list_data()[0] for param in net.collect_params().values()]
    return bool(mx.nd.multi_all_finite(*arrays, num_arrays=len(arrays)).asscalar())


def _states(index: int) -> str:
    return f"trainer-{index}.states"
