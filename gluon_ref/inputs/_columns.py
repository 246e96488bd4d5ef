"""A table's raw cells as features: numbers, gaps and categories, encoded alike for training, evaluate and predict."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..errors import DataError
from ..records import Facts

LARGEST = float(np.finfo(np.float32).max)
# Spellings of a missing cell, beside anything that Python reads as not a number. "None" is left to be a category.
MISSING = frozenset({"", "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null"})
# Written where a row has a category that training has not; it is read back as such.
UNSEEN = "(unseen)"
NAMED = 5
# What a message says of a column of numbers after training, by whether it has gaps.
WHY = (", as training has in this column", ", or nothing, as in training")


@dataclass(frozen=True)
class Column:
    """Where a column stands among the features.

    Args:
        name: of the column.
        start: its first feature.
        values: its categories, one feature each; empty for numbers.
        gap: a second feature tells where the number is missing.
    """

    name: str
    start: int
    values: tuple[str, ...] = ()
    gap: bool = False

    @property
    def width(self) -> int:
        """Features it takes."""
        return len(self.values) or 1 + self.gap


@dataclass
class Unseen:
    """Cells whose category training has not, counted by column and value."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, column: str, values: Iterable[str]) -> None:
        """Count cells of a column."""
        self.counts.setdefault(column, Counter()).update(values)

    def tell(self, where: str) -> None:
        """One line on standard error, where there is something to tell."""
        found = [f"{name} {_counted(counter)}" for name, counter in self.counts.items() if counter]
        if found:
            print(
                f"warning: {where}: categories that training has not: {'; '.join(found)}; such cells count as none",
                file=sys.stderr,
            )


def _counted(counter: Counter[str]) -> str:
    named = ", ".join(f"{value[:40]!r} ({count} rows)" for value, count in counter.most_common(NAMED))
    return named + (f" and {len(counter) - NAMED} more" if len(counter) > NAMED else "")


def columns(facts: Facts) -> tuple[Column, ...]:
    """The columns of a table's facts, in input order; a feature each where the facts name none."""
    found: list[Column] = []
    start = 0
    names = facts.columns or tuple(f"column {at + 1}" for at in range(facts.shape[0]))
    for name, values in zip(names, facts.categories or ((),) * len(names)):
        found.append(Column(name, start, values, name in facts.gaps))
        start += found[-1].width
    return tuple(found)


def clean(cell: str) -> str:
    """A cell as a category: without white space around it, and empty for every spelling of a missing one."""
    cell = cell.strip()
    return "" if cell in MISSING else cell


def floats(cells: Sequence[str]) -> np.ndarray:
    """float64 (cells,), NaN where missing; a ValueError where a cell is a text."""
    try:
        return np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        return np.fromiter(map(_float, cells), np.float64, len(cells))


