from __future__ import annotations

import os
from pathlib import Path

import pytest

from gluon_ref.data import _rows
from gluon_ref.data._rows import Layout
from gluon_ref.errors import DataError, PathError, RequestError, UnknownNameError


def rows(tmp_path: Path, text: str, name: str = "a.csv", **layout: object) -> _rows.Rows:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    return _rows.read("table", str(path), Layout(**layout))


def cells(found: _rows.Rows) -> list[list[str]]:
    return [list(row) for row in zip(*(found.column(name) for name in found.header))]


def test_a_csv_file_is_a_header_and_rows_with_their_line_numbers(tmp_path: Path) -> None:
    found = rows(tmp_path, '\ufeffname , size\r\n"a\nb",3\r\n\r\n"c,d",5')
    assert (found.header, cells(found), found.lines.tolist()) == (
        ["name", "size"],
        [["a\nb", "3"], ["c,d", "5"]],
        [3, 5],
    )
    assert (len(found), found.place(1), found.place(0, base=1)) == (2, *[f"{tmp_path / 'a.csv'}, line 5"] * 2)


def test_rows_are_packed_in_chunks_that_keep_empty_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_rows, "CHUNK", 2)
    found = rows(tmp_path, "x,y\n" + "".join(f"{at},\n" for at in range(5)))
    assert list(found.pieces("x")) == [["0", "1"], ["2", "3"], ["4"]]
    assert (found.column("y"), found.lines.tolist()) == ([""] * 5, [2, 3, 4, 5, 6])


@pytest.mark.parametrize(
    ("text", "name", "layout", "expected"),
    [
        ("name\tsize\na,b\t3\n", "a.tsv", {}, [["a,b", "3"]]),
        ("name\tsize\na,b\t3\n", "a.TSV", {}, [["a,b", "3"]]),
        ("name\tsize\na,b\t3\n", "a.txt", {"separator": "tab"}, [["a,b", "3"]]),
        ("name;size\na,b;3\n", "a.csv", {"separator": "semicolon"}, [["a,b", "3"]]),
        ("name,size\na,3\n", "a.tsv", {"separator": "comma"}, [["a", "3"]]),
        ("  x   y\n\n 1\t 2 \n", "a.csv", {"separator": "space"}, [["1", "2"]]),
        ('name,size\n"a",3\'\n', "a.csv", {"quoting": False}, [['"a"', "3'"]]),
        ('name,size\n"a,3\n', "a.csv", {"quoting": False}, [['"a', "3"]]),
        ("a,3\nb,5\n", "a.csv", {"header": False}, [["a", "3"], ["b", "5"]]),
        ('label text\n3 to "be or\r\n', "a.csv", {"separator": "space", "rest": 2}, [["3", 'to "be or']]),
        (
            "3 to be or\n5 not\n",
            "a",
            {"separator": "space", "rest": 2, "header": False},
            [["3", "to be or"], ["5", "not"]],
        ),
    ],
)
def test_the_layout_says_how_a_file_is_cut(
    tmp_path: Path, text: str, name: str, layout: dict[str, object], expected: list[list[str]]
) -> None:
    assert cells(rows(tmp_path, text, name, **layout)) == expected


def test_a_text_may_be_longer_than_the_csv_module_allows_by_itself(tmp_path: Path) -> None:
    assert len(rows(tmp_path, "name\n" + "a" * 200_000 + "\n").column("name")[0]) == 200_000


def test_a_column_is_found_by_name_before_position(tmp_path: Path) -> None:
    found = rows(tmp_path, "size,3,2\na,b,c\n")
    assert [found.name(given) for given in ("size", "1", "2", "3")] == ["size", "size", "2", "3"]
    assert [found.column(found.name(given)) for given in ("2", "3")] == [["c"], ["b"]]
    bare = rows(tmp_path, "a,b\n", header=False)
    assert (bare.header, bare.name("2")) == (["column 1", "column 2"], "column 2")


