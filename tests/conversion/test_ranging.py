"""Tests of gluon_ref.conversion.ranging: numbers in order, and arrays filled alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.records import Field

from .agreement import disagreement

DATA = mx.sym.var("data")
ROWS = {
    "counted": mx.sym.arange(0, 5),
    "from_to_by": mx.sym.arange(1, 4, step=0.6, dtype="float32"),
    "down": mx.sym.arange(5, 0, step=-1),
    "between": mx.sym.linspace(1, 3, 5),
    "between_without_the_last": mx.sym.linspace(1, 3, 5, endpoint=False),
}
LIKE = {
    "of_all": mx.sym.contrib.arange_like(DATA, start=2, step=0.5),
    "of_an_axis": mx.sym.contrib.arange_like(DATA, axis=-1),
    "of_an_axis_repeated": mx.sym.contrib.arange_like(DATA, axis=2, repeat=2),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_constant_rows(row: Any) -> None:
    assert disagreement(mx.sym.broadcast_add(DATA, mx.sym.reshape(row, shape=(1, -1))), [Field("data", (5,))]) < 1e-6


def test_a_repeated_row_and_a_matrix() -> None:
    row = mx.sym.reshape(mx.sym.arange(3, repeat=2), shape=(1, 6))
    assert disagreement(mx.sym.broadcast_add(DATA, row), [Field("data", (6,))]) < 1e-6
    matrix = mx.sym.eye(3, 4, k=1)
    assert disagreement(mx.sym.dot(DATA, matrix), [Field("data", (3,))]) < 1e-6


@pytest.mark.parametrize("row", LIKE.values(), ids=LIKE.keys())
@pytest.mark.parametrize("shape", [(3, 4), (3, -1)])
def test_as_many_numbers_as_an_array_has(row: Any, shape: tuple[int, ...]) -> None:
    values = {"data": np.random.normal(size=(2, 3, 4)).astype(np.float32)}
    assert disagreement(mx.sym.broadcast_add(DATA, row), [Field("data", shape)], values=values) < 1e-6


@pytest.mark.parametrize("name", ["zeros_like", "ones_like"])
@pytest.mark.parametrize("kind", ["float32", "int32"])
def test_arrays_of_one_number(name: str, kind: str) -> None:
    assert disagreement(getattr(mx.sym, name)(DATA), [Field("data", (3, -1), kind)]) == 0
