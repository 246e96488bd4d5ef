"""What moves, joins, repeats or leaves out elements and computes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from .steps import Steps, converters

LAST = 2**63 - 1  # where a Slice that goes to the end ends
FIRST = -(2**63)  # and one that goes backwards


def reshape(steps: Steps) -> str:
    """Another shape, whatever codes it is written in: MXNet has computed it, but for axes that vary."""
    shape = steps.results[0].shape
    if list(shape).count(-1) < 2:
        return steps.reshape(steps.inputs[0], shape)
    codes, back = list(steps.integers("shape")), bool(steps.flag("reverse"))
    if not back:
        return steps.add("Reshape", steps.inputs[0], _joined(steps, _sizes(steps, codes, back)))
    if -4 in codes:
        raise steps.refuse("reverse=True with -4 in the shape and more than one axis that varies")
    sizes = list(_sizes(steps, codes[::-1], back))
    return steps.add("Reshape", steps.inputs[0], _joined(steps, sizes[::-1]))


def _sizes(steps: Steps, codes: list[int], back: bool) -> Iterable[str]:
    """The size of each axis: 0 keeps one, -1 is what is left, -2 keeps the rest, -3 joins two, -4 splits one.

    Args:
        steps: the reshape.
        codes: of its shape, consumed.
        back: axes are counted from the last one.
    """
    at = 0
    while codes:
        code, place = codes.pop(0), steps.rank - 1 - at if back else at
        if code == -2:
            yield steps.size(steps.inputs[0], 0 if back else at, steps.rank - at)
            at = steps.rank
        elif code == -3:
            yield steps.add("Mul", _size(steps, place), _size(steps, place - 1 if back else place + 1))
            at += 2
        elif code == -4:
            parts = [codes.pop(0), codes.pop(0)]
            for number, other in (parts, parts[::-1]):
                yield (
                    steps.add("Div", _size(steps, place), steps.constant([other]))
                    if number == -1
                    else steps.constant([number])
                )
            at += 1
        else:
            yield _size(steps, place) if code == 0 else steps.constant([code])
            at += 1


def _size(steps: Steps, axis: int, number: int = 0) -> str:
    """Size of an input's axis, int64 (1,)."""
    known = steps.shapes[number][axis]
    return steps.size(steps.inputs[number], axis) if known == -1 else steps.constant([known])


def _joined(steps: Steps, sizes: Iterable[str]) -> str:
    return steps.add("Concat", *sizes, axis=0)


def reshape_like(steps: Steps) -> str:
    """The shape of the second input."""
    shape = steps.results[0].shape
    if list(shape).count(-1) < 2:
        return steps.reshape(steps.inputs[0], shape)
    if any(steps.option(key) is not None for key in ("lhs_begin", "lhs_end", "rhs_begin", "rhs_end")):
        raise steps.refuse("lhs_begin, lhs_end, rhs_begin or rhs_end and more than one axis that varies")
    return steps.add("Reshape", steps.inputs[0], steps.add("Shape", steps.inputs[1]))


def transpose(steps: Steps) -> str:
    """Axes in another order; in the opposite one where none is given."""
    order = [at + steps.rank if at < 0 else at for at in steps.integers("axes")]
    return steps.add("Transpose", steps.inputs[0], perm=order or list(range(steps.rank))[::-1])


def expand_dims(steps: Steps) -> str:
    """One more axis."""
    axis = steps.axis(rank=steps.rank + 1)
    return steps.add("Unsqueeze", steps.inputs[0], steps.constant([axis]))


def squeeze(steps: Steps) -> str:
    """Without axes of size 1; an array of one element keeps one."""
    axes = list(steps.integers("axis")) or [at for at, size in enumerate(steps.shape) if size == 1]
    if len(axes) == steps.rank:
        return steps.add("Reshape", steps.inputs[0], steps.constant([1]))
    return steps.add("Squeeze", steps.inputs[0], steps.constant(axes)) if axes else steps.inputs[0]


def concat(steps: Steps) -> str:
    """Joined along an axis that they have."""
    return steps.add("Concat", *steps.inputs, axis=steps.axis("dim", 1))


def stack(steps: Steps) -> str:
    """Joined along a new axis."""
    axis = steps.axis(default=0, rank=steps.rank + 1)
    at = steps.constant([axis])
    return steps.add("Concat", *(steps.add("Unsqueeze", one, at) for one in steps.inputs), axis=axis)


def slice_axes(steps: Steps) -> str:
    """From begin to end by step, axis by axis; None is as far as it goes."""
    begins, ends = (steps.integers(key) for key in ("begin", "end"))
    strides = tuple(one or 1 for one in steps.integers("step", ())) or (1,) * len(begins)
    starts = [(LAST if step < 0 else 0) if one is None else one for one, step in zip(begins, strides)]
    stops = [(FIRST if step < 0 else LAST) if one is None else one for one, step in zip(ends, strides)]
    return _sliced(steps, starts, steps.constant(stops), range(len(starts)), strides)


def _sliced(steps: Steps, starts: Sequence[int], stops: str, axes: Iterable[int], strides: Sequence[int] = ()) -> str:
    more = [steps.constant(strides)] if strides else []
    return steps.add("Slice", steps.inputs[0], steps.constant(starts), stops, steps.constant(list(axes)), *more)


def slice_like(steps: Steps) -> str:
    """As much of each axis as the second input has."""
    axes = [at + steps.rank if at < 0 else at for at in steps.integers("axes")] or list(range(len(steps.shapes[1])))
    stops = _joined(steps, [_size(steps, at, 1) for at in axes])
    return _sliced(steps, [0] * len(axes), stops, axes)


