from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gluon_ref.data import _rows, table
from gluon_ref.errors import DataError, FitError, RequestError, UnknownNameError
from gluon_ref.records import Data

# Ten rows: width counts 0 to 9, height is its double, kind alternates, price is 100 more than width.
HEADER = "width,kind,height,price"
ROWS = [f"{at},{'ab'[at % 2]},{2 * at},{100 + at}" for at in range(10)]


@pytest.fixture
def path(tmp_path: Path) -> str:
    return write(tmp_path / "all.csv", HEADER, *ROWS)


def write(path: Path, *lines: str) -> str:
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_a_table_of_labels_is_split_with_its_share_of_each_class(path: str) -> None:
    data = table.load(path, label="kind", held_out=0.4)
    facts = data.facts
    assert (facts.takes, facts.target, facts.shape, facts.labels) == ("vector", "label", (3,), ("a", "b"))
    assert facts.columns == ("width", "height", "price")
    assert np.bincount(data.held_out.targets).tolist() == [2, 2]
    for part in (data.train, data.held_out):
        for row, label in zip(part.inputs.tolist(), part.targets.tolist()):
            assert row == [row[0], 2 * row[0], 100 + row[0]]
            assert label == row[0] % 2
    both = [*data.train.inputs[:, 0].tolist(), *data.held_out.inputs[:, 0].tolist()]
    assert sorted(both) == list(range(10))


def test_the_statistics_are_those_of_the_training_part(path: str) -> None:
    data = table.load(path, label="kind")
    assert data.facts.mean == tuple(data.train.inputs.mean(axis=0, dtype=np.float64).tolist())
    assert data.facts.std == tuple(data.train.inputs.std(axis=0, dtype=np.float64).tolist())
    assert (data.facts.target_mean, data.facts.target_std) == (0.0, 1.0)


def test_the_last_column_is_the_target_and_may_hold_values(tmp_path: Path) -> None:
    data = table.load(write(tmp_path / "a.csv", "x,y", *(f"{at},{3 * at}" for at in range(5))), target="value")
    assert (data.facts.target, data.facts.labels, data.facts.columns) == ("value", (), ("x",))
    assert data.train.targets.tolist() == (3 * data.train.inputs[:, 0]).tolist()
    assert data.train.targets.dtype == data.train.inputs.dtype == np.float32
    assert data.facts.target_mean == data.train.targets.mean()
    assert data.facts.target_std == data.train.targets.std()


def test_values_that_never_vary_have_a_deviation_of_1(tmp_path: Path) -> None:
    data = table.load(write(tmp_path / "a.csv", "x,y", *(f"{at},7" for at in range(5))), target="value")
    assert (data.facts.target_mean, data.facts.target_std) == (7.0, 1.0)


def test_another_file_may_be_held_out_with_its_columns_in_any_order(path: str, tmp_path: Path) -> None:
    test = write(tmp_path / "test.csv", "kind,price,width,height,more", "b,3,1,2,x", "a,6,4,5,y")
    data = table.load(path, label="kind", test=test)
    assert len(data.train) == 10
    assert data.held_out.inputs.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert data.held_out.targets.tolist() == [1, 0]


@pytest.mark.parametrize(("label", "target"), [("kind", "label"), ("width", "value")])
def test_by_the_facts_of_a_trained_network_all_rows_are_held_out(tmp_path: Path, label: str, target: str) -> None:
    rows = [row.replace("a", "0").replace("b", "1") for row in ROWS]  # so that kind is a number too
    path = write(tmp_path / "a.csv", HEADER, *rows)
    known = table.load(path, label=label, target=target).facts
    data = table.load(path, known, label=label)
    assert data.facts is known
    assert (len(data.train), len(data.held_out)) == (0, 10)
    assert data.held_out.inputs.shape == (10, 3)


# Twelve rows: age has a gap, sex and port are texts (a port is missing), deck is a number that names a category.
MIXED = ["age,sex,port,deck,kind"] + [
    f"{'' if at == 3 else 20 + at},{'fm'[at % 2]},{('S', 'C', 'NA')[at % 3]},{at % 2},{'ab'[at // 2 % 2]}"
    for at in range(12)
]


def both(data: Data) -> np.ndarray:
    """Features of all rows, in no order."""
    return np.concatenate([part.take(np.arange(len(part)))[0] for part in (data.train, data.held_out)])


def test_categories_are_a_feature_for_each_value_and_gaps_one_of_their_own(tmp_path: Path) -> None:
    data = table.load(write(tmp_path / "a.csv", *MIXED), category=("deck",))
    facts = data.facts
    assert facts.columns == ("age", "sex", "port", "deck")
    assert facts.categories == ((), ("f", "m"), ("", "C", "S"), ("0", "1"))
    assert (facts.gaps, facts.shape) == (("age",), (9,))
    rows = both(data)
    assert rows.dtype == np.float32
    rows = rows[rows[:, 0].argsort()]
    missing = rows[rows[:, 1] == 1]
    assert missing.tolist() == [[np.float32(facts.mean[0]), 1, 0, 1, 0, 0, 1, 0, 1]]
    for age, gap, *ones in rows[rows[:, 1] == 0].tolist():
        at = int(age - 20)
        assert gap == 0
        assert ones == [*np.eye(2)[at % 2], *np.eye(3)[(2, 1, 0)[at % 3]], *np.eye(2)[at % 2]]


