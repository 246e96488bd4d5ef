from __future__ import annotations

from pathlib import Path

import pytest

from gluon_ref.data import _rows
from gluon_ref.errors import DataError, FitError, GluonRefError, PathError, RequestError, UnknownNameError


def rows(tmp_path: Path, text: str, name: str = "a.csv") -> _rows.Rows:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    return _rows.read("table", str(path))


def test_a_csv_file_is_a_header_and_rows_with_their_line_numbers(tmp_path: Path) -> None:
    found = rows(tmp_path, '\ufeffname , size\r\n"a\nb",3\r\n\r\n"c,d",5')
    assert (found.header, found.rows, found.lines) == (["name", "size"], [["a\nb", "3"], ["c,d", "5"]], [3, 5])
    assert found.column("size") == ["3", "5"]


def test_a_file_ending_in_tsv_has_tabs_between_its_cells(tmp_path: Path) -> None:
    assert rows(tmp_path, "name\tsize\na,b\t3\n", "a.tsv").rows == [["a,b", "3"]]


def test_a_text_may_be_longer_than_the_csv_module_allows_by_itself(tmp_path: Path) -> None:
    assert len(rows(tmp_path, "name\n" + "a" * 200_000 + "\n").rows[0][0]) == 200_000


def test_a_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"a.csv: column: unknown name 'sise'; expected one of name, size; did"):
        rows(tmp_path, "name,size\na,3\n").column("sise")


BAD_TEXTS = [
    ("", "a.csv: 0 rows; expected a header and at least one row; check the file"),
    ("name,size\n", "a.csv: 1 rows; expected a header and at least one row"),
    ("name,name\na,3\n", "a.csv: header name,name; expected a name for each column, each once; mend the first line"),
    ("name,\na,3\n", "a.csv: header name,; expected a name for each column"),
    ("name,size\na,3\n\nb\n", "a.csv, line 4: 1 cells; expected 2, as in the header; mend the line"),
    ("name,size\na,3,5\n", "a.csv, line 2: 3 cells; expected 2, as in the header"),
    ('name,size\n"a,3\n', "; expected rows with matching quotation marks; mend the line"),
]


@pytest.mark.parametrize(("text", "message"), BAD_TEXTS)
def test_a_text_that_is_no_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        rows(tmp_path, text)
    assert message in str(caught.value)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("name\né".encode("latin-1"))
    with pytest.raises(DataError, match=r"a.csv: bytes that are not UTF-8; expected a text file in UTF-8; save it as"):
        _rows.read("table", str(tmp_path / "a.csv"))


def test_a_file_must_be_named_and_be_there(tmp_path: Path) -> None:
    with pytest.raises(
        RequestError, match=r"data table: no file; expected a CSV or TSV file with a header; pass --data t"
    ):
        _rows.read("table", "")
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(PathError, match=r"data table: .* cannot be read \(.*; expected a readable CSV or TSV file"):
            _rows.read("table", str(path))


@pytest.mark.parametrize(
    ("cells", "names", "targets"),
    [
        (["b", "a", " b "], ("a", "b"), [1, 0, 1]),
        (["10", "9", "-3", "9"], ("-3", "9", "10"), [2, 1, 0, 1]),
        (["10", "x", "9", "x"], ("9", "10", "x"), [1, 2, 0, 2]),
        (["a", "b"], ("a", "b"), [0, 1]),
    ],
)
def test_labels_are_sorted_as_numbers_where_they_are(
    tmp_path: Path, cells: list[str], names: tuple[str, ...], targets: list[int]
) -> None:
    found = rows(tmp_path, "kind\n" + "\n".join(cells) + "\n")
    assert _rows.labels(found, "kind")[0] == names
    assert _rows.labels(found, "kind")[1].tolist() == targets
    assert _rows.known(found, "kind", names).tolist() == targets


@pytest.mark.parametrize(
    ("cells", "kind", "message"),
    [
        (
            ["a,1", " ,2"],
            DataError,
            "a.csv, line 3: no kind; expected a label in each row; fill it in or leave the row",
        ),
        (["a,1", "a,2"], FitError, "a.csv: one class only, kind=a; expected at least two classes; name another column"),
        (
            ["a,1", "b,2", "c,3"],
            FitError,
            "a.csv: kind has 3 different labels in 3 rows; expected classes that repeat",
        ),
    ],
)
def test_a_column_that_holds_no_classes_is_refused(
    tmp_path: Path, cells: list[str], kind: type[GluonRefError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        _rows.labels(rows(tmp_path, "kind,size\n" + "\n".join(cells) + "\n"), "kind")
    assert message in str(caught.value)


def test_a_label_the_training_part_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"a.csv, line 3: kind = 'c'; expected a label of the training part: a, b; leave"
    ):
        _rows.known(rows(tmp_path, "kind\na\nc\n"), "kind", ("a", "b"))
