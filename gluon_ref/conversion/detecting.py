"""What detectors end in: boxes decoded, the overlapping ones left out, and features of regions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .steps import Steps, converters


def box_nms(steps: Steps) -> str:
    """The best of overlapping boxes, best first, and rows of -1 where there are no more.

    MXNet keeps boxes of another class, and ONNX suppresses within each row of a table of scores: so that has a row per
    class, with the scores of the boxes of that class. Only the best `topk` come that far.
    """
    rank, columns = steps.rank, steps.shape[-1]
    if columns == -1:
        raise steps.refuse("boxes whose number of columns varies")
    data = steps.inputs[0] if rank == 3 else steps.add("Reshape", steps.inputs[0], _shape3(steps))
    scores = _usable(steps, data)
    count = steps.size(data, 1)
    topk = steps.option("topk", -1)
    kept = steps.add("Min", count, steps.constant([topk])) if topk > 0 else count
    best, order = steps.several("TopK", 2, scores, kept, axis=1)
    rows = reordered(steps, data, order)
    mask = _suppressed(steps, rows, best)
    # Those that stay move to the front, in order: places counted down, 0 for those that go.
    first = steps.add("Squeeze", kept, steps.constant([0]))
    down = steps.add("Range", first, steps.constant(0), steps.constant(-1))
    _, front = steps.several("TopK", 2, steps.add("Mul", mask, down), kept, axis=1)
    stays = steps.add("GatherElements", mask, front, axis=1)
    chosen = _formatted(steps, reordered(steps, rows, front))
    nothing = steps.like(-1)
    stays = steps.add("Unsqueeze", steps.cast(stays, np.bool_), steps.constant([2]))
    chosen = steps.add("Where", stays, chosen, nothing)
    if topk > 0:
        missing = steps.add("Sub", count, kept)
        pads = steps.add("Concat", steps.constant([0] * 4), missing, steps.constant([0]), axis=0)
        chosen = steps.add("Pad", chosen, pads, nothing)
    return chosen if rank == 3 else steps.add("Reshape", chosen, steps.add("Shape", steps.inputs[0]))


def _shape3(steps: Steps) -> str:
    """(groups, boxes, columns)."""
    return steps.add("Concat", steps.constant([-1]), steps.size(steps.inputs[0], steps.rank - 2, 2), axis=0)


def column(steps: Steps, rows: str, at: int, count: int = 1) -> str:
    """Columns of (groups, boxes, columns); one alone without its axis."""
    if count == 1:
        return steps.add("Gather", rows, steps.constant(at), axis=2)
    return _slice(steps, rows, at, at + count)


def reordered(steps: Steps, rows: str, order: str) -> str:
    """Rows (groups, rows, columns) in another order, (groups, rows) of places."""
    return steps.add("GatherND", rows, steps.add("Unsqueeze", order, steps.constant([2])), batch_dims=1)


def _usable(steps: Steps, data: str) -> str:
    """Scores, as low as can be for boxes below the threshold and for the background."""
    scores = column(steps, data, steps.option("score_index", 1))
    usable = steps.add("Greater", scores, steps.like(steps.number("valid_thresh", 0)))
    number, background = steps.option("id_index", -1), steps.option("background_id", -1)
    if number >= 0 and background >= 0:
        other = steps.add("Not", steps.add("Equal", column(steps, data, number), steps.like(background)))
        usable = steps.add("And", usable, other)
    return steps.add("Where", usable, scores, steps.like(np.finfo(steps.dtype).min))


def _suppressed(steps: Steps, rows: str, best: str) -> str:
    """(groups, boxes) of int64: 1 for those that stay."""
    boxes = column(steps, rows, steps.option("coord_start", 2), 4)
    centred = steps.option("in_format", "corner") == "center"
    if not centred:  # a box that is turned inside out has no area; ONNX would turn it back
        low, high = column(steps, boxes, 0, 2), column(steps, boxes, 2, 2)
        boxes = steps.add("Concat", low, steps.add("Max", low, high), axis=2)
    number = steps.option("id_index", -1)
    table = steps.add("Unsqueeze", best, steps.constant([1]))
    if number >= 0 and not steps.flag("force_suppress"):
        table = by_class(steps, column(steps, rows, number), table)
    overlap, least = steps.number("overlap_thresh", 0.5), steps.number("valid_thresh", 0)
    return staying(steps, boxes, table, overlap, least, centred)


def staying(steps: Steps, boxes: str, table: str, overlap: float, least: float, centred: bool = False) -> str:
    """(groups, boxes) of int64: 1 for boxes that no better one of the same row of a table overlaps.

    Args:
        steps: of the node.
        boxes: (groups, boxes, 4).
        table: of scores, (groups, classes, boxes).
        overlap: shared part of two boxes' whole area, above which the worse one goes.
        least: score, above which a box is one.
        centred: whether boxes are given by middle and size, not by two corners.
    """
    found = steps.add(
        "NonMaxSuppression",
        boxes,
        table,
        steps.count(boxes, 1),
        steps.constant(overlap, np.float32),
        steps.constant(least, np.float32),
        center_point_box=int(centred),
    )
    places = steps.add("Gather", found, steps.constant([0, 2]), axis=1)
    zeros = steps.add("Expand", steps.constant(0), steps.size(boxes, 0, 2))
    ones = steps.add("Expand", steps.constant(1), steps.size(found, 0))
    return steps.add("ScatterND", zeros, places, ones)


def by_class(steps: Steps, numbers: str, scores: str) -> str:
    """(groups, classes, boxes) of scores, as low as can be for boxes of other classes."""
    numbers = steps.cast(numbers, np.int64)
    first, last = (steps.add(op, numbers, keepdims=0) for op in ("ReduceMin", "ReduceMax"))
    classes = steps.add("Range", first, steps.add("Add", last, steps.constant(1)), steps.constant(1))
    rows = steps.add("Unsqueeze", classes, steps.constant([1]))
    mine = steps.add("Equal", steps.add("Unsqueeze", numbers, steps.constant([1])), rows)
    return steps.add("Where", mine, scores, steps.like(np.finfo(steps.dtype).min))


def _formatted(steps: Steps, rows: str) -> str:
    """Boxes by corners from boxes by their middle, or the other way, if asked for."""
    given, wanted = steps.option("in_format", "corner"), steps.option("out_format", "corner")
    if given == wanted:
        return rows
    start = steps.option("coord_start", 2)
    first, second = column(steps, rows, start, 2), column(steps, rows, start + 2, 2)
    half = steps.like(0.5)
    if wanted == "corner":
        apart = steps.add("Mul", second, half)
        pair = [steps.add("Sub", first, apart), steps.add("Add", first, apart)]
    else:
        pair = [steps.add("Mul", steps.add("Add", first, second), half), steps.add("Sub", second, first)]
    before = [_slice(steps, rows, 0, start)] if start else []
    after = [_slice(steps, rows, start + 4, steps.shape[-1])] if steps.shape[-1] > start + 4 else []
    return steps.add("Concat", *before, *pair, *after, axis=2)


def _slice(steps: Steps, rows: str, start: int, stop: int) -> str:
    return steps.add("Slice", rows, steps.constant([start]), steps.constant([stop]), steps.constant([2]))


def box_decode(steps: Steps) -> str:
    """Boxes by corners from what a net says of anchors, (groups, boxes, 4)."""
    (data, anchors), scales = steps.inputs, [steps.number(f"std{at}", 1) for at in range(4)]
    cornered = steps.option("format", "center") == "corner"
    return decoded(steps, data, anchors, scales, cornered, steps.number("clip", -1))


def decoded(
    steps: Steps, data: str, anchors: str, scales: Sequence[float], cornered: bool = True, most: float = -1
) -> str:
    """Boxes by corners, (groups, boxes, 4).

    Args:
        steps: of the node.
        data: how anchors are moved and grown, (groups, boxes, 4).
        anchors: by corners, or by middle and size.
        scales: of these four numbers.
        cornered: whether anchors are given by corners.
        most: limit of the logarithm of growth, where above 0.
    """
    half = steps.like(0.5)
    low, high = _slice(steps, anchors, 0, 2), _slice(steps, anchors, 2, 4)
    middle, size = low, high
    if cornered:
        size = steps.add("Sub", high, low)
        middle = steps.add("Add", low, steps.add("Mul", size, half))
    scaled = steps.add("Mul", data, steps.like(scales))
    moved = steps.add("Add", steps.add("Mul", _slice(steps, scaled, 0, 2), size), middle)
    grown = _slice(steps, scaled, 2, 4)
    if most > 0:
        grown = steps.add("Min", grown, steps.like(most))
    apart = steps.add("Mul", steps.add("Mul", steps.add("Exp", grown), size), half)
    return steps.add("Concat", steps.add("Sub", moved, apart), steps.add("Add", moved, apart), axis=2)


def roi_align(steps: Steps) -> str:
    """Means of samples in the cells of regions, (regions, channels, height, width); zeros for regions of image -1."""
    if steps.flag("position_sensitive"):
        raise steps.refuse("position_sensitive=True")
    aligned = steps.flag("aligned")
    if aligned and steps.opset < 16:
        raise steps.refuse("aligned=True, which needs opset 16")
    data, rois = steps.inputs
    height, width = steps.integers("pooled_size")
    group = steps.cast(_flat(steps, steps.add("Slice", rois, *_columns(steps, 0, 1))), np.int64)
    mode = {"coordinate_transformation_mode": "half_pixel" if aligned else "output_half_pixel"}
    nothing = steps.add("Reshape", steps.add("Less", group, steps.constant(0)), steps.constant([-1, 1, 1, 1]))
    found = steps.add(
        "RoiAlign",
        data,
        steps.add("Slice", rois, *_columns(steps, 1, 5)),
        steps.add("Max", group, steps.constant(0)),  # ONNX Runtime knows no image -1
        output_height=height,
        output_width=width,
        spatial_scale=steps.number("spatial_scale"),
        sampling_ratio=max(steps.option("sample_ratio", -1), 0),
        **(mode if steps.opset >= 16 else {}),
    )
    return steps.add("Where", nothing, steps.like(0), found)


def _columns(steps: Steps, start: int, stop: int) -> tuple[str, str, str]:
    return steps.constant([start]), steps.constant([stop]), steps.constant([1])


def _flat(steps: Steps, value: str) -> str:
    return steps.add("Reshape", value, steps.constant([-1]))


def roi_pooling(steps: Steps) -> str:
    """The largest in the cells of regions."""
    return steps.add(
        "MaxRoiPool",
        *steps.inputs,
        pooled_shape=steps.integers("pooled_size"),
        spatial_scale=steps.number("spatial_scale"),
    )


CONVERTERS = converters(
    {
        "_contrib_box_nms": box_nms,
        "_contrib_box_decode": box_decode,
        "_contrib_ROIAlign": roi_align,
        "ROIPooling": roi_pooling,
    }
)
