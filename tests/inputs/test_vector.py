from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest

from gluon_ref.errors import DataError, FitError, PathError
from gluon_ref.inputs import _columns, vector
from gluon_ref.inputs._columns import Unseen
from gluon_ref.records import Facts, Field
from tests.conftest import VECTOR

from .test__columns import MIXED

ROW = "1,2,3,4,5"
SWAPPED = "x,w,v,name,y,z\n3,2,1,ann,4,5\n\n30,20,10,bob,40,50\n"


def read(*requests: str) -> list[tuple[str, list[float]]]:
    return [(name, row.tolist()) for name, row in vector.read(requests, VECTOR)]


def test_the_network_takes_one_array_of_rows() -> None:
    assert vector.fields(VECTOR) == (Field("data", (5,), "float32"),)
    (array,) = vector.collate(np.ones((3, 5), dtype=np.float64), VECTOR)
    assert (array.shape, array.dtype) == ((3, 5), np.float32)


def test_a_row_may_be_typed() -> None:
    assert read(ROW, " 1e1, -2,3,4,.5") == [
        ("1,2,3,4,5", [1, 2, 3, 4, 5]),
        (" 1e1, -2,3,4,.5", [10, -2, 3, 4, 0.5]),
    ]


def test_a_typed_row_of_another_width_is_refused() -> None:
    with pytest.raises(DataError, match="row 1,2,3,4, line 1: 4 values; expected 5: v, w, x, y, z; give every column"):
        read("1,2,3,4")


def test_a_file_without_header_holds_the_columns_in_order(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"{ROW}\n{ROW}\n")
    assert read(str(path)) == [(f"{path}, line 1", [1, 2, 3, 4, 5]), (f"{path}, line 2", [1, 2, 3, 4, 5])]


def test_a_header_lets_the_columns_stand_in_any_order_among_others(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\ufeff" + SWAPPED, encoding="utf-8")
    assert read(str(path)) == [(f"{path}, line 2", [1, 2, 3, 4, 5]), (f"{path}, line 4", [10, 20, 30, 40, 50])]


def test_a_dash_stands_for_the_lines_of_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(SWAPPED))
    assert [row for _, row in read("-", ROW)] == [[1, 2, 3, 4, 5], [10, 20, 30, 40, 50], [1, 2, 3, 4, 5]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3,4", "rows.csv, line 1: 4 values; expected 5: v, w, x, y, z; give every column, or a header line"),
        ("1,2,3,4,5,6", "rows.csv, line 1: 6 values; expected 5: v, w, x, y, z; "),
        ("v,w,x,y,z\n1,2,3,4", "rows.csv, line 2: 4 values; expected 5: v, w, x, y, z; "),
        ("w,v,x,y,z,name\n1,2,3,4,5", "rows.csv, line 2: 5 values; expected 6: w, v, x, y, z, name; "),
        ("1,2,3,4,", "rows.csv, line 1: z = ''; expected a number, as training has none missing in this column"),
        ("1,2,three,4,5", "rows.csv, line 1: x = 'three'; expected a number"),
        ("1,2,3,4,nan", "rows.csv, line 1: z = 'nan'; expected a number"),
        ("inf,2,3,4,5", "rows.csv, line 1: v = 'inf'; expected a number"),
    ],
)
def test_a_row_without_the_needed_numbers_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "rows.csv").write_text(text)
    with pytest.raises(DataError) as caught:
        read(str(tmp_path / "rows.csv"))
    assert message in str(caught.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe1,2"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "rows.csv"
    if content:
        path.write_bytes(content)
    with pytest.raises(PathError) as caught:
        read(str(path))
    assert str(caught.value).startswith(f"predict: {path} cannot be read (")
    assert str(caught.value).endswith(
        "; expected a CSV file in UTF-8, a row of 5 numbers with commas, or -; check the path"
    )


def test_a_written_row_is_read_back_bit_for_bit(tmp_path: Path) -> None:
    row = np.array([0.1, -1e-30, 3e30, 4, 1 / 3], dtype=np.float32)
    vector.write(row, VECTOR, tmp_path / f"row{vector.SUFFIX}")
    ((_, found),) = vector.read([str(tmp_path / "row.csv")], VECTOR)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, row)


def test_made_up_rows_lie_around_the_means_but_for_the_first(random: np.random.RandomState) -> None:
    rows = vector.imagine(VECTOR, 7, random)
    assert (rows.shape, rows.dtype) == ((7, 5), np.float32)
    assert rows[0].tolist() == [201] * 5  # mean 1, deviation 2
    assert abs(rows[1:] - 1).max() < 20


