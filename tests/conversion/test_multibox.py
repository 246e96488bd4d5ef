"""Tests of gluon_ref.conversion.multibox: boxes around places, and objects among them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.errors import ConversionError
from gluon_ref.records import Field

from .agreement import answers, disagreement, make_source, runtime

DATA = mx.sym.var("data")
PRIORS = [
    {},
    {"sizes": (0.2, 0.3), "ratios": (1, 2, 0.5)},
    {"sizes": (0.9,), "ratios": (2,), "clip": True},
    {"sizes": (0.1, 0.2), "steps": (0.1, 0.2), "offsets": (0.25, 0.75)},
]
DETECTIONS = {
    "as_they_are": {},
    "the_best_few": {"nms_topk": 5},
    "more_than_there_are": {"nms_topk": 400},
    "all_that_overlap": {"nms_threshold": 0},
    "in_order_of_the_places": {"nms_threshold": -1},
    "that_overlap_in_full": {"nms_threshold": 1.0},
    "of_any_class": {"force_suppress": True, "nms_threshold": 0.2},
    "above_a_threshold": {"threshold": 0.6, "nms_topk": 3},
    "above_none": {"threshold": -2.0},
    "below_a_high_threshold": {"threshold": 2.0},
    "beyond_the_image": {"clip": False, "variances": (0.2, 0.1, 0.3, 0.4)},
    "whatever_is_the_background": {"background_id": 1},
}
COUNT, CLASSES = 24, 4


@pytest.mark.parametrize("options", PRIORS)
def test_boxes_around_each_place(options: dict[str, Any]) -> None:
    """Beside what the network answers, as detectors have it: a model needs an input."""
    boxes = mx.sym.contrib.MultiBoxPrior(DATA, **options)
    symbol = mx.sym.broadcast_add(boxes, mx.sym.mean(DATA, axis=(1, 2, 3), keepdims=False).reshape((-1, 1, 1)))
    assert disagreement(symbol, [Field("data", (2, 3, 5))]) < 1e-6


def test_boxes_around_places_whose_number_varies_are_refused() -> None:
    source = make_source(mx.sym.contrib.MultiBoxPrior(DATA), [Field("data", (2, -1, 5))])
    with pytest.raises(ConversionError, match="height or width that varies"):
        runtime(source, {"data": np.zeros((1, 2, 3, 5), dtype=np.float32)})


def boxes(batch: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Anchors, and what a network says of them: many overlap."""
    middle, half = np.random.uniform(0.2, 0.8, (1, COUNT, 2)), np.random.uniform(0.1, 0.3, (1, COUNT, 2))
    shares = np.random.dirichlet([0.5] * CLASSES, (batch, COUNT)).transpose(0, 2, 1)
    moves = np.random.normal(0, 0.5, (batch, 4 * COUNT))
    given = {"data": shares.astype(np.float32), "moves": moves.astype(np.float32)}
    return np.concatenate([middle - half, middle + half], axis=2).astype(np.float32), given


def detector(**options: Any) -> Any:
    anchors = mx.sym.var("anchors", shape=(1, COUNT, 4))
    return mx.sym.contrib.MultiBoxDetection(DATA, mx.sym.var("moves"), anchors, **options)


FIELDS = [Field("data", (CLASSES, COUNT)), Field("moves", (4 * COUNT,))]


@pytest.mark.parametrize("options", DETECTIONS.values(), ids=DETECTIONS.keys())
def test_objects_among_boxes(options: dict[str, Any]) -> None:
    for batch in (1, 3):
        anchors, given = boxes(batch)
        assert disagreement(detector(**options), FIELDS, {"anchors": anchors}, given) < 1e-6


def test_a_box_that_overlaps_by_the_threshold_goes_and_of_equal_scores_the_first_stays() -> None:
    anchors, given = boxes(1)
    anchors[0, :3] = [[0, 0, 0.5, 0.5], [0, 0, 0.5, 0.25], [0.5, 0.5, 0.75, 0.75]]  # the second is half of the first
    shares = np.zeros((1, CLASSES, COUNT), np.float32)
    shares[0, 2, :3] = [0.75, 0.75, 0.5]
    source = make_source(detector(nms_threshold=0.5), FIELDS, {"anchors": anchors})
    (mine,), (other,) = answers(source, 1, {"data": shares, "moves": np.zeros_like(given["moves"])})
    np.testing.assert_array_equal(mine, other)
    assert other[0, :4, :2].tolist() == [[1, 0.75], [-1, 0.75], [1, 0.5], [-1, -1]]


def test_objects_among_boxes_whose_number_varies_are_refused() -> None:
    anchors = mx.sym.transpose(mx.sym.slice_axis(DATA, axis=0, begin=0, end=1), axes=(0, 2, 1))
    symbol = mx.sym.contrib.MultiBoxDetection(DATA, mx.sym.reshape(DATA, shape=(0, -1)), anchors)
    with pytest.raises(ConversionError, match="boxes whose number varies"):
        runtime(make_source(symbol, [Field("data", (4, -1))]), {})
