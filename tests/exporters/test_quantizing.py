from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.errors import OptionError
from gluon_ref.exporters._quantizing import MOST_BYTES, batches
from gluon_ref.records import Field, Source

SOURCE = Source(mx.sym.var("data"), {}, (Field("data", (2, -1)), Field("length", (), "int32")), (), {})


def given(count: int, *shape: int) -> tuple[np.ndarray, np.ndarray]:
    return np.ones((count, *shape)), np.ones(count)


def test_samples_have_the_names_and_types_of_the_inputs() -> None:
    (batch,) = batches("here", dataclasses.replace(SOURCE, calibration=[given(3, 2, 5)]))
    assert {name: (array.dtype.name, array.shape) for name, array in batch.items()} == {
        "data": ("float32", (3, 2, 5)),
        "length": ("int32", (3,)),
    }


def fixed(data: int, length: int) -> Source:
    """The same, taking but these numbers of rows; 0 for any."""
    rows = {"data": data, "length": length}
    inputs = tuple(dataclasses.replace(field, batch=rows[field.name]) for field in SOURCE.inputs)
    return dataclasses.replace(SOURCE, inputs=inputs)


def test_batches_of_a_fixed_size_drop_what_is_left_over() -> None:
    source = dataclasses.replace(fixed(3, 3), calibration=[given(7, 2, 5), given(2, 2, 1)])
    assert [len(one["length"]) for one in batches("here", source)] == [3, 3]


def test_an_input_with_rows_of_its_own_stands_beside_a_free_batch() -> None:
    source = dataclasses.replace(fixed(0, 2), calibration=[(np.ones((5, 2, 7)), np.ones(4))])
    assert [{name: len(array) for name, array in one.items()} for one in batches("here", source)] == [
        {"data": 5, "length": 2}
    ]


def test_large_samples_go_in_small_batches() -> None:
    source = dataclasses.replace(SOURCE, calibration=[given(5, 2, MOST_BYTES // 17)])
    assert [len(one["length"]) for one in batches("here", source)] == [2, 2, 1]


def broken(value: float) -> tuple[np.ndarray, np.ndarray]:
    data, length = given(3, 2, 5)
    data[1, 1, 4] = value
    return data, length


@pytest.mark.parametrize(
    ("arrays", "batch", "told"),
    [
        (given(3, 3, 5), 0, "an array 3x3x5 for data; expected batchx2xany"),
        (given(3, 2), 0, "an array 3x2 for data; expected batchx2xany"),
        (given(3, 2, 0), 0, "an array 3x2x0 for data; expected batchx2xany"),
        (given(3, 2, 5)[:1], 0, "no array for length; expected batch"),
        (broken(np.nan), 0, "NaN or infinity in samples of data; expected finite numbers"),
        (broken(np.inf), 0, "NaN or infinity in samples of data; expected finite numbers"),
        (given(3, 2, 5), 4, "fewer samples than a batch; expected 4 or more"),
    ],
)
def test_samples_of_another_kind_are_refused(arrays: tuple[np.ndarray, ...], batch: int, told: str) -> None:
    with pytest.raises(OptionError) as caught:
        batches("here", dataclasses.replace(fixed(batch, batch), calibration=[arrays]))
    assert str(caught.value).startswith(f"here: {told}; pass --calibration FILE.npz")
