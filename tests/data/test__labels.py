from __future__ import annotations

from pathlib import Path

import pytest

from gluon_ref.data import _labels, _rows
from gluon_ref.errors import DataError, FitError, GluonRefError


def rows(tmp_path: Path, *lines: str) -> _rows.Rows:
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return _rows.read("table", str(path))


@pytest.mark.parametrize(
    ("cells", "names", "targets"),
    [
        (["b", "a", " b "], ("a", "b"), [1, 0, 1]),
        (["10", "9", "-3", "9"], ("-3", "9", "10"), [2, 1, 0, 1]),
        (["10", "x", "9", "x"], ("9", "10", "x"), [1, 2, 0, 2]),
        (["a", "b"], ("a", "b"), [0, 1]),
        (["NA", "b"], ("NA", "b"), [0, 1]),
        (["--5", "1", "--5"], ("1", "--5"), [1, 0, 1]),
        (["9" * 5000, "1", "1"], ("1", "9" * 5000), [1, 0, 0]),
    ],
)
def test_labels_are_sorted_as_numbers_where_they_are(
    tmp_path: Path, cells: list[str], names: tuple[str, ...], targets: list[int]
) -> None:
    found = rows(tmp_path, "kind", *cells)
    assert _labels.labels(found, "kind")[0] == names
    assert _labels.labels(found, "kind")[1].tolist() == targets
    assert _labels.known(found, "kind", names).tolist() == targets


@pytest.mark.parametrize(
    ("cells", "kind", "message"),
    [
        (
            ["a,1", " ,2"],
            DataError,
            "a.csv, line 3: no kind; expected a label in each row; fill it in or leave the row",
        ),
        (["a,1", "a,2"], FitError, "a.csv: one class only, kind=a; expected at least two classes; name another column"),
        (["a,1", "b,2", "c,3"], FitError, "a.csv: kind has 3 different labels in 3 rows; expected classes that repeat"),
        (
            [f"{at * 11 // 20},1" for at in range(20)],
            FitError,
            "kind has 11 different labels in 20 rows; expected classes that repeat",
        ),
    ],
)
def test_a_column_that_holds_no_classes_is_refused(
    tmp_path: Path, cells: list[str], kind: type[GluonRefError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        _labels.labels(rows(tmp_path, "kind,size", *cells), "kind")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("cell", "names", "message"),
    [
        (
            "c",
            ("a", "b"),
            "a.csv, line 3: kind = 'c'; expected a label of the training part: a, b; leave the row out or",
        ),
        (",", ("a", "b"), "a.csv, line 3: no kind; expected a label in each row"),
        ("c", tuple(f"a{at}" for at in range(30)), "a18, a19 and 10 more; leave"),
    ],
)
def test_a_label_the_training_part_does_not_have_is_refused(
    tmp_path: Path, cell: str, names: tuple[str, ...], message: str
) -> None:
    lines = ["kind,size", f"{names[0]},1", f"{cell},1" if cell == "c" else ",1"]
    with pytest.raises(DataError) as caught:
        _labels.known(rows(tmp_path, *lines), "kind", names)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("different", "rows", "expected"),
    [(2, 2, True), (3, 3, False), (3, 4, True), (11, 20, False), (10, 20, True), (10, 19, True)],
)
def test_values_repeat_unless_each_row_or_most_have_their_own(different: int, rows: int, expected: bool) -> None:
    assert _labels.repeats(different, rows) is expected
