"""Operators of networks over sequences, where mx2onnx has none or takes ranks, axes or indices for granted."""

from __future__ import annotations

import numpy as np
import onnx

from .steps import Steps, converters

FIRST, LAST = -(2**63), 2**63 - 1  # where a Slice that goes backwards, or forwards, ends


def sequence_mask(steps: Steps) -> str:
    """Put `value` where a sequence has ended: position >= length.

    It is written to those places alone rather than chosen for each, which is quicker (docs/exports.md).
    """
    if not steps.flag("use_sequence_length"):
        return steps.add("Identity", steps.inputs[0])
    time, value, step = steps.axis(default=0), steps.option("value", 0.0), steps.shape[2:]
    positions, lengths = steps.positions(steps.inputs[0], time), steps.cast(steps.inputs[1], np.int64)
    if -1 in step:  # what is written must have its size
        real = steps.add("Less", _along(steps, positions, time), _along(steps, lengths, 1 - time))
        return steps.add("Where", real, steps.inputs[0], steps.like(value))
    pair = [positions, lengths]
    pair[time] = steps.add("Unsqueeze", pair[time], steps.constant([1]))  # which of them axis 0 is for
    ended = steps.add("NonZero", steps.add("GreaterOrEqual", *pair))
    places = steps.add("Transpose", ended, perm=[1, 0])  # (places, 2)
    same = steps.add("Mul", places, steps.constant(0))
    written = steps.add("GatherND", steps.like(np.full((1, 1, *step), value)), same)
    return steps.add("ScatterND", steps.inputs[0], places, written)


def sequence_reverse(steps: Steps) -> str:
    """Turn each sequence round within its own length; without lengths, axis 0."""
    if not steps.flag("use_sequence_length"):
        return _backwards(steps, (0,))
    lengths = steps.cast(steps.inputs[1], np.int64)
    return steps.add("ReverseSequence", steps.inputs[0], lengths, time_axis=0, batch_axis=1)


def sequence_last(steps: Steps) -> str:
    """The last step of each sequence: at its length, else at the end."""
    time = steps.axis(default=0)
    if not steps.flag("use_sequence_length"):
        return steps.add("Gather", steps.inputs[0], steps.constant(-1), axis=time)
    last = steps.add("Sub", steps.cast(steps.inputs[1], np.int64), steps.constant([1]))
    pair = {time: last, 1 - time: steps.positions(steps.inputs[0], 1 - time)}
    columns = [steps.add("Unsqueeze", pair[axis], steps.constant([1])) for axis in (0, 1)]
    return steps.add("GatherND", steps.inputs[0], steps.add("Concat", *columns, axis=1))


def reverse(steps: Steps) -> str:
    """Turn axes round."""
    return _backwards(steps, steps.integers("axis"))


def swap_axis(steps: Steps) -> str:
    """Exchange two axes."""
    one, other = steps.axis("dim1", 0), steps.axis("dim2", 0)
    order = list(range(steps.rank))
    order[one], order[other] = other, one
    return steps.add("Transpose", steps.inputs[0], perm=order)


def slice_axis(steps: Steps) -> str:
    """A part of one axis; an end of None is the axis's own."""
    axis, begin, end = steps.axis(), steps.option("begin"), steps.option("end")
    return _part(steps, axis, begin, LAST if end is None else end)


def slice_channel(steps: Steps) -> list[str]:
    """Parts of one axis, all alike."""
    axis = steps.axis(default=1)
    return _parts(steps, steps.several("Split", steps.option("num_outputs"), steps.inputs[0], axis=axis), axis)


def split_v2(steps: Steps) -> list[str]:
    """Parts of one axis: as many alike as `sections` says, else from each of `indices` to the next."""
    axis, sections, starts = steps.axis(default=0), steps.option("sections", 0), steps.integers("indices")
    if sections:
        return _parts(steps, steps.several("Split", sections, steps.inputs[0], axis=axis), axis)
    return _parts(steps, [_part(steps, axis, *pair) for pair in zip(starts, (*starts[1:], LAST))], axis)


