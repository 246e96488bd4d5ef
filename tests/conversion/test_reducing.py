"""Tests of gluon_ref.conversion.reducing: axes from either end, left out or all, and places in order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.conversion.graph import to_onnx
from gluon_ref.records import Field

from .agreement import answers, disagreement, make_source
from .models import operators

DATA = mx.sym.var("data")
TIMES = mx.sym.swapaxes(DATA, dim1=0, dim2=1)
ZEROS = mx.sym.zeros((1, 0, 4))
STATES = mx.sym.RNN(TIMES, mx.sym.var("weights"), ZEROS, ZEROS, mode="lstm", state_size=4, num_layers=1)
FIELDS = [Field("data", (3, 5, 7))]
AXES = {
    "one": {"axis": 2},
    "from_the_end": {"axis": -1, "keepdims": True},
    "several": {"axis": (1, -1)},
    "kept": {"axis": (2, 3), "keepdims": True},
    "all_but_one": {"axis": 0, "exclude": True},
    "all_but_several_kept": {"axis": (0, -1), "exclude": True, "keepdims": True},
}
NAMES = ("sum", "mean", "max", "min", "prod", "nansum", "nanprod")
PLACES = {
    "one": {"axis": 2},
    "from_the_end": {"axis": -1, "keepdims": True},
}


@pytest.mark.parametrize("options", AXES.values(), ids=AXES.keys())
@pytest.mark.parametrize("name", NAMES)
def test_axes_may_be_named_or_left_out(name: str, options: dict[str, Any]) -> None:
    """mx2onnx reads neither exclude nor, in a sum, axes of opset 13."""
    assert disagreement(getattr(mx.sym, name)(DATA, **options), FIELDS) < 1e-5


@pytest.mark.parametrize("options", [{}, {"keepdims": True}, {"axis": (0, 1, 2, 3)}])
@pytest.mark.parametrize("name", ["sum", "mean", "max", "norm"])
def test_all_axes_leave_one_entry(name: str, options: dict[str, Any]) -> None:
    whole = mx.sym.reshape(getattr(mx.sym, name)(DATA, **options), shape=(1,))
    assert disagreement(mx.sym.broadcast_mul(mx.sym.mean(DATA, axis=(2, 3)), whole), FIELDS) < 1e-4


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("length", [1, 7, 8, 9, 64, 65])
def test_the_largest_over_time_is_that_of_windows(length: int, keep: bool) -> None:
    source = make_source(mx.sym.max(STATES, axis=0, keepdims=keep), [Field("data", (-1, 3))])
    assert "MaxPool" in operators(to_onnx(source))
    data = np.random.normal(size=(2, length, 3)).astype(np.float32)
    (mine,), (other,) = answers(source, 2, {"data": data})
    assert mine.shape == other.shape
    assert np.abs(mine - other).max() < 1e-6


def test_minus_infinity_over_time_is_kept() -> None:
    """ONNX Runtime's MaxPool would make it the lowest finite number."""
    data = np.full((2, 9, 3), -np.inf, np.float32)
    data[1, 5] = 0.5
    source = make_source(mx.sym.max(TIMES, axis=0), [Field("data", (-1, 3))])
    (mine,), (other,) = answers(source, 2, {"data": data})
    assert np.array_equal(mine, other)
    assert np.array_equal(other, data.max(axis=1))


def test_integers_over_time_are_compared_as_such() -> None:
    assert disagreement(mx.sym.max(TIMES, axis=0), [Field("data", (-1, 3), "int32")]) == 0
    states = mx.sym.cast(STATES, "int32")
    assert disagreement(mx.sym.max(states, axis=0), [Field("data", (-1, 3))]) == 0


@pytest.mark.parametrize("name", ["nansum", "nanprod"])
def test_what_is_no_number_is_left_out(name: str) -> None:
    data = np.random.normal(size=(2, 3, 5, 7)).astype(np.float32)
    data[0, 1, 2] = np.nan
    assert disagreement(getattr(mx.sym, name)(DATA, axis=3), FIELDS, values={"data": data}) < 1e-5


@pytest.mark.parametrize("name", ["sum", "max", "min"])
def test_integers_stay_integers(name: str) -> None:
    assert disagreement(getattr(mx.sym, name)(DATA, axis=1), [Field("data", (3, 5), "int32")]) == 0


@pytest.mark.parametrize(
    "options",
    [{"axis": 1}, {"axis": (1, 2), "keepdims": True}, {"axis": -1, "ord": 1}, {"axis": (2, 3), "ord": 2}],
)
def test_norms(options: dict[str, Any]) -> None:
    assert disagreement(mx.sym.norm(DATA, **options), FIELDS) < 1e-5


@pytest.mark.parametrize("options", PLACES.values(), ids=PLACES.keys())
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_places_of_extremes(name: str, options: dict[str, Any]) -> None:
    assert disagreement(getattr(mx.sym, name)(DATA, **options), FIELDS) == 0
    assert disagreement(getattr(mx.sym, name)(DATA, **options), [Field("data", (3, 5, 7), "int32")]) == 0


@pytest.mark.parametrize("keep", [True, False])
def test_the_place_among_all(keep: bool) -> None:
    place = mx.sym.reshape(mx.sym.argmax(DATA, keepdims=keep), shape=(1,))
    assert disagreement(mx.sym.broadcast_add(mx.sym.mean(DATA, axis=(2, 3)), place), FIELDS) < 1e-5


def test_the_place_among_channels() -> None:
    assert disagreement(mx.sym.argmax_channel(DATA), [Field("data", (5,))]) == 0


@pytest.mark.parametrize("kind", ["value", "indices", "mask", "both"])
@pytest.mark.parametrize(
    "options",
    [{"k": 2}, {"k": 3, "axis": 1, "is_ascend": True}, {"k": 0, "axis": 2}, {"k": 2, "dtype": "int32"}],
)
def test_the_largest_of_an_axis(kind: str, options: dict[str, Any]) -> None:
    assert disagreement(mx.sym.topk(DATA, ret_typ=kind, **options), FIELDS) == 0


@pytest.mark.parametrize("options", [{}, {"axis": 1, "is_ascend": False}])
def test_order(options: dict[str, Any]) -> None:
    assert disagreement(mx.sym.sort(DATA, **options), FIELDS) == 0
    assert disagreement(mx.sym.argsort(DATA, **options), FIELDS) == 0
    assert disagreement(mx.sym.argsort(DATA, dtype="int32", **options), FIELDS) == 0


def test_running_sums() -> None:
    assert disagreement(mx.sym.cumsum(DATA, axis=2), FIELDS) < 1e-5
