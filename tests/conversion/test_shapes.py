"""Tests of gluon_ref.conversion.shapes."""

from __future__ import annotations

import numpy as np

from gluon_ref.backend import mx
from gluon_ref.conversion.shapes import Value, values
from gluon_ref.records import Field, Source

FLOAT = np.dtype(np.float32)


def test_axes_that_vary_are_marked_in_every_value() -> None:
    data = mx.sym.var("data")
    parts = mx.sym.split(data, num_outputs=3, axis=1, name="same")
    joined = mx.sym.concat(parts[2], mx.sym.mean(parts[0], axis=2, keepdims=True, name="same"), dim=2)
    source = Source(joined, {}, (Field("data", (6, -1)),), (Field("out", (2, -1)),), {})
    found = values(source)
    assert found[0] == [Value((-1, 6, -1), FLOAT)]
    assert found[1] == [Value((-1, 2, -1), FLOAT)] * 3
    assert [len(one) for one in found] == [1, 3, 1, 1]


def test_dtypes_are_those_of_the_inputs_and_parameters() -> None:
    symbol = mx.sym.broadcast_mul(mx.sym.cast(mx.sym.var("data"), "float16"), mx.sym.var("weight"))
    arrays = {"weight": mx.nd.ones((1, 3), dtype="float16")}
    found = values(Source(symbol, arrays, (Field("data", (3,), "int32"),), (Field("out", (3,)),), {}))
    assert [one[0].dtype.name for one in found] == ["int32", "float16", "float16", "float16"]


def test_names_are_any_text() -> None:
    """MXNet reads JSON that holds letters as they are, and no escapes of them."""
    symbol = mx.sym.relu(mx.sym.var("größe_模型"))
    assert values(Source(symbol, {}, (Field("größe_模型", (3,)),), (), {}))[1] == [Value((-1, 3), FLOAT)]
