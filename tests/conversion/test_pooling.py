"""Tests of gluon_ref.conversion.pooling: every kind, convention and rank, on sizes where the last window is cut."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.errors import ConversionError
from gluon_ref.records import Field

from .agreement import disagreement, make_source, runtime

DATA = mx.sym.var("data")
KINDS = ("max", "avg", "sum", "lp")


def pool(**options: Any) -> Any:
    return mx.sym.Pooling(DATA, name="pool", **options)


@pytest.mark.parametrize(
    ("kind", "convention", "counted"),
    [*product(KINDS, ("valid", "full"), (True,)), ("avg", "valid", False), ("avg", "full", False)],
)
@pytest.mark.parametrize(("kernel", "stride", "pad"), [((3, 2), (2, 2), (0, 0)), ((3, 2), (2, 2), (1, 1))])
def test_windows_of_images(kind: str, convention: str, counted: bool, kernel: Any, stride: Any, pad: Any) -> None:
    """mx2onnx refuses sums, and lp with full, and counts what a cut window misses as zeros."""
    options = {"count_include_pad": counted} if kind == "avg" else {"p_value": 2} if kind == "lp" else {}
    symbol = pool(kernel=kernel, stride=stride, pad=pad, pool_type=kind, pooling_convention=convention, **options)
    for height, width in ((7, 8), (8, 9)):
        assert disagreement(symbol, [Field("data", (2, height, width))]) < 1e-5


@pytest.mark.parametrize("convention", ["valid", "full"])
@pytest.mark.parametrize("kind", KINDS)
def test_windows_of_sequences_and_volumes(kind: str, convention: str) -> None:
    options = {"p_value": 3} if kind == "lp" else {}
    symbol = pool(kernel=(3,), stride=(2,), pool_type=kind, pooling_convention=convention, **options)
    assert disagreement(symbol, [Field("data", (2, 8))]) < 1e-5
    symbol = pool(kernel=(2, 3, 2), stride=(2, 2, 2), pool_type=kind, pooling_convention=convention, **options)
    assert disagreement(symbol, [Field("data", (2, 5, 6, 7))]) < 1e-5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(2, 8), (2, 5, 7), (2, 3, 5, 4)])
def test_one_window_of_everything_whatever_the_kernel(kind: str, shape: tuple[int, ...]) -> None:
    options = {"p_value": 2} if kind == "lp" else {}
    symbol = pool(global_pool=True, kernel=(1,) * (len(shape) - 1), pool_type=kind, **options)
    assert disagreement(symbol, [Field("data", shape)]) < 1e-5


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize("convention", ["valid", "full"])
def test_sizes_may_stay_free(kind: str, convention: str) -> None:
    """At 7 places, three windows of 3 by 2; at 8 with full a fourth that is cut."""
    symbol = pool(kernel=(3,), stride=(2,), pad=(1,), pool_type=kind, pooling_convention=convention)
    source = make_source(symbol, [Field("data", (2, -1))])
    for steps in (7, 8, 9):
        values = np.random.normal(size=(2, 2, steps)).astype(np.float32)
        assert disagreement(source.symbol, source.inputs, values={"data": values}) < 1e-5


@pytest.mark.parametrize(
    "options", [{"pooling_convention": "full"}, {"pooling_convention": "valid"}, {"global_pool": True}]
)
@pytest.mark.parametrize("kind", ["max", "avg", "sum"])
def test_windows_of_old(kind: str, options: dict[str, Any]) -> None:
    """Padding counts as zeros, among the largest too, and a mean divides by nine whatever is cut off."""
    symbol = mx.sym.Pooling_v1(DATA, kernel=(3, 3), stride=(2, 2), pad=(1, 1), pool_type=kind, **options)
    assert disagreement(symbol, [Field("data", (2, 6, 8))]) < 1e-5


@pytest.mark.parametrize("size", [1, (3, 2), 4])
def test_means_of_uneven_windows(size: Any) -> None:
    symbol = mx.sym.contrib.AdaptiveAvgPooling2D(DATA, output_size=size)
    assert disagreement(symbol, [Field("data", (2, 7, 5))]) < 1e-5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel": (1,), "stride": (3,)}, "strides larger than the kernel on an axis that varies"),
        ({"kernel": (3,), "pad": (1,), "count_include_pad": False}, "count_include_pad=False and pad on an axis"),
        ({"kernel": (3,), "pool_type": "sum"}, "sums on an axis that varies"),
    ],
)
def test_what_needs_the_size_is_refused_where_that_varies(options: dict[str, Any], message: str) -> None:
    symbol = pool(**{"pool_type": "avg", "pooling_convention": "full", **options})
    with pytest.raises(ConversionError, match=message):
        runtime(make_source(symbol, [Field("data", (2, -1))]), {})


def test_channels_at_the_end_are_refused() -> None:
    symbol = pool(kernel=(2, 2), layout="NHWC")
    with pytest.raises(ConversionError, match="layout=NHWC: only NCHW is carried"):
        runtime(make_source(symbol, [Field("data", (5, 6, 7))]), {})


@pytest.mark.parametrize("kind", KINDS)
def test_windows_beyond_the_border_are_as_they_are(kind: str) -> None:
    """With strides larger than the kernel a last window may hold nothing."""
    options = {"p_value": 2} if kind == "lp" else {}
    symbol = pool(kernel=(1, 1), stride=(3, 3), pool_type=kind, pooling_convention="full", **options)
    assert disagreement(symbol, [Field("data", (2, 6, 6))]) < 1e-5
