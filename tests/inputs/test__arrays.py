"""numpy's files as inputs: what no input can hold is refused, not wrapped or cut."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from gluon_ref.errors import DataError, PathError
from gluon_ref.inputs._arrays import load
from gluon_ref.records import Field

LOST = [
    (np.array([[1e300]]), "float32", "x has 1e\\+300; expected numbers of float32"),
    (np.array([[70000.0]]), "float16", "x has 70000.0; expected numbers of float16"),
    (np.array([[300]]), "uint8", "x has 300; expected numbers of uint8"),
    (np.array([[-1]]), "uint8", "x has -1; expected numbers of uint8"),
    (np.array([[2**40]]), "int32", "x has 1099511627776; expected numbers of int32"),
]


@pytest.mark.parametrize(("array", "dtype", "told"), LOST)
def test_numbers_that_the_input_cannot_hold_are_refused(
    array: np.ndarray, dtype: str, told: str, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(DataError, match=told):
        load(tmp_path / "x.npy", [Field("x", (1,), dtype)], "predict")


def test_numbers_that_it_can_hold_are_taken_in_its_dtype(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.array([[1e5, np.nan]]), y=np.array([[255]]))
    found = load(tmp_path / "x.npz", [Field("x", (2,)), Field("y", (1,), "uint8")], "predict")
    assert [one.dtype for one in found] == [np.float32, np.uint8]
    np.testing.assert_array_equal(found[0], np.float32([[1e5, np.nan]]))


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.npy")
    with pytest.raises(PathError, match=r"x.npy: a pipe or a device; expected a file on a disk"):
        load(tmp_path / "x.npy", [Field("x", (1,))], "predict")
