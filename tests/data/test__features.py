from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gluon_ref.data import _features, _rows
from gluon_ref.errors import DataError, FitError
from gluon_ref.inputs._columns import Unseen


def rows(tmp_path: Path, header: str, *lines: str) -> _rows.Rows:
    (tmp_path / "a.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return _rows.read("table", str(tmp_path / "a.csv"))


def test_a_column_is_one_of_numbers_where_every_cell_that_is_not_missing_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_rows, "CHUNK", 2)
    found = rows(tmp_path, "x,y,z", "1,1,?", "2, ? ,NA", "3,-2e1,", "4, NaN,nan", "5,5,b", "6,6,b")
    x, y, z = _features.raw(found, ["x", "y", "z"], ())
    assert (x.cells.tolist(), x.values) == ([1, 2, 3, 4, 5, 6], ())
    np.testing.assert_array_equal(y.cells, np.array([1, np.nan, -20, np.nan, 5, 6], dtype=np.float32))
    assert (y.cells.dtype, y.values) == (np.float32, ())
    assert (z.cells.tolist(), z.values) == ([0, 0, 0, 0, 1, 1], ("", "b"))


def test_numbers_may_be_forced_to_be_categories(tmp_path: Path) -> None:
    (one,) = _features.raw(rows(tmp_path, "x", "1", "2", " 1 ", "?"), ["x"], {"x"})
    assert (one.cells.tolist(), one.values) == ([1, 2, 1, 0], ("", "1", "2"))


def test_numbers_are_no_texts_where_half_are_texts(tmp_path: Path) -> None:
    (one,) = _features.raw(rows(tmp_path, "x", "1", "b", "1", "b", "NA"), ["x"], ())
    assert one.values == ("", "1", "b")


def test_a_text_among_numbers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        _features.raw(rows(tmp_path, "x,y", "1,", "NA,", "b,", "1,", ",", ","), ["x"], ())
    assert str(caught.value).endswith(
        "a.csv, line 4: x = 'b'; expected a number, as in most rows of x; mend or empty the cell, or pass "
        "--set data.category=x or data.ignore=x"
    )


def test_columns_whose_texts_do_not_repeat_are_refused_together(tmp_path: Path) -> None:
    lines = [f"name {at},{'AB'[at % 2]} {at if at < 11 else 0},{at if at else 'A/5'},S" for at in range(20)]
    with pytest.raises(FitError) as caught:
        _features.raw(rows(tmp_path, "name,cabin,ticket,port", *lines), ["name", "cabin", "ticket", "port"], ())
    assert str(caught.value).endswith(
        "a.csv: texts in 20 rows of name (20 different values), cabin (12 different values), ticket ('A/5' in line 2, "
        "among numbers); expected numbers, or categories that repeat, 1000 at most; leave them out: "
        "--set data.ignore=name,cabin,ticket"
    )


def test_a_column_of_too_many_categories_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_features, "MOST", 3)
    lines = [f"{'abcd'[at % 4]},{'abc'[at % 3]}" for at in range(12)]
    with pytest.raises(FitError, match=r"of x \(4 different values\); .* 3 at most; .*=x$"):
        _features.raw(rows(tmp_path, "x,y", *lines), ["x", "y"], ())


def test_missing_cells_do_not_make_a_text_repeat(tmp_path: Path) -> None:
    lines = [f"C{at},1" if at < 5 else ",1" for at in range(40)]
    with pytest.raises(FitError, match=r"of x \(6 different values\)"):
        _features.raw(rows(tmp_path, "x,y", *lines), ["x"], ())


COLUMNS = [
    _features.Raw("n", np.array([1, 3, 100], dtype=np.float32)),
    _features.Raw("c", np.array([0, 2, 1], dtype=np.int32), ("p", "q", "r")),
    _features.Raw("g", np.array([np.nan, 5, 7], dtype=np.float32)),
]


def test_facts_are_those_of_the_training_part() -> None:
    facts = _features.describe("a.csv", COLUMNS, np.array([0, 1]))
    assert (facts.shape, facts.columns) == ((5,), ("n", "c", "g"))
    assert (facts.categories, facts.gaps) == (((), ("p", "r"), ()), ("g",))
    assert (facts.mean, facts.std) == ((2, 0, 0, 5, 0), (1, 1, 1, 1, 1))


def test_columns_take_the_categories_of_the_training_part() -> None:
    facts = _features.describe("a.csv", COLUMNS, np.array([0, 1]))
    unseen = Unseen()
    numbers, categories, _ = _features.trained(COLUMNS, facts, unseen)
    assert (numbers.tolist(), categories.tolist()) == ([1, 3, 100], [0, 1, -1])
    assert unseen.counts == {"c": {"q": 1}}


def test_a_column_without_a_number_is_refused() -> None:
    empty = [_features.Raw(name, np.full(3, np.nan, dtype=np.float32)) for name in "ab"]
    with pytest.raises(FitError) as caught:
        _features.describe("a.csv", [*COLUMNS, *empty], np.array([0, 1]))
    assert str(caught.value) == (
        "a.csv: no value at all in columns a, b; expected one in the training part at least; leave them out: "
        "--set data.ignore=a,b"
    )


def test_what_never_varies_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    _features.warn_constant("a.csv", COLUMNS, np.array([0, 1]))
    assert capsys.readouterr().err == ""
    _features.warn_constant("a.csv", COLUMNS, np.array([1]))
    assert capsys.readouterr().err == (
        "warning: a.csv: n is always '3', c is always 'r', g is always '5' in the training part\n"
    )