def test_the_statistics_are_of_the_numbers_that_are_there(tmp_path: Path) -> None:
    data = table.load(write(tmp_path / "a.csv", *MIXED), test=write(tmp_path / "b.csv", *MIXED))
    ages = np.array([20 + at for at in range(12) if at != 3])
    assert data.facts.mean == (pytest.approx(ages.mean()), 0, *[0] * 5, 0.5)
    assert data.facts.std == (pytest.approx(ages.std()), 1, *[1] * 5, 0.5)
    assert both(data)[:12].tolist() == both(data)[12:].tolist()


def test_numbers_alone_have_no_categories_and_no_gaps(path: str) -> None:
    facts = table.load(path, label="kind").facts
    assert (facts.categories, facts.gaps) == ((), ())


def test_columns_may_be_left_out_and_named_by_position(tmp_path: Path) -> None:
    data = table.load(write(tmp_path / "a.csv", *MIXED), ignore=("1", "port"), label="5", category=("4",))
    assert (data.facts.columns, data.facts.column) == (("sex", "deck"), "kind")
    assert data.facts.categories == (("f", "m"), ("0", "1"))


def test_a_file_may_have_no_header(tmp_path: Path) -> None:
    data = table.load(write(tmp_path / "a.csv", *MIXED[1:]), header=False, label="2", ignore=("3",))
    assert data.facts.columns == ("column 1", "column 4", "column 5")
    assert (data.facts.column, data.facts.labels) == ("column 2", ("f", "m"))
    assert len(data.train) + len(data.held_out) == 12


def test_a_position_means_the_training_files_column_wherever_it_stands(tmp_path: Path) -> None:
    known = table.load(write(tmp_path / "a.csv", "x,y", "1,a", "2,b", "3,a", "4,b"), label="2").facts
    every = table.load(write(tmp_path / "b.csv", "y,x", "b,5"), known, label="2").held_out
    assert every.take(np.arange(1))[0].tolist() == [[5]]


def test_files_of_other_layouts_are_the_same_table(tmp_path: Path) -> None:
    want = table.load(write(tmp_path / "a.csv", *MIXED))
    (tmp_path / "b.csv").write_text("\ufeff" + "\r\n".join(MIXED) + "\r\n", newline="", encoding="utf-8")
    quoted = [",".join(f'"{cell}"' for cell in line.split(",")) for line in MIXED]
    made = {
        "a.tsv": ([line.replace(",", "\t") for line in MIXED], {}),
        "b.txt": ([line.replace(",", "\t") for line in MIXED], {"separator": "tab"}),
        "c.csv": ([line.replace(",", ";") for line in MIXED], {"separator": "semicolon"}),
        "d.csv": (quoted, {}),
        "e.txt": ([line.replace(",", " ").replace("  ", " ? ") for line in MIXED], {"separator": "space"}),
    }
    found = [table.load(str(tmp_path / "b.csv"))]
    for name, (lines, layout) in made.items():
        lines = [f"?{line}" if line[0] == " " else line for line in lines]
        found.append(table.load(write(tmp_path / name, *lines), **layout))
    for data in found:
        assert data.facts == want.facts
        np.testing.assert_array_equal(both(data), both(want))


def test_a_category_may_hold_separators_quotes_and_line_breaks(tmp_path: Path) -> None:
    lines = ["x,y"] + ['"a, ""b""\nc",u', "d,v"] * 3
    assert table.load(write(tmp_path / "a.csv", *lines)).facts.categories == (('a, "b"\nc', "d"),)


def test_categories_that_only_the_held_out_part_has_are_told_and_count_as_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = write(tmp_path / "a.csv", "port,size,y", "S,1,a", "C,2,b", "S,3,a", "C,4,b")
    test = write(tmp_path / "b.csv", "port,size,y", "S,1,a", "Q,2,b", "Q,3,b", "?,3,a")
    data = table.load(train, test=test)
    assert data.held_out.take(np.arange(4))[0].tolist() == [[0, 1, 1], [0, 0, 2], [0, 0, 3], [0, 0, 3]]
    assert capsys.readouterr().err == (
        f"warning: {test}: categories that training has not: port 'Q' (2 rows), '' (1 rows); such cells count as none\n"
    )
    rare = ["port,size,y"] + [f"{'Q' if at == 9 else 'SC'[at % 2]},{at},{'ab'[at % 2]}" for at in range(10)]
    for seed in (0.1, 0.2, 0.3, 0.4, 0.5):
        data = table.load(write(tmp_path / "c.csv", *rare), held_out=seed)
        inside = "Q" in data.facts.categories[0]
        assert both(data)[:, :-1].sum() == 9 + inside
        assert ("port 'Q' (1 rows)" in capsys.readouterr().err) is not inside


