from __future__ import annotations

import numpy as np
import pytest

from gluon_ref.errors import DataError
from gluon_ref.inputs import _columns
from gluon_ref.inputs._columns import Column, Unseen
from gluon_ref.records import Facts

NAN = float("nan")
# A number, two categories or none, a number that may be missing, and a third category that is a missing cell.
MIXED = Facts(
    "vector",
    "label",
    (8,),
    labels=("u", "v"),
    columns=("n", "c", "g", "d"),
    categories=((), ("p", "q"), (), ("", "r", "s")),
    gaps=("g",),
    mean=(1.0, 0.0, 0.0, 2.5, 0.0, 0.0, 0.0, 0.0),
    std=(2.0, 1.0, 1.0, 3.0, 1.0, 1.0, 1.0, 1.0),
)
CELLS = [["7", "-1e2"], ["q", " p "], ["NA", "4"], ["?", "s"]]
ROWS = [[7, 0, 1, 2.5, 1, 1, 0, 0], [-100, 1, 0, 4, 0, 0, 0, 1]]


def place(at: int) -> str:
    return f"row {at}"


def test_columns_stand_one_after_another() -> None:
    assert _columns.columns(MIXED) == (
        Column("n", 0),
        Column("c", 1, ("p", "q")),
        Column("g", 3, gap=True),
        Column("d", 5, ("", "r", "s")),
    )
    assert [column.width for column in _columns.columns(MIXED)] == [1, 2, 2, 3]
    assert _columns.columns(Facts("vector", "value", (2,))) == (Column("column 1", 0), Column("column 2", 1))


def test_cells_become_features_and_cells_again() -> None:
    unseen = Unseen()
    features = _columns.encode(_columns.parse(CELLS, MIXED, place, unseen), MIXED)
    assert (features.tolist(), features.dtype, unseen.counts) == (ROWS, np.float32, {})
    assert [_columns.decode(row, MIXED) for row in features] == [["7.0", "q", "", ""], ["-100.0", "p", "4.0", "s"]]


@pytest.mark.parametrize(
    "cell", ["", " ", "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", " NA "]
)
def test_every_spelling_of_a_missing_cell_is_one(cell: str) -> None:
    assert _columns.clean(cell) == ""
    assert np.isnan(_columns.floats(["1", cell])).tolist() == [False, True]


@pytest.mark.parametrize("cell", ["-", "None", "na", "0", "unknown"])
def test_other_cells_are_not_missing(cell: str) -> None:
    assert _columns.clean(cell) == cell


def test_numbers_are_rounded_once() -> None:
    cells = ["0.1", " 1e1 ", "16777217", "-0", "3.4028234e38"]
    found = _columns.numbers(cells, "n", place, gap=False)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.array([float(cell) for cell in cells], dtype=np.float32))


@pytest.mark.parametrize(
    ("cell", "gap", "trained", "expected"),
    [
        ("x", False, False, "a number"),
        ("x", True, False, "a number"),
        ("x", True, True, "a number, or nothing, as in training"),
        ("x", False, True, "a number, as training has in this column"),
        ("", False, False, "a number"),
        ("nan", False, True, "a number, as training has none missing in this column"),
        ("inf", True, True, "a number, or nothing, as in training"),
        ("-1e39", False, True, "a number, as training has in this column"),
    ],
)
def test_what_is_no_number_is_refused(cell: str, gap: bool, trained: bool, expected: str) -> None:
    with pytest.raises(DataError) as caught:
        _columns.numbers(["1", cell, "z", ""] if cell == "x" else ["1", cell], "n", place, gap=gap, trained=trained)
    assert str(caught.value) == f"row 1: n = '{cell}'; expected {expected}; mend the cell or leave the row out"


def test_the_different_cells_of_a_column_are_counted_across_pieces() -> None:
    places, cells = _columns.distinct([["b", "a"], ["a", "c", "b"]])
    assert (places.tolist(), cells, places.dtype) == ([0, 1, 1, 2, 0], ["b", "a", "c"], np.int32)
    assert _columns.distinct([])[0].tolist() == []


def test_a_category_training_has_not_counts_as_none_and_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    unseen = Unseen()
    cells = [["7"] * 3, ["P", "p", ""], ["4"] * 3, ["r", "t", "t"]]
    features = _columns.encode(_columns.parse(cells, MIXED, place, unseen), MIXED)
    assert features[:, 1:3].tolist() == [[0, 0], [1, 0], [0, 0]]
    assert features[:, 5:].tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]
    unseen.tell("here")
    assert capsys.readouterr().err == (
        "warning: here: categories that training has not: c 'P' (1 rows), '' (1 rows); d 't' (2 rows); "
        "such cells count as none\n"
    )
    assert _columns.decode(features[1], MIXED) == ["7.0", "p", "4.0", "(unseen)"]


def test_only_the_first_of_many_unseen_categories_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    unseen = Unseen()
    unseen.tell("here")
    assert capsys.readouterr().err == ""
    unseen.add("c", [*"abcdefg", "g" * 50, "g" * 50])
    unseen.tell("here")
    assert f" c {'g' * 40!r} (2 rows), 'a' (1 rows), 'b' (1 rows), 'c' (1 rows), 'd' (1 rows) and 3 more; " in (
        capsys.readouterr().err
    )


def test_made_up_rows_hold_one_category_or_none_and_gaps(random: np.random.RandomState) -> None:
    rows = np.full((200, 8), 9, dtype=np.float32)
    _columns.imagine(rows, MIXED, random)
    assert rows[0].tolist() == [9, 0, 0, 9, 0, 0, 0, 0]
    assert {tuple(row) for row in rows[:, 1:3].tolist()} == {(0, 0), (1, 0), (0, 1)}
    assert {tuple(row) for row in rows[:, 3:5].tolist()} == {(9, 0), (2.5, 1)}
    assert {tuple(row) for row in rows[:, 5:].tolist()} == {(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)}
    assert (rows[:, 0] == 9).all()
    for _ in range(20):
        _columns.imagine(rows, MIXED, random)
        assert rows[0, 4] == 0