def _part(steps: Steps, axis: int, begin: int, end: int) -> str:
    numbers = (steps.constant([one]) for one in (begin, end, axis))
    return steps.add("Slice", steps.inputs[0], *numbers)


def _parts(steps: Steps, parts: list[str], axis: int) -> list[str]:
    """Parts of one axis, without that axis where the node asks for it."""
    if not steps.flag("squeeze_axis"):
        return parts
    return [steps.add("Squeeze", one, steps.constant([axis])) for one in parts]


def embedding(steps: Steps) -> str:
    """Rows of a table; numbers beyond it give its first or last row, as MXNet has it."""
    whole = steps.dtype in (np.int32, np.int64)
    kind = steps.dtype if whole else np.dtype(np.int64)
    rows = steps.inputs[0] if whole else steps.cast(steps.inputs[0], kind)
    kept = steps.add("Clip", rows, steps.constant(0, kind), steps.constant(steps.shapes[1][0] - 1, kind))
    return steps.add("Gather", steps.inputs[1], kept)


def take(steps: Steps) -> str:
    """Elements of one axis by their numbers; beyond the axis its first or last, or counted on from its other end."""
    axis, mode, at = steps.axis(default=0), steps.option("mode", "clip"), steps.cast(steps.inputs[1], np.int64)
    if mode != "raise":
        size = steps.size(steps.inputs[0], axis)
        if mode == "wrap":
            at = steps.add("Mod", at, size)
        else:
            at = steps.add(
                "Max", steps.add("Min", at, steps.add("Sub", size, steps.constant([1]))), steps.constant([0])
            )
    return steps.add("Gather", steps.inputs[0], at, axis=axis)


def broadcast_to(steps: Steps) -> str:
    """Repeat axes of size 1 up to a shape, in which 0 keeps an axis."""
    return steps.add("Expand", steps.inputs[0], steps.constant([size or 1 for size in steps.integers("shape")]))


def zeros(steps: Steps) -> str:
    """Zeros of a shape."""
    return _filled(steps, 0)


def ones(steps: Steps) -> str:
    """Ones of a shape."""
    return _filled(steps, 1)


def full(steps: Steps) -> str:
    """One number in a shape."""
    return _filled(steps, steps.option("value"))


def _filled(steps: Steps, value: float) -> str:
    """A constant; an axis that MXNet finds out from what the value meets (0 in its shape) is 1, and grows there."""
    result = steps.results[0]
    shape = steps.constant([1 if size == -1 else size for size in result.shape])
    element = onnx.numpy_helper.from_array(np.array([value], result.dtype))
    return steps.add("ConstantOfShape", shape, value=element)


def _along(steps: Steps, values: str, axis: int) -> str:
    """A row of values as an array that has them along one axis of the first input's."""
    others = [one for one in range(steps.rank) if one != axis]
    return steps.add("Unsqueeze", values, steps.constant(others))


def _backwards(steps: Steps, axes: tuple[int, ...]) -> str:
    count = len(axes)
    start, end, step = (steps.constant([number] * count) for number in (-1, FIRST, -1))
    return steps.add("Slice", steps.inputs[0], start, end, steps.constant(axes), step)


CONVERTERS = converters(
    {
        "SequenceMask": sequence_mask,
        "SequenceReverse": sequence_reverse,
        "SequenceLast": sequence_last,
        "reverse": reverse,
        "SwapAxis": swap_axis,
        "slice_axis": slice_axis,
        "SliceChannel": slice_channel,
        "_split_v2": split_v2,
        "take": take,
        "Embedding": embedding,
        "broadcast_to": broadcast_to,
        "_zeros": zeros,
        "_ones": ones,
        "_full": full,
    }
)
