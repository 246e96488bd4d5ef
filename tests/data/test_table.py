from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gluon_ref.data import table
from gluon_ref.errors import DataError, FitError, UnknownNameError

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


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["x,y", "1,a", "2,b", "two,a"], "a.csv, line 4: x = 'two'; expected a number"),
        (["x,y", "1,a", ",b", "2,a"], "a.csv, line 3: x = ''; expected a number"),
    ],
)
def test_a_feature_that_is_no_number_is_refused(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(DataError) as caught:
        table.load(write(tmp_path / "a.csv", *lines))
    assert message in str(caught.value)


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
