"""Pooling: the largest, the mean, the sum or a power mean of windows, and of everything."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from .steps import Steps, converters

# Layouts of arrays whose channels stand behind the batch, by number of axes.
LAYOUTS = {3: "NCW", 4: "NCHW", 5: "NCDHW"}


class Windows:
    """Where a Pooling looks: kernel, strides, and what it takes beyond the border, axis by axis.

    Args:
        steps: the Pooling; its input and result have their shapes there.
    """

    def __init__(self, steps: Steps) -> None:
        spatial = steps.rank - 2
        self.kernel = steps.integers("kernel")
        self.strides = steps.integers("stride", (1,) * spatial)
        self.pads = steps.integers("pad", (0,) * spatial)
        self.sizes, self.counts = steps.shape[2:], steps.results[0].shape[2:]
        self.valid = steps.option("pooling_convention", "valid") == "valid"
        self.free = -1 in self.sizes
        # Behind the padding, for a last window that is not full.
        self.beyond = [
            max((many - 1) * stride + one - size - 2 * pad, 0)
            for many, stride, one, size, pad in zip(self.counts, self.strides, self.kernel, self.sizes, self.pads)
        ]

    @property
    def cut(self) -> bool:
        """Whether a last window may reach beyond the padding."""
        return not self.valid and (self.free or any(self.beyond))

    def pool(self, steps: Steps, op: str, data: str, filler: float, within: bool = False, **options: int) -> str:
        """The windows by an operator of ONNX's, all full; padding that it has not is within the data."""
        ends = list(self.pads) if not self.cut else [pad + one for pad, one in zip(self.pads, self.beyond)]
        pads = [*self.pads, *ends]
        if within or any(one >= kernel for one, kernel in zip(ends, self.kernel)):
            data = _padded(steps, data, [0, 0, *self.pads, 0, 0, *ends], filler)
            pads = [0] * len(pads)
        return steps.add(op, data, kernel_shape=self.kernel, strides=self.strides, pads=pads, **options)

    def pool_cut(self, steps: Steps, op: str, data: str, filler: float, **options: int) -> str:
        """The windows on axes that vary, the padding being part of the data and the last ones cut off at its end."""
        if any(stride > kernel for stride, kernel in zip(self.strides, self.kernel)):
            raise steps.refuse("pooling_convention=full with strides larger than the kernel on an axis that varies")
        if any(self.pads):
            data = _padded(steps, data, [0, 0, *self.pads] * 2, filler)
        options["ceil_mode"] = 1
        return steps.add(op, data, kernel_shape=self.kernel, strides=self.strides, **options)

    def elements(self, counted: bool) -> np.ndarray:
        """How many elements each window has, those of the padding among them or not; (1, 1, windows ...)."""
        found = np.ones((1, 1))
        for size, many, stride, one, pad in zip(self.sizes, self.counts, self.strides, self.kernel, self.pads):
            starts = np.arange(many) * stride - pad
            stops = np.minimum(starts + one, size + pad if counted else size)
            found = np.multiply.outer(found, stops - (starts if counted else np.maximum(starts, 0)))
        return np.maximum(found, 1)  # the mean of nothing is 0


def _padded(steps: Steps, data: str, pads: list[int], filler: float) -> str:
    """Padding that is part of the data, whatever is pooled.

    ONNX Runtime 1.23, the last for Python 3.10, would move zeros into the pooling, where padding means something else;
    a maximum of one value stops that.
    """
    padded = steps.add("Pad", data, steps.constant(pads), steps.like(filler))
    return padded if filler else steps.add("Max", padded)


def pooling(steps: Steps) -> str:
    """Windows that slide over the axes behind the channels.

    With pooling_convention=full MXNet adds a last window where one more begins inside the padded input, cut off at
    the padding's end, and what is cut off does not count for a mean. ONNX Runtime counts it in some versions.
    """
    layout = steps.option("layout") or LAYOUTS[steps.rank]
    if layout != LAYOUTS[steps.rank]:
        raise steps.refuse(f"layout={layout}: only {LAYOUTS[steps.rank]} is carried; transpose before and after")
    kind = steps.option("pool_type", "max")
    if steps.flag("global_pool"):
        return _everything(steps, kind)
    windows = Windows(steps)
    if kind == "max":
        return _largest(steps, windows)
    if kind == "avg":
        return _mean(steps, windows)
    return _power(steps, kind, lambda data: _sum(steps, windows, data))


