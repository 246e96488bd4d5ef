"""The running statistics of batch norms, which every device of every worker has its own of.

Source: none of MXNet's stores adds them up; a network is judged and kept with their means.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .backend import mx
from .records import State
from .workers import Group


def settle(state: State, group: Group) -> None:
    """Give every device of every worker the means; all workers must ask."""
    params = _params(state.net)
    if params and (group.workers > 1 or len(params[0].list_data()) > 1):
        _set(state, params, _mean(_rows(state, params, group)))


@contextmanager
def averaged(state: State, group: Group) -> Iterator[np.ndarray | None]:
    """The means inside, and each device's own again after; all workers must ask.

    Yields:
        float32 (devices of all workers, numbers), everyone's own; None where there is one device or nothing to average,
        and at the end of an epoch, where they are settled.
    """
    params = _params(state.net)
    if not params or not state.batch or (group.workers == 1 and len(params[0].list_data()) == 1):
        yield None
        return
    own, rows = _own(state, params), _rows(state, params, group)
    _set(state, params, _mean(rows))
    try:
        yield rows
    finally:
        _set(state, params, own)


def restore(state: State, group: Group, rows: np.ndarray) -> None:
    """Give each device what it had; as it is where the number of devices is another."""
    params = _params(state.net)
    devices = len(params[0].list_data()) if params else 0
    if devices and len(rows) == devices * group.workers and rows.shape[1] == _own(state, params).shape[1]:
        _set(state, params, rows[group.rank * devices : (group.rank + 1) * devices])


def _params(net: Any) -> list[Any]:
    """The parameters that forward passes of a training change."""
    return [
        param
        for param in net.collect_params().values()
        if param.grad_req == "null" and param.name.endswith(("running_mean", "running_var"))
    ]


def _own(state: State, params: list[Any]) -> np.ndarray:
    """(devices, numbers) of this worker: the statistics, and their running average in that of the weights."""
    rows = []
    for device in range(len(params[0].list_data())):
        arrays = [param.list_data()[device] for param in params] + _average(state, params)
        rows.append(np.concatenate([array.astype("float32").asnumpy().ravel() for array in arrays]))
    return np.stack(rows)


def _rows(state: State, params: list[Any], group: Group) -> np.ndarray:
    own = _own(state, params)
    everyone = [np.frombuffer(one, dtype=np.float32).reshape(-1, own.shape[1]) for one in group.gather(own.tobytes())]
    return np.concatenate(everyone)


def _mean(rows: np.ndarray) -> np.ndarray:
    mean: np.ndarray = rows.mean(axis=0, dtype=np.float64).astype(np.float32)[None]
    return mean


def _set(state: State, params: list[Any], rows: np.ndarray) -> None:
    """Set each device's from its row, or all from the only one."""
    for device in range(len(params[0].list_data())):
        row, at = rows[min(device, len(rows) - 1)], 0
        for array in [param.list_data()[device] for param in params] + _average(state, params):
            array[:] = mx.nd.array(row[at : at + array.size].reshape(array.shape), ctx=array.context)
            at += array.size


def _average(state: State, params: list[Any]) -> list[Any]:
    if not state.average:
        return []
    names = {id(param): name for name, param in state.net._collect_params_with_prefix().items()}
    return [state.average.arrays[names[id(param)]] for param in params]
