"""What makes one number of many: sums, means, extremes, norms, and their places."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import folding
from .steps import Steps, converters

WINDOW = 8  # of steps of time that become one


def _axes(steps: Steps) -> list[int]:
    """The axes that go, counted from the front: those named, or with exclude all others."""
    named = [at + steps.rank if at < 0 else at for at in steps.integers("axis", ())]
    if steps.flag("exclude"):
        return [at for at in range(steps.rank) if at not in named]
    return named or list(range(steps.rank))


def _reduced(steps: Steps, op: str, data: str, keep: bool | None = None) -> str:
    """A reduction; where no axis is left MXNet answers with one entry, not a scalar."""
    axes, keep = _axes(steps), steps.flag("keepdims") if keep is None else keep
    whole = len(axes) == steps.rank and not keep
    if not axes:
        return data
    if op == "ReduceSum":  # opset 13 has its axes as an input, all others theirs as an attribute up to 17
        made = steps.add(op, data, steps.constant(axes), keepdims=int(keep))
    else:
        made = steps.add(op, data, axes=axes, keepdims=int(keep))
    return steps.add("Reshape", made, steps.constant([1])) if whole else made


def _reduction(op: str) -> Callable[[Steps], str]:
    def convert(steps: Steps) -> str:
        kind = steps.results[0].dtype
        data = steps.inputs[0] if steps.dtype == kind else steps.cast(steps.inputs[0], kind)
        return _reduced(steps, op, data)

    return convert


def largest(steps: Steps) -> str:
    """The largest; of a recurrent net's states over time the largest of windows, and of these.

    ONNX Runtime finds the largest of windows (MaxPool) quicker than those of a whole axis: docs/exports.md. It begins
    from the lowest finite number, so that minus infinity must not be among them.
    """
    times = _axes(steps) == [0] and steps.rank == 3 and steps.dtype == np.float32
    if not times or not folding.states(steps.graph, steps.edges[0]):
        return _reduction("ReduceMax")(steps)
    images = steps.add("Unsqueeze", steps.inputs[0], steps.constant([0, 1]))  # one, of one channel
    windows = steps.add("MaxPool", images, kernel_shape=[WINDOW, 1, 1], strides=[WINDOW, 1, 1], ceil_mode=1)
    return steps.add("ReduceMax", windows, axes=[0, 2] if steps.flag("keepdims") else [0, 1, 2], keepdims=0)


def _without_nan(op: str, filler: float) -> Callable[[Steps], str]:
    def convert(steps: Steps) -> str:
        data = steps.inputs[0]
        return _reduced(steps, op, steps.add("Where", steps.add("IsNaN", data), steps.like(filler), data))

    return convert


def norm(steps: Steps) -> str:
    """Sum of absolute values, or root of the sum of squares."""
    kind = steps.results[0].dtype
    data = steps.inputs[0] if steps.dtype == kind else steps.cast(steps.inputs[0], kind)
    return _reduced(steps, "ReduceL1" if steps.option("ord", 2) == 1 else "ReduceL2", data)


def _place(op: str) -> Callable[[Steps], str]:
    def convert(steps: Steps) -> str:
        """Places as MXNet gives them, as numbers of the result's dtype; of all entries in a row without an axis."""
        kind, data, keep = steps.results[0].dtype, steps.inputs[0], steps.flag("keepdims")
        if steps.option("axis") is None:
            flat = steps.add("Reshape", data, steps.constant([-1]))
            found = steps.add(op, flat, axis=0, keepdims=1)
            ones = steps.constant([1] * (steps.rank if keep else 1))
            return steps.cast(steps.add("Reshape", found, ones), kind)
        found = steps.add(op, data, axis=steps.axis(), keepdims=int(keep))
        if steps.rank == 1 and not keep:
            found = steps.add("Reshape", found, steps.constant([1]))
        return steps.cast(found, kind)

    return convert


def argmax_channel(steps: Steps) -> str:
    """Places of the largest along the second axis."""
    return steps.cast(steps.add("ArgMax", steps.inputs[0], axis=1, keepdims=0), steps.results[0].dtype)


def topk(steps: Steps) -> str | list[str]:
    """The largest, or smallest, along an axis: themselves, their places, both, or a mask of them."""
    values, places, axis, data = _sorted(steps, steps.option("k", 1), bool(steps.flag("is_ascend")))
    kind = steps.option("ret_typ", "indices")
    if kind == "mask":
        zeros = steps.add("Mul", data, steps.like(0))
        ones = steps.add("Add", steps.add("Mul", values, steps.like(0)), steps.like(1))
        return steps.reshape(steps.add("ScatterElements", zeros, places, ones, axis=axis), steps.results[0].shape)
    numbers = steps.cast(places, steps.results[-1].dtype)
    if kind == "both":
        return [values, numbers]
    return values if kind == "value" else numbers


def _sorted(steps: Steps, count: int, ascending: bool) -> tuple[str, str, int, str]:
    """Values, places, the axis they are along, and the data; flat where there is no axis."""
    flat = steps.option("axis", -1) is None
    data = steps.add("Reshape", steps.inputs[0], steps.constant([-1])) if flat else steps.inputs[0]
    axis = 0 if flat else steps.axis(default=-1)
    size = steps.constant([count]) if count > 0 else steps.size(data, axis)
    values, places = steps.several("TopK", 2, data, size, axis=axis, largest=int(not ascending), sorted=1)
    return values, places, axis, data


def sort(steps: Steps) -> str:
    """All along an axis, in order."""
    return _sorted(steps, 0, steps.option("is_ascend", True))[0]


def argsort(steps: Steps) -> str:
    """The places of all along an axis, in order."""
    return steps.cast(_sorted(steps, 0, steps.option("is_ascend", True))[1], steps.results[0].dtype)


def cumsum(steps: Steps) -> str:
    """Running sums along an axis, or of all entries in a row."""
    kind = steps.results[0].dtype
    data = steps.inputs[0] if steps.dtype == kind else steps.cast(steps.inputs[0], kind)
    if steps.option("axis") is None:
        return steps.add("CumSum", steps.add("Reshape", data, steps.constant([-1])), steps.constant(0))
    return steps.add("CumSum", data, steps.constant(steps.axis()))


CONVERTERS = converters(
    {
        "sum": _reduction("ReduceSum"),
        "sum_axis": _reduction("ReduceSum"),
        "mean": _reduction("ReduceMean"),
        "max": largest,
        "max_axis": largest,
        "min": _reduction("ReduceMin"),
        "min_axis": _reduction("ReduceMin"),
        "prod": _reduction("ReduceProd"),
        "nansum": _without_nan("ReduceSum", 0),
        "nanprod": _without_nan("ReduceProd", 1),
        "norm": norm,
        "argmax": _place("ArgMax"),
        "argmin": _place("ArgMin"),
        "argmax_channel": argmax_channel,
        "topk": topk,
        "sort": sort,
        "argsort": argsort,
        "_np_cumsum": cumsum,
        "cumsum": cumsum,
    }
)