def crop(steps: Steps) -> str:
    """A part of the last two axes, of a size given or that of the second input, from an offset or the middle."""
    height, width = steps.results[0].shape[2:]
    if -1 in (*steps.shape[2:], height, width):
        raise steps.refuse("height or width that varies")
    offset = steps.integers("offset", (0, 0))
    if steps.flag("center_crop"):
        offset = ((steps.shape[2] - height) // 2, (steps.shape[3] - width) // 2)
    stops = steps.constant([offset[0] + height, offset[1] + width])
    return _sliced(steps, offset, stops, (2, 3))


def pad(steps: Steps) -> str:
    """A border of one number, of the nearest elements, or of what lies behind them."""
    widths = steps.integers("pad_width")
    pads, mode = steps.constant([*widths[::2], *widths[1::2]]), steps.option("mode")
    filler = [steps.like(steps.number("constant_value", 0))] if mode == "constant" else []
    return steps.add("Pad", steps.inputs[0], pads, *filler, mode=mode)


def tile(steps: Steps) -> str:
    """The whole, repeated; more repetitions than axes make new ones."""
    times, data = steps.integers("reps"), steps.inputs[0]
    if len(times) > steps.rank:
        data = steps.add("Unsqueeze", data, steps.constant(list(range(len(times) - steps.rank))))
    return steps.add("Tile", data, steps.constant([1] * (steps.rank - len(times)) + list(times)))


def repeat(steps: Steps) -> str:
    """Each element, repeated, along an axis or all in a row."""
    times, flat = steps.option("repeats"), steps.option("axis") is None
    data = steps.add("Reshape", steps.inputs[0], steps.constant([-1])) if flat else steps.inputs[0]
    axis, rank = (0, 1) if flat else (steps.axis(), steps.rank)
    wide = steps.add("Unsqueeze", data, steps.constant([axis + 1]))
    tiled = steps.add("Tile", wide, steps.constant([times if at == axis + 1 else 1 for at in range(rank + 1)]))
    sizes = [steps.constant([-1]) if at == axis else _size(steps, at) for at in range(rank)]
    return steps.add("Reshape", tiled, _joined(steps, sizes))


def broadcast_axis(steps: Steps) -> str:
    """Axes of size 1, repeated."""
    sizes = dict(zip((at % steps.rank for at in steps.integers("axis")), steps.integers("size")))
    return steps.add("Expand", steps.inputs[0], steps.constant([sizes.get(at, 1) for at in range(steps.rank)]))


def broadcast_like(steps: Steps) -> str:
    """The same up to the sizes of the second input, of all axes or of some."""
    ours, theirs = ([at % steps.rank for at in steps.integers(key)] for key in ("lhs_axes", "rhs_axes"))
    if not ours:
        return steps.add("Expand", steps.inputs[0], steps.add("Shape", steps.inputs[1]))
    theirs = [at % len(steps.shapes[1]) for at in steps.integers("rhs_axes")]
    pairs = dict(zip(ours, theirs))
    sizes = [_size(steps, pairs[at], 1) if at in pairs else steps.constant([1]) for at in range(steps.rank)]
    return steps.add("Expand", steps.inputs[0], _joined(steps, sizes))


def depth_to_space(steps: Steps) -> str:
    """Channels become blocks of places."""
    return steps.add("DepthToSpace", steps.inputs[0], blocksize=steps.option("block_size"), mode="DCR")


def space_to_depth(steps: Steps) -> str:
    """Blocks of places become channels."""
    return steps.add("SpaceToDepth", steps.inputs[0], blocksize=steps.option("block_size"))


def pick(steps: Steps) -> str:
    """One element along an axis for each index, the first or last for an index out of range, or counted round."""
    axis = steps.axis(default=-1)
    index = steps.cast(steps.inputs[1], np.int64)
    kept = len(steps.shapes[1]) == steps.rank
    index = index if kept else steps.add("Unsqueeze", index, steps.constant([axis]))
    size = _size(steps, axis)
    if steps.option("mode", "clip") == "wrap":
        index = steps.add("Mod", index, size)
    else:
        last = steps.add("Sub", size, steps.constant([1]))
        index = steps.add("Min", steps.add("Max", index, steps.constant([0])), last)
    found = steps.add("GatherElements", steps.inputs[0], index, axis=axis)
    return found if steps.flag("keepdims") else steps.add("Squeeze", found, steps.constant([axis]))


def gather_nd(steps: Steps) -> str:
    """Elements or rows by index; the axes of an index stand first in MXNet, last in ONNX."""
    rank = len(steps.shapes[1])
    index = steps.add("Transpose", steps.cast(steps.inputs[1], np.int64), perm=[*range(1, rank), 0])
    return steps.add("GatherND", steps.inputs[0], index)


CONVERTERS = converters(
    {
        "Reshape": reshape,
        "reshape_like": reshape_like,
        "Flatten": lambda steps: steps.add("Flatten", steps.inputs[0], axis=1),
        "transpose": transpose,
        "expand_dims": expand_dims,
        "squeeze": squeeze,
        "Concat": concat,
        "stack": stack,
        "slice": slice_axes,
        "slice_like": slice_like,
        "Crop": crop,
        "Pad": pad,
        "tile": tile,
        "repeat": repeat,
        "broadcast_axis": broadcast_axis,
        "broadcast_like": broadcast_like,
        "depth_to_space": depth_to_space,
        "space_to_depth": space_to_depth,
        "pick": pick,
        "gather_nd": gather_nd,
    }
)