def old_pooling(steps: Steps) -> str:
    """Pooling as the first releases had it: padding counts as zeros in each kind, and a mean is over a full kernel."""
    kind = steps.option("pool_type", "max")
    if steps.flag("global_pool") or kind == "sum":
        return pooling(steps)
    windows = Windows(steps)
    if windows.cut and windows.free:
        raise steps.refuse("pooling_convention=full on an axis that varies")
    if kind == "max":
        return windows.pool(steps, "MaxPool", steps.inputs[0], 0, within=True)
    return windows.pool(steps, "AveragePool", steps.inputs[0], 0, count_include_pad=1)


def _largest(steps: Steps, windows: Windows) -> str:
    take = windows.pool_cut if windows.cut and windows.free else windows.pool
    return take(steps, "MaxPool", steps.inputs[0], float(np.finfo(steps.dtype).min))


def _mean(steps: Steps, windows: Windows) -> str:
    counted = steps.option("count_include_pad") is not False
    if not windows.cut:
        return windows.pool(steps, "AveragePool", steps.inputs[0], 0, count_include_pad=int(counted))
    if windows.free:
        if not counted and any(windows.pads):
            raise steps.refuse("pooling_convention=full, count_include_pad=False and pad on an axis that varies")
        return windows.pool_cut(steps, "AveragePool", steps.inputs[0], 0, count_include_pad=0)
    return steps.add("Div", _sum(steps, windows, steps.inputs[0]), steps.like(windows.elements(counted)))


def _sum(steps: Steps, windows: Windows, data: str) -> str:
    if windows.cut and windows.free:
        raise steps.refuse("pooling_convention=full with sums on an axis that varies")
    mean = windows.pool(steps, "AveragePool", data, 0, count_include_pad=1)
    return steps.add("Mul", mean, steps.like(prod(windows.kernel)))


def _power(steps: Steps, kind: str, summed: Callable[[str], str]) -> str:
    """The sum of all of a window, or the root of the sum of their powers."""
    data, power = steps.inputs[0], steps.option("p_value", 2) if kind == "lp" else 1
    if power == 1:  # MXNet takes no absolute value
        return summed(data)
    if power == 2:
        return steps.add("Sqrt", summed(steps.add("Mul", data, data)))
    cubes = summed(steps.add("Mul", steps.add("Mul", data, data), data))
    root = steps.add("Pow", steps.add("Abs", cubes), steps.like(1 / 3))
    return steps.add("Mul", steps.add("Sign", cubes), root)


def _everything(steps: Steps, kind: str) -> str:
    """One window as large as the input: kernel, strides and padding do not matter."""
    whole = {"max": "GlobalMaxPool", "avg": "GlobalAveragePool"}
    if kind in whole:
        return steps.add(whole[kind], steps.inputs[0])
    axes = steps.constant(list(range(2, steps.rank)))
    return _power(steps, kind, lambda data: steps.add("ReduceSum", data, axes))


def adaptive_mean(steps: Steps) -> str:
    """Means of a given number of windows, which may be uneven: two products with matrices of shares."""
    sizes = steps.integers("output_size", (1,))
    if set(sizes) == {1}:
        return steps.add("GlobalAveragePool", steps.inputs[0])
    height, width = steps.shape[2:]
    if -1 in (height, width):
        raise steps.refuse("output_size above 1 on an axis that varies")
    rows, columns = _shares(height, sizes[0]), _shares(width, sizes[-1])
    tall = steps.add("MatMul", steps.like(rows), steps.inputs[0])
    return steps.add("MatMul", tall, steps.like(columns.T))


def _shares(size: int, windows: int) -> np.ndarray:
    """(windows, size): how much of each place a window's mean has."""
    shares = np.zeros((windows, size))
    for at in range(windows):
        start, end = at * size // windows, -(-(at + 1) * size // windows)
        shares[at, start:end] = 1 / (end - start)
    return shares


CONVERTERS = converters({"Pooling": pooling, "Pooling_v1": old_pooling, "_contrib_AdaptiveAvgPooling2D": adaptive_mean})