def test_input_without_a_row_is_said() -> None:
    with pytest.raises(DataError, match=r"here: no rows; expected a row of 5 cells"):
        list(vector.rows(["v,w,x,y,z"], "here", VECTOR, Unseen()))


def test_a_field_no_table_has_is_said() -> None:
    with pytest.raises(DataError, match=r"here: not CSV \(field larger than field limit"):
        list(vector.rows(["1" * 20_000_000], "here", VECTOR, Unseen()))


def test_rows_of_categories_and_gaps_are_raw_cells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rows.tsv"
    path.write_text("d\tc\tn\tmore\tg\n\tq\t7\tx\tNA\ns\tt\t-3\tx\t4\n", encoding="utf-8")
    found = [(name, row.tolist()) for name, row in vector.read([str(path), "5, p ,?,u"], MIXED)]
    assert found == [
        (f"{path}, line 2", [7, 0, 1, 2.5, 1, 1, 0, 0]),
        (f"{path}, line 3", [-3, 0, 0, 4, 0, 0, 0, 1]),
        ("5, p ,?,u", [5, 1, 0, 2.5, 1, 0, 0, 0]),
    ]
    assert capsys.readouterr().err == (
        "warning: predict: categories that training has not: c 't' (1 rows); d 'u' (1 rows); such cells count as none\n"
    )


def test_many_rows_are_encoded_in_groups_but_told_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector, "CHUNK", 2)
    lines = [f"{at},p,{'' if at % 2 else at},r\n" for at in range(5)]
    found = list(vector.rows(lines, "here", MIXED, Unseen()))
    assert [place for place, _ in found] == [f"here, line {at + 1}" for at in range(5)]
    assert [row[0] for _, row in found] == [0, 1, 2, 3, 4]
    assert [row[4] for _, row in found] == [0, 1, 0, 1, 0]
    with pytest.raises(DataError, match=r"here, line 6: n = 'x'; expected a number, as training has in this column"):
        list(vector.rows([*lines, "x,p,1,r"], "here", MIXED, Unseen()))


def test_a_header_that_lacks_a_column_is_refused() -> None:
    with pytest.raises(DataError, match="here: a header without d; expected every column; add it"):
        list(vector.rows(["n,c,g,dd", "1,p,2,r"], "here", MIXED, Unseen()))


def test_a_header_that_names_a_column_twice_is_refused() -> None:
    with pytest.raises(DataError, match="here: a header with c twice; expected each column once; take one out"):
        list(vector.rows(["n,c,g,d,c,more,more", "1,p,2,r,q,0,0"], "here", MIXED, Unseen()))


def test_a_missing_file_of_cells_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PathError, match="; expected a CSV file in UTF-8, a row of 4 cells with commas, or -; check"):
        list(vector.read([str(tmp_path / "none.csv")], MIXED))


def test_a_written_row_of_categories_is_raw_and_read_back(tmp_path: Path) -> None:
    row = np.array([0.1, 0, 1, 2.5, 1, 1, 0, 0], dtype=np.float32)
    vector.write(row, MIXED, tmp_path / "row.csv")
    assert (tmp_path / "row.csv").read_text().splitlines() == ["n,c,g,d", "0.10000000149011612,q,,"]
    ((_, found),) = vector.read([str(tmp_path / "row.csv")], MIXED)
    np.testing.assert_array_equal(found, row)


def test_made_up_rows_of_categories_are_such_as_encode_makes(random: np.random.RandomState) -> None:
    rows = vector.imagine(MIXED, 50, random)
    cells = list(zip(*(_columns.decode(row, MIXED) for row in rows)))
    np.testing.assert_array_equal(_columns.encode(_columns.parse(cells, MIXED, str, Unseen()), MIXED), rows)
    assert rows[0].tolist() == [201, 0, 0, 302.5, 0, 0, 0, 0]


def test_rows_are_read_where_the_facts_name_no_columns() -> None:
    bare = Facts("vector", "value", (2,), mean=(0.0, 0.0), std=(1.0, 1.0))
    assert [row.tolist() for _, row in vector.rows(["1,2"], "here", bare, Unseen())] == [[1, 2]]


def test_a_network_whose_data_names_no_columns_reads_no_rows() -> None:
    bare = Facts("vector", "label", (2,), labels=("a", "b"))
    with pytest.raises(FitError, match=r"predict: a network whose data names no columns; expected columns to find"):
        list(vector.read(["1,2"], bare))
