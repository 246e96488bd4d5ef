"""Numbers in order: constants, or as many as an input has elements."""

from __future__ import annotations

import numpy as np

from .steps import Steps, converters


def arange(steps: Steps) -> str:
    """A constant row; one number alone is where it stops."""
    start, stop, step = steps.option("start", 0), steps.option("stop"), steps.option("step", 1)
    times, result = steps.option("repeat", 1), steps.results[0]
    if stop is None and not steps.flag("infer_range"):
        start = 0
    row = np.repeat(start + step * np.arange(-(-result.shape[0] // times)), times)
    return steps.add("Identity", steps.constant(row[: result.shape[0]], result.dtype))


def linspace(steps: Steps) -> str:
    """A constant row from one number to another."""
    result = steps.results[0]
    row = np.linspace(steps.option("start"), steps.option("stop"), steps.option("num"), steps.option("endpoint", True))
    return steps.add("Identity", steps.constant(row, result.dtype))


def eye(steps: Steps) -> str:
    """A constant matrix with ones on a diagonal."""
    rows, columns = steps.results[0].shape
    return steps.add("Identity", steps.constant(np.eye(rows, columns, steps.option("k", 0)), steps.results[0].dtype))


def arange_like(steps: Steps) -> str:
    """A number per element of the input, in its shape, or per step along an axis."""
    start, step, times = steps.number("start", 0), steps.number("step", 1), steps.option("repeat", 1)
    result, data = steps.results[0], steps.inputs[0]
    whole = steps.option("axis") is None
    if -1 not in result.shape:
        count = int(np.prod(result.shape))
        row = start + step * (np.arange(count) // times)
        return steps.add("Identity", steps.constant(row.reshape(result.shape), result.dtype))
    many = steps.add("Size", data)
    if not whole:
        many = steps.count(data, steps.axis())
    numbers = steps.add("Range", steps.constant(0), many, steps.constant(1))
    numbers = steps.add("Div", numbers, steps.constant(times)) if times != 1 else numbers
    row = steps.add("Mul", steps.cast(numbers, result.dtype), steps.constant(step, result.dtype))
    row = steps.add("Add", row, steps.constant(start, result.dtype))
    return steps.add("Reshape", row, steps.add("Shape", data)) if whole else row


def zeros_like(steps: Steps) -> str:
    """As many zeros as the first input has elements."""
    return _filled(steps, 0)


def ones_like(steps: Steps) -> str:
    """As many ones as the first input has elements."""
    return _filled(steps, 1)


def _filled(steps: Steps, value: float) -> str:
    return steps.add("Expand", steps.constant(value, steps.results[0].dtype), steps.add("Shape", steps.inputs[0]))


CONVERTERS = converters(
    {
        "_arange": arange,
        "_linspace": linspace,
        "_eye": eye,
        "_contrib_arange_like": arange_like,
        "zeros_like": zeros_like,
        "ones_like": ones_like,
    }
)