def test_columns_that_never_vary_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "a.csv", "x,p,y", *(f"7,S,{'ab'[at % 2]}" for at in range(6)))
    assert table.load(path).facts.shape == (2,)
    assert capsys.readouterr().err == f"warning: {path}: x is always '7', p is always 'S' in the training part\n"


def test_of_another_table_categories_and_gaps_are_those_of_training(tmp_path: Path) -> None:
    known = table.load(write(tmp_path / "a.csv", *MIXED), test=write(tmp_path / "b.csv", *MIXED)).facts
    every = table.load(write(tmp_path / "c.csv", "kind,deck,port,sex,age", "a,1,S,m,null", "b,0,NA,f,7"), known)
    assert every.facts is known
    assert every.held_out.take(np.array([1, 0]))[0].tolist() == [
        [7, 0, 1, 0, 1, 0, 0, 0],
        [np.float32(known.mean[0]), 1, 0, 1, 0, 0, 1, 1],
    ]
    assert every.held_out.targets.tolist() == [0, 1]
    assert every.held_out.lengths is None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("old,m,S,1,a", "c.csv, line 2: age = 'old'; expected a number, or nothing, as in training; mend the cell or"),
        ("7,m,S,deep,a", "c.csv, line 2: deck = 'deep'; expected a number, as training has in this column; mend"),
        ("7,m,S,,a", "c.csv, line 2: deck = ''; expected a number, as training has none missing in this column"),
        ("7,m,S,1,", "c.csv, line 2: no kind; expected a label in each row"),
        ("7,m,S,1,c", "c.csv, line 2: kind = 'c'; expected a label of the training part: a, b"),
    ],
)
def test_a_cell_of_another_type_than_in_training_is_refused(tmp_path: Path, row: str, message: str) -> None:
    known = table.load(write(tmp_path / "a.csv", *MIXED)).facts
    with pytest.raises(DataError) as caught:
        table.load(write(tmp_path / "c.csv", MIXED[0], row), known)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ["x,y", "1,a", "2,b", "two,a"],
            "a.csv, line 4: x = 'two'; expected a number, as in most rows of x; mend or em",
        ),
        (["x,y", "1,a", ",b", "inf,a"], "a.csv, line 4: x = 'inf'; expected a number; mend the cell or leave the row"),
        (["x,y", "1,a", "1e39,b", "2,a"], "a.csv, line 3: x = '1e39'; expected a number"),
    ],
)
def test_a_feature_that_is_no_number_is_refused(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(DataError) as caught:
        table.load(write(tmp_path / "a.csv", *lines))
    assert message in str(caught.value)


@pytest.mark.parametrize("cell", ["", "NA", "high", "inf"])
def test_a_target_that_is_no_number_is_refused(tmp_path: Path, cell: str) -> None:
    with pytest.raises(DataError, match=f"a.csv, line 3: y = '{cell}'; expected a number; mend the cell or leave the"):
        table.load(write(tmp_path / "a.csv", "x,y", "1,1", f"2,{cell}", "3,4"), target="value")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"held_out": 0.0},
            "data table: held_out=0.0; expected a share above 0 and below 1; pass --set data.held_out=0.2",
        ),
        ({"held_out": 1.0, "test": "b.csv"}, "data table: held_out=1.0; expected a share"),
        ({"ignore": ("kind",)}, "all.csv: kind is the column to predict; expected others in data.ignore and data.cat"),
        ({"category": ("2",)}, "all.csv: kind is the column to predict"),
        (
            {"ignore": ("1", "3", "price")},
            "all.csv: no column left to learn from; expected a target and at least one f",
        ),
        ({"ignore": ("widht",)}, "all.csv: column: unknown name 'widht'; .*; did you mean width"),
        ({"category": ("9",)}, "all.csv: column: unknown name '9'"),
    ],
)
def test_options_that_do_not_fit_are_refused(path: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        table.load(path, label="kind", **options)


def test_a_table_of_one_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        FitError, match=r"a.csv: one column; expected a target and at least one feature; check the file"
    ):
        table.load(write(tmp_path / "a.csv", "x", "1", "2"))


def test_a_column_missing_here_or_in_the_other_file_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"all.csv: column: unknown name 'kinds'; .*; did you mean kind"):
        table.load(path, label="kinds")
    with pytest.raises(UnknownNameError, match=r"test.csv: column: unknown name 'width'; expected one of height, kind"):
        table.load(path, label="kind", test=write(tmp_path / "test.csv", "kind,height", "a,1"))


@pytest.mark.parametrize(
    ("line", "message"),
    [("x,9", "b.csv, line 5: x = 'x'; expected"), ("7,y", "b.csv, line 5: y = 'y'; expected a number")],
)
def test_the_line_is_told_beyond_the_first_chunk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, message: str
) -> None:
    monkeypatch.setattr(_rows, "CHUNK", 2)
    lines = ["x,y", "1,1", "2,2", "3,3"]
    known = table.load(write(tmp_path / "a.csv", *lines), target="value").facts
    with pytest.raises(DataError) as caught:
        table.load(write(tmp_path / "b.csv", *lines, line), known)
    assert message in str(caught.value)
