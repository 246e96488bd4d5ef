"""Tests of gluon_ref.conversion.arithmetic: one array, two, an array and a number; floats and integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.conversion.arithmetic import BINARY, SCALAR, UNARY
from gluon_ref.records import Field

from .agreement import disagreement

DATA, OTHER = mx.sym.var("data"), mx.sym.var("other")
KINDS = ("float32", "int32", "int64")
# What they take: numbers between -1 and 1, or above 0, or above 1.
WITHIN, ABOVE = ("arccos", "arcsin", "arctanh"), ("arccosh",)
MORE = ("square", "rsqrt", "cbrt", "rcbrt", "log2", "log10", "log1p", "expm1", "degrees", "radians", "logical_not")
ROUNDED = ("round", "rint", "fix", "trunc", "ceil", "floor", "sign")
HALVES = np.array([[-2.5, -1.5, -0.7, -0.5, -0.2, 0, 0.3, 0.5, 0.49999997, 0.8, 1.5, 2.5]], np.float32)


def _values(name: str, shape: tuple[int, ...] = (2, 3)) -> np.ndarray:
    drawn = np.random.uniform(0.05, 0.95, size=shape).astype(np.float32)
    return drawn + 1 if name in ABOVE else drawn


def _operator(name: str) -> Any:
    return getattr(mx.sym, name, None) or getattr(mx.sym._internal, name)


@pytest.mark.parametrize("name", [*UNARY, *MORE])
def test_of_one_array(name: str) -> None:
    assert disagreement(_operator(name)(DATA), [Field("data", (3,))], values={"data": _values(name)}) < 1e-5


@pytest.mark.parametrize("name", ROUNDED)
def test_rounding_takes_halves_as_mxnet_does(name: str) -> None:
    """ONNX's Round takes them to the even number."""
    assert disagreement(_operator(name)(DATA), [Field("data", (12,))], values={"data": HALVES}) == 0


@pytest.mark.parametrize("name", ["abs", "negative", "sign", "square"])
def test_of_one_array_of_integers(name: str) -> None:
    values = {"data": np.array([[-3, 0, 4]], np.int32)}
    assert disagreement(_operator(name)(DATA), [Field("data", (3,), "int32")], values=values) == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", BINARY)
def test_of_two_arrays(name: str, kind: str) -> None:
    if kind != "float32" and name in ("power", "hypot"):
        pytest.skip("MXNet takes them for floats")
    values = {
        "data": np.array([[[3], [5], [0]], [[2], [-7], [2]]], kind),
        "other": np.array([[[2, 4]], [[3, -2]]], kind),
    }
    fields = [Field("data", (3, 1), kind), Field("other", (1, 2), kind)]
    assert disagreement(getattr(mx.sym, f"broadcast_{name}")(DATA, OTHER), fields, values=values) < 1e-5


def test_the_rest_of_a_division_by_zero_is_zero() -> None:
    values = {"data": np.array([[3.5, -3.5, 1]], np.float32), "other": np.array([[2, 2, 0]], np.float32)}
    fields = [Field("data", (3,)), Field("other", (3,))]
    assert disagreement(mx.sym.broadcast_mod(DATA, OTHER), fields, values=values) < 1e-6


@pytest.mark.parametrize("name", ["elemwise_add", "elemwise_sub", "elemwise_mul", "elemwise_div", "_maximum", "_equal"])
@pytest.mark.parametrize("kind", [*KINDS, "uint8"])
def test_of_two_arrays_of_one_shape(name: str, kind: str) -> None:
    values = {"data": np.array([[3, 5, 0]], kind), "other": np.array([[2, 4, 1]], kind)}
    fields = [Field("data", (3,), kind), Field("other", (3,), kind)]
    assert disagreement(_operator(name)(DATA, OTHER), fields, values=values) < 1e-6


@pytest.mark.parametrize("number", [2.0, -3.0])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SCALAR)
def test_of_an_array_and_a_number(name: str, kind: str, number: float) -> None:
    """mx2onnx tells by a node's name whether the number comes first, and writes a node that is none."""
    if kind != "float32" and ("power" in name or "hypot" in name):
        pytest.skip("MXNet takes them for floats")
    values = {"data": np.array([[4, 5, 3, 2]], kind)}
    symbol = _operator(name)(DATA, scalar=number, name="step")
    assert disagreement(symbol, [Field("data", (4,), kind)], values=values) < 1e-5


def test_a_parameter_and_a_number() -> None:
    symbol = mx.sym.broadcast_mul(DATA, 3.0 - mx.sym.var("w"))
    assert disagreement(symbol, [Field("data", (3,))], {"w": np.ones((1, 3), np.float32) * 0.3}) < 1e-6


@pytest.mark.parametrize("bounds", [(-0.5, 1.0), (0.0, 3e38)])
@pytest.mark.parametrize("kind", ["float32", "int32"])
def test_clip(bounds: tuple[float, float], kind: str) -> None:
    assert disagreement(mx.sym.clip(DATA, *bounds), [Field("data", (3, 5), kind)]) == 0


@pytest.mark.parametrize("kind", ["float16", "float64", "int32", "int64", "uint8", "int8"])
def test_cast(kind: str) -> None:
    values = {"data": np.array([[0.4, 1.6, 3.0]], np.float32)}
    assert disagreement(mx.sym.cast(DATA, kind), [Field("data", (3,))], values=values) < 1e-6


@pytest.mark.parametrize("shape", [(), (3, 5)])
def test_a_choice_between_two_arrays(shape: tuple[int, ...]) -> None:
    """A condition of one axis chooses rows, which mx2onnx spreads along the last axis."""
    symbol = mx.sym.where(mx.sym.var("choice") > 2, DATA, OTHER)
    fields = [Field("choice", shape), Field("data", (3, 5)), Field("other", (3, 5))]
    assert disagreement(symbol, fields) == 0


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("kind", ["float32", "int32"])
def test_a_sum_of_several_arrays(count: int, kind: str) -> None:
    names = ("data", "other", "third")[:count]
    symbol = mx.sym.add_n(*(mx.sym.var(name) for name in names))
    assert disagreement(symbol, [Field(name, (3,), kind) for name in names]) < 1e-6


@pytest.mark.parametrize("options", [{}, {"on_value": 3, "off_value": -1, "dtype": "int32"}])
@pytest.mark.parametrize("kind", ["float32", "int32"])
def test_rows_for_indices(options: dict[str, Any], kind: str) -> None:
    """An index out of range gives a row of zeros, where ONNX's OneHot counts from the back."""
    values = {"data": np.array([[0, 3, -1], [4, 9, 2]], kind)}
    assert disagreement(mx.sym.one_hot(DATA, depth=5, **options), [Field("data", (3,), kind)], values=values) == 0


@pytest.mark.parametrize(
    "symbol",
    [mx.sym.hard_sigmoid(DATA, alpha=0.3, beta=0.4), mx.sym.smooth_l1(DATA * 2, scalar=1.5)],
    ids=["hard", "l1"],
)
def test_functions_with_options(symbol: Any) -> None:
    assert disagreement(symbol, [Field("data", (3, 5))]) < 1e-6
