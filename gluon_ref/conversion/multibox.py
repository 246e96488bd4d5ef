"""What detectors of MXNet's own examples are made with: boxes around each place, and the objects among them."""

from __future__ import annotations

import numpy as np

from .detecting import by_class, column, decoded, reordered, staying
from .sequences import LAST
from .steps import Steps, converters

LEAST = -1  # below all scores


def priors(steps: Steps) -> str:
    """The boxes around each place of an image, as shares of its sides: all sizes by the first ratio, then others."""
    height, width = steps.shape[2:]
    if -1 in (height, width):
        raise steps.refuse("height or width that varies")
    sizes, ratios = (np.atleast_1d(steps.option(key, 1.0)).astype(np.float32) for key in ("sizes", "ratios"))
    (step_y, step_x), (off_y, off_x) = steps.option("steps", (-1.0, -1.0)), steps.option("offsets", (0.5, 0.5))
    rows = (np.arange(height) + off_y) * (step_y if step_y > 0 else 1 / height)
    columns = (np.arange(width) + off_x) * (step_x if step_x > 0 else 1 / width)
    middles = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 1, 2)
    size = np.concatenate([sizes, np.full(len(ratios) - 1, sizes[0])])
    ratio = np.sqrt(np.concatenate([np.full(len(sizes), ratios[0]), ratios[1:]]))
    halves = np.stack([size * height / width * ratio, size / ratio], axis=-1) / 2
    found = np.concatenate([middles - halves, middles + halves], axis=2).reshape(1, -1, 4)
    return steps.like(np.clip(found, 0, 1) if steps.flag("clip") else found)


def detections(steps: Steps) -> str:
    """Objects among boxes, the best first: class, score and corners, (images, boxes, 6).

    The class is -1 where a better box overlaps, and after the best `nms_topk`; behind the last object all is -1. MXNet
    takes the first class for the background, whatever `background_id` says.
    """
    count, overlap, best = steps.shapes[0][2], steps.number("nms_threshold", 0.5), steps.option("nms_topk", -1)
    if count == -1:
        raise steps.refuse("boxes whose number varies")
    rows, scores, usable = _read(steps)
    lowest = steps.like(np.finfo(steps.dtype).min)
    lined, _ = _first(steps, rows, steps.add("Where", usable, steps.like(0), lowest), count)  # as they come
    if not 0 < overlap <= 1:
        return lined
    most = min(best, count) if best > 0 else count
    chosen, scores = _first(steps, rows, steps.add("Where", usable, scores, lowest), most)
    table = steps.add("Unsqueeze", scores, steps.constant([1]))
    if not steps.flag("force_suppress"):
        table = by_class(steps, column(steps, chosen, 0), table)
    stays = staying(steps, column(steps, chosen, 2, 4), table, _below(overlap), LEAST)
    if most < count:
        rest = steps.add("Slice", lined, *(steps.constant([one]) for one in (most, count, 1)))
        chosen = steps.add("Concat", chosen, rest, axis=1)
        stays = steps.add("Pad", stays, steps.constant([0, 0, 0, count - most]))
    classes = steps.add("Where", steps.cast(stays, np.bool_), column(steps, chosen, 0), steps.like(-1))
    return steps.add(
        "Concat", steps.add("Unsqueeze", classes, steps.constant([2])), column(steps, chosen, 1, 5), axis=2
    )


def _read(steps: Steps) -> tuple[str, str, str]:
    """Rows of class, score and corners, (images, boxes, 6); and their scores, and whether they are objects."""
    probabilities, offsets, anchors = steps.inputs
    objects = steps.add("Slice", probabilities, *(steps.constant([one]) for one in (1, LAST, 1)))
    scores = steps.add("ReduceMax", objects, axes=[1], keepdims=0)
    classes = steps.cast(steps.add("ArgMax", objects, axis=1, keepdims=0), steps.dtype)
    usable = steps.add("Greater", scores, steps.like(max(LEAST, _below(steps.number("threshold", 0.01)))))
    moves = steps.add("Reshape", offsets, steps.constant([0, -1, 4]))
    boxes = decoded(steps, moves, anchors, steps.option("variances", (0.1, 0.1, 0.2, 0.2)))
    if steps.option("clip", True):
        boxes = steps.add("Clip", boxes, steps.like(0), steps.like(1))
    columns = (steps.add("Unsqueeze", one, steps.constant([2])) for one in (classes, scores))
    return steps.add("Concat", *columns, boxes, axis=2), scores, usable


def _below(threshold: float) -> float:
    """The next smaller number: what reaches a threshold counts for MXNet, what exceeds it for ONNX."""
    return float(np.nextafter(np.float32(threshold), np.float32(-np.inf)))


def _first(steps: Steps, rows: str, keys: str, count: int) -> tuple[str, str]:
    """The rows with the largest keys, of equal ones the first, rows of -1 for the lowest key; and these keys."""
    keys, order = steps.several("TopK", 2, keys, steps.constant([count]), axis=1)
    real = steps.add("Greater", keys, steps.like(np.finfo(steps.dtype).min))
    chosen = reordered(steps, rows, order)
    return steps.add("Where", steps.add("Unsqueeze", real, steps.constant([2])), chosen, steps.like(-1)), keys


CONVERTERS = converters({"_contrib_MultiBoxPrior": priors, "_contrib_MultiBoxDetection": detections})
