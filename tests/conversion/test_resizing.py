"""Tests of gluon_ref.conversion.resizing: larger and smaller images, point for point."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.errors import ConversionError
from gluon_ref.records import Field

from .agreement import disagreement, make_source, runtime

DATA, OTHER = mx.sym.var("data"), mx.sym.var("other")
IMAGE = Field("data", (2, 4, 5))
resize = mx.sym.contrib.BilinearResize2D
CASES = {
    "repeated": mx.sym.UpSampling(DATA, scale=3, sample_type="nearest"),
    "to_a_size": resize(DATA, height=7, width=9),
    "to_a_size_between_the_middles": resize(DATA, height=7, width=9, align_corners=False),
    "to_a_smaller_size": resize(DATA, height=3, width=2),
    "to_a_smaller_size_between_the_middles": resize(DATA, height=3, width=2, align_corners=False),
    "to_a_point": resize(DATA, height=1, width=1),
    "from_a_point": resize(mx.sym.mean(DATA, axis=(2, 3), keepdims=True), height=4, width=3),
    "by_scales": resize(DATA, scale_height=2.0, scale_width=1.5, mode="odd_scale"),
}


@pytest.mark.parametrize("symbol", CASES.values(), ids=CASES.keys())
def test_sizes(symbol: Any) -> None:
    """mx2onnx aligns corners whether asked to or not, and refuses scales."""
    assert disagreement(symbol, [IMAGE]) < 1e-5


@pytest.mark.parametrize("mode", ["concat", "sum"])
def test_several_inputs_come_to_the_first_ones_size(mode: str) -> None:
    symbol = mx.sym.UpSampling(DATA, OTHER, scale=2, sample_type="nearest", num_args=2, multi_input_mode=mode)
    assert disagreement(symbol, [Field("data", (2, 4, 6)), Field("other", (2, 2, 3))]) < 1e-6


@pytest.mark.parametrize("scale", [2, 3])
def test_a_weight_interpolates(scale: int) -> None:
    symbol = mx.sym.UpSampling(DATA, mx.sym.var("w"), scale=scale, sample_type="bilinear", num_filter=2, num_args=2)
    kernel = 2 * scale - scale % 2
    weight = np.random.normal(size=(2, 1, kernel, kernel)).astype(np.float32)
    assert disagreement(symbol, [IMAGE], {"w": weight}) < 1e-5


def test_a_second_array_gives_the_size() -> None:
    symbol = resize(DATA, OTHER, mode="like")
    assert disagreement(symbol, [IMAGE, Field("other", (3, 7, 6))]) < 1e-5
    values = {"data": np.ones((2, 2, 4, 5), np.float32), "other": np.ones((2, 3, 9, 6), np.float32)}
    fields = [IMAGE, Field("other", (3, -1, 6))]
    assert disagreement(symbol, fields, values=values) < 1e-5


def test_a_size_that_only_mxnet_knows_is_refused() -> None:
    symbol = resize(DATA, scale_height=2.0, scale_width=2.0, mode="odd_scale")
    with pytest.raises(ConversionError, match="mode=odd_scale on an axis that varies"):
        runtime(make_source(symbol, [Field("data", (2, -1, 5))]), {})
