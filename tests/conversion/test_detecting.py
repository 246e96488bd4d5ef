"""Tests of gluon_ref.conversion.detecting: overlapping boxes, decoded boxes, regions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.errors import ConversionError
from gluon_ref.records import Field

from .agreement import disagreement, imperative, make_source, runtime

DATA, OTHER = mx.sym.var("data"), mx.sym.var("other")
nms = mx.sym.contrib.box_nms
NMS = {
    "of_all_classes": {},
    "within_classes": {"id_index": 0},
    "forced": {"id_index": 0, "force_suppress": True},
    "the_best_few": {"id_index": 0, "topk": 6},
    "more_than_there_are": {"id_index": 0, "topk": 400},
    "without_the_background": {"id_index": 0, "background_id": 1},
    "above_a_threshold": {"id_index": 0, "valid_thresh": 0.5, "overlap_thresh": 0.3},
    "below_a_high_threshold": {"valid_thresh": 2.0},
    "by_their_middle": {"in_format": "center", "out_format": "center", "id_index": 0},
    "by_their_middle_to_corners": {"in_format": "center", "out_format": "corner", "id_index": 0},
    "by_corners_to_middles": {"in_format": "corner", "out_format": "center"},
}


def boxes(batch: int, count: int = 12, classes: int = 3, middle: bool = False) -> np.ndarray:
    """(batch, count, 6): class, score, and boxes of which many overlap."""
    low = np.random.uniform(0, 5, (batch, count, 2))
    size = np.random.uniform(2, 5, (batch, count, 2))
    numbers = np.random.randint(0, classes, (batch, count, 1))
    scores = np.random.permutation(batch * count).reshape(batch, count, 1) / (batch * count)
    return np.concatenate([numbers, scores, low, size if middle else low + size], axis=2).astype(np.float32)


@pytest.mark.parametrize("options", NMS.values(), ids=NMS.keys())
def test_overlapping_boxes(options: dict[str, Any]) -> None:
    """mx2onnx's answers differ, but for one class without ties, and it refuses a background and other formats."""
    for batch in (1, 3):
        drawn = boxes(batch, middle=options.get("in_format") == "center")
        symbol = nms(DATA, coord_start=2, score_index=1, **options)
        assert disagreement(symbol, [Field("data", (12, 6))], values={"data": drawn}) < 1e-6


def test_overlapping_boxes_by_hand() -> None:
    """The second overlaps the first, the third is of another class, the last has no score."""
    rows = [[0, 0.9, 0, 0, 4, 4], [0, 0.8, 0, 0, 4, 3], [1, 0.7, 0, 0, 4, 4], [0, 0.6, 8, 8, 9, 9], [2, 0, 5, 5, 6, 6]]
    source = make_source(nms(DATA, id_index=0), [Field("data", (5, 6))])
    (found,) = runtime(source, {"data": np.array([rows], np.float32)})
    np.testing.assert_array_equal(found[0], np.array([rows[0], rows[2], rows[3], [-1] * 6, [-1] * 6], np.float32))


def test_boxes_turned_inside_out_and_equal_scores() -> None:
    drawn = boxes(2)
    drawn[:, ::3, 4] = drawn[:, ::3, 2] - 1
    drawn[:, :, 1] = np.round(drawn[:, :, 1] * 4) / 4
    assert disagreement(nms(DATA, id_index=0), [Field("data", (12, 6))], values={"data": drawn}) < 1e-6


def test_columns_may_stand_elsewhere_and_groups_have_more_axes() -> None:
    drawn = np.concatenate([boxes(6, 8)[:, :, 2:], boxes(6, 8)[:, :, :2], boxes(6, 8)], axis=2).reshape(3, 2, 8, 12)
    symbol = nms(DATA, coord_start=0, score_index=5, id_index=4, out_format="center")
    assert disagreement(symbol, [Field("data", (2, 8, 12))], values={"data": drawn}) < 1e-6


def test_the_number_of_boxes_may_vary() -> None:
    for count in (5, 9):
        values = {"data": boxes(2, count)}
        assert disagreement(nms(DATA, id_index=0, topk=6), [Field("data", (-1, 6))], values=values) < 1e-6


@pytest.mark.parametrize("options", [{}, {"format": "center"}, {"std0": 0.1, "std1": 0.2, "std2": 0.3, "clip": 0.1}])
def test_decoded_boxes(options: dict[str, Any]) -> None:
    symbol = mx.sym.contrib.box_decode(DATA, mx.sym.var("anchors"), **{"format": "corner", **options})
    assert disagreement(symbol, [Field("data", (7, 4))], {"anchors": boxes(1, 7)[:, :, 2:]}) < 1e-5


@pytest.mark.parametrize("options", [{"sample_ratio": 2}, {}, {"spatial_scale": 0.5}])
def test_regions(options: dict[str, Any]) -> None:
    symbol = mx.sym.contrib.ROIAlign(DATA, OTHER, **{"pooled_size": (3, 2), "spatial_scale": 1.0, **options})
    regions = np.concatenate([np.array([[[0], [1], [1], [0]]]), boxes(1, 4)[:, :, 2:]], axis=2)[0].astype(np.float32)
    values = {"data": np.random.normal(size=(2, 3, 9, 11)).astype(np.float32), "other": regions}
    fields = [Field("data", (3, 9, 11)), Field("other", (5,))]
    assert disagreement(symbol, fields, values=values) < 1e-5


def test_a_region_of_no_image_gives_zeros() -> None:
    """Of padded proposals, for which ONNX Runtime has no image.

    MXNet leaves what was in memory there, and writes its zero over a number of another region: so it is asked without.
    """
    symbol = mx.sym.contrib.ROIAlign(DATA, OTHER, pooled_size=(3, 2), spatial_scale=1.0)
    regions = np.array([[0, 1, 2, 8, 7], [-1, 0, 0, 3, 5], [1, 4, 4, 7, 6]], np.float32)
    values = {"data": np.random.normal(size=(2, 3, 9, 11)).astype(np.float32), "other": regions}
    source = make_source(symbol, [Field("data", (3, 9, 11)), Field("other", (5,))])
    (found,), (expected,) = runtime(source, values), imperative(source, {**values, "other": regions[[0, 2]]})
    np.testing.assert_array_equal(found[1], 0)
    np.testing.assert_allclose(found[[0, 2]], expected, atol=1e-5)


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_the_largest_of_regions(scale: float) -> None:
    symbol = mx.sym.ROIPooling(DATA, OTHER, pooled_size=(3, 2), spatial_scale=scale)
    regions = np.array([[0, 1, 2, 8, 7], [1, 0, 0, 3, 5], [1, 4, 4, 4, 4]], np.float32)
    values = {"data": np.random.normal(size=(2, 3, 9, 11)).astype(np.float32), "other": regions}
    assert disagreement(symbol, [Field("data", (3, 9, 11)), Field("other", (5,))], values=values) < 1e-6


@pytest.mark.parametrize(
    ("options", "message"),
    [({"aligned": True}, "aligned=True, which needs opset 16"), ({"position_sensitive": True}, "position_sensitive")],
)
def test_regions_that_onnx_has_not_are_refused(options: dict[str, Any], message: str) -> None:
    symbol = mx.sym.contrib.ROIAlign(DATA, OTHER, pooled_size=(1, 1), spatial_scale=1.0, **options)
    with pytest.raises(ConversionError, match=message):
        runtime(make_source(symbol, [Field("data", (3, 9, 11)), Field("other", (5,))]), {})