@pytest.mark.parametrize(
    ("text", "layout", "name", "message"),
    [
        (
            "name,size\na,3\n",
            {},
            "sise",
            "a.csv: column: unknown name 'sise'; expected one of name, size; did you mean",
        ),
        ("name,size\na,3\n", {}, "0", "name one of these, or pass --set data.header=false if the first line is a row"),
        ("name,size\na,3\n", {}, "3", "unknown name '3'"),
        ("name,size\na,3\n", {}, "²", "unknown name '²'"),
        ("a,3\n", {"header": False}, "label", "expected one of column 1, column 2; give a position, 1 to 2"),
        ("name;size\na;3\n", {}, "label", "pass --set data.separator=semicolon if that stands between the cells"),
        ("name\tsize\na\t3\n", {}, "label", "pass --set data.separator=tab if that"),
    ],
)
def test_a_column_that_is_not_there_is_refused(
    tmp_path: Path, text: str, layout: dict[str, object], name: str, message: str
) -> None:
    with pytest.raises(UnknownNameError) as caught:
        rows(tmp_path, text, **layout).name(name)
    assert message in str(caught.value)


BAD_TEXTS = [
    ("", {}, "a.csv: an empty file; expected a header and at least one row; check the file"),
    ("\r\n\n", {}, "a.csv: an empty file"),
    ("\ufeff", {}, "a.csv: an empty file"),
    ("", {"header": False}, "a.csv: an empty file"),
    ("name,size\n", {}, "a.csv: a header only; expected a header and at least one row"),
    (
        "name,name\na,3\n",
        {},
        "a.csv: header name,name; expected a name for each column, each once; mend the first line, or pass --set data",
    ),
    ("name,\na,3\n", {}, "a.csv: header name,; expected a name for each column"),
    ("name,size\na,3\n\nb\n", {}, "a.csv, line 4: 1 cells; expected 2, as in the header; mend the line"),
    ("name,size\na,3,5\n", {}, "a.csv, line 2: 3 cells; expected 2, as in the header"),
    ("a,3\nb\n", {"header": False}, "a.csv, line 2: 1 cells; expected 2, as in the first row"),
    ("a b\nc\n", {"separator": "space"}, "a.csv, line 2: 1 cells; expected 2"),
    ('name,size\na,3\n"b,3\nc,5\n', {}, "a.csv: not CSV in the row that begins on line 3 ("),
    (
        'name,size\n"a,3\n',
        {},
        "; expected rows with matching quotation marks; mend the line, or pass --set data.quotin",
    ),
    ("name,size\na,3\nb\0,5\n", {}, "a.csv, line 3: a NUL byte; expected text; remove it: tr -d "),
]


@pytest.mark.parametrize(("text", "layout", "message"), BAD_TEXTS)
def test_a_text_that_is_no_table_is_refused(tmp_path: Path, text: str, layout: dict[str, object], message: str) -> None:
    with pytest.raises(DataError) as caught:
        rows(tmp_path, text, **layout)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "name\nß\né".encode("latin-1"),
            "a.csv, line 2, byte 1: 0xdf, which is not UTF-8; expected text in UTF-8; conv",
        ),
        ("名\r\nß".encode() + b"\xe9", "a.csv, line 2, byte 3: 0xe9, which is not UTF-8"),
        (b"name\r\n" + "名".encode()[:2], "a.csv, line 2, byte 1: 0xe5, which"),
        (b"\xef\xbb\xbfn\xff", "a.csv, line 1, byte 5: 0xff, which is not UTF-8"),
        (b"n\n" + b"long enough\n" * 2000 + b"\xa4", "a.csv, line 2002, byte 1: 0xa4, which is not UTF-8"),
        ("name\nb".encode("utf-16"), "a.csv: UTF-16; expected text in UTF-8; convert it: iconv -f UTF-16 -t UTF-8"),
        (
            b"\x89PNG\r\n\0\0",
            r"a.csv: a binary file (its first bytes are b'\x89PNG'); expected a CSV or TSV file; expor",
        ),
    ],
)
def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(DataError) as caught:
        _rows.read("table", str(tmp_path / "a.csv"))
    assert message in str(caught.value)


def test_a_file_must_be_named_and_be_there(tmp_path: Path) -> None:
    with pytest.raises(
        RequestError, match=r"data table: no file; expected a CSV or TSV file with a header; pass --data t"
    ):
        _rows.read("table", "")
    os.mkfifo(tmp_path / "pipe")  # opening it would wait for ever
    for path in (tmp_path / "none.csv", tmp_path, tmp_path / "pipe"):
        with pytest.raises(PathError, match=r"data table: .* cannot be read \(.*; expected a readable CSV or TSV file"):
            _rows.read("table", str(path))