def _float(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        if cell.strip() in MISSING:
            return float("nan")
        raise


def numbers(
    cells: Sequence[str], name: str, place: Callable[[int], str], *, gap: bool, trained: bool = False
) -> np.ndarray:
    """Cells of a column of numbers.

    Args:
        cells: raw.
        name: of the column.
        place: index of a cell -> where it stands.
        gap: cells may be missing.
        trained: that they are numbers, and none is missing but for gaps, was seen in training.
    Returns:
        float32 (cells,), NaN where missing.
    Raises:
        DataError: for a text, a number that float32 does not hold, and a missing one where none may be.
    """
    why = WHY[gap]
    try:
        values = floats(cells)
    except ValueError:
        wrong = [next(at for at, cell in enumerate(cells) if _text(cell))]
    else:
        wrong = np.flatnonzero(np.abs(values) > LARGEST).tolist()
        if not gap and not wrong:
            wrong = np.flatnonzero(np.isnan(values)).tolist()
            why = ", as training has none missing in this column"
    if wrong:
        given = f"{name} = {cells[wrong[0]]!r}"
        expected = f"a number{why if trained else ''}"
        raise DataError(place(wrong[0]), given, expected, "mend the cell or leave the row out")
    return values.astype(np.float32)


def _text(cell: str) -> bool:
    try:
        _float(cell)
    except ValueError:
        return True
    return False


def distinct(pieces: Iterable[Sequence[str]]) -> tuple[np.ndarray, list[str]]:
    """int32 (cells,) indices into the different cells of a column, and those, in order of appearance."""
    index: dict[str, int] = {}
    found = [
        np.fromiter((index.setdefault(cell, len(index)) for cell in cells), np.int32, len(cells)) for cells in pieces
    ]
    return np.concatenate(found) if found else np.zeros(0, np.int32), list(index)


def categories(pieces: Iterable[Sequence[str]], column: Column, unseen: Unseen) -> np.ndarray:
    """int32 (cells,) indices into a column's categories, -1 for one that training has not."""
    places, cells = distinct(pieces)
    index = {value: at for at, value in enumerate(column.values)}
    found: np.ndarray = np.array([index.get(clean(cell), -1) for cell in cells], dtype=np.int32)[places]
    if (found < 0).any():
        counts = np.bincount(places, minlength=len(cells))
        for cell, count in zip(cells, counts.tolist()):
            if clean(cell) not in index:
                unseen.add(column.name, [clean(cell)] * count)
    return found


def parse(
    cells: Sequence[Sequence[str]], facts: Facts, place: Callable[[int], str], unseen: Unseen
) -> list[np.ndarray]:
    """Rows by the columns of training.

    Args:
        cells: of each column of the facts, raw.
        facts: of the training part.
        place: index of a row -> where it stands.
        unseen: counts the categories that training has not.
    Returns:
        per column, float32 (rows,) numbers or int32 (rows,) categories, as `encode` takes them.
    """
    return [
        categories([one], column, unseen)
        if column.values
        else numbers(one, column.name, place, gap=column.gap, trained=True)
        for column, one in zip(columns(facts), cells)
    ]


def encode(parsed: Sequence[np.ndarray], facts: Facts) -> np.ndarray:
    """Columns as features.

    Args:
        parsed: per column, float32 (rows,) numbers, NaN where missing; or int32 (rows,) categories, -1 where unseen.
        facts: of the training part.
    Returns:
        float32 (rows, features): a number, the training part's mean where it is missing, and 1 in the feature after it
        there; for a category 1 in its own feature.
    """
    features = np.zeros((len(parsed[0]), facts.shape[0]), dtype=np.float32)
    for column, values in zip(columns(facts), parsed):
        if column.values:
            seen = np.flatnonzero(values >= 0)
            features[seen, column.start + values[seen]] = 1
        elif column.gap:
            missing = np.isnan(values)
            features[:, column.start] = np.where(missing, np.float32(facts.mean[column.start]), values)
            features[:, column.start + 1] = missing
        else:
            features[:, column.start] = values
    return features


def decode(row: np.ndarray, facts: Facts) -> list[str]:
    """Features (features,) of one row as raw cells."""
    cells = []
    for column in columns(facts):
        part = row[column.start : column.start + column.width]
        if column.values:
            cells.append(column.values[int(part.argmax())] if part.any() else UNSEEN)
        else:
            cells.append("" if column.gap and part[1] else repr(float(part[0])))
    return cells


def imagine(rows: np.ndarray, facts: Facts, random: np.random.RandomState) -> None:
    """Put made-up categories and gaps into made-up rows (rows, features), in place: none at all in the first row."""
    count = len(rows)
    for column in columns(facts):
        if column.values:
            chosen = random.randint(-1, len(column.values), count).astype(np.int32)
            chosen[0] = -1
            part = rows[:, column.start : column.start + column.width]
            part[:] = chosen[:, None] == np.arange(column.width)
        elif column.gap:
            missing = random.uniform(size=count) < 0.2
            missing[0] = False
            rows[missing, column.start] = facts.mean[column.start]
            rows[:, column.start + 1] = missing
