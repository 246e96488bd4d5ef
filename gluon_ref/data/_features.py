"""What a table's columns are, by the cells of its own file: numbers or categories, and their facts."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import DataError, FitError
from ..inputs._columns import LARGEST, Unseen, clean, distinct, floats, numbers
from ..records import Facts
from ..samples import statistics
from ._labels import repeats
from ._rows import Rows

# A column of more categories is an id or a text, and would make as many features.
MOST = 1000


@dataclass(frozen=True)
class Raw:
    """A column of a file.

    Args:
        name: of the column.
        cells: float32 (rows,) numbers, NaN where missing; or int32 (rows,) indices into `values`.
        values: its categories, sorted; empty for numbers.
    """

    name: str
    cells: np.ndarray
    values: tuple[str, ...] = ()


def raw(rows: Rows, names: Sequence[str], forced: Collection[str]) -> list[Raw]:
    """Columns as numbers where every cell that is not missing is one, else as categories.

    Args:
        rows: of the file.
        names: columns that are wanted.
        forced: columns of numbers to take as categories.
    Raises:
        DataError: for a text in a column that holds numbers in most rows.
        FitError: for columns with too many categories.
    """
    found, mixed = [], []
    for name in names:
        one, slip = _categories(rows, name, True) if name in forced else _column(rows, name)
        found.append(one)
        mixed += [(name, *slip)] if slip else []
    many = [one for one in found if one.values and not _few(one) and one.name not in [name for name, *_ in mixed]]
    if many:
        told = [f"{one.name} ({len(one.values)} different values)" for one in many]
        told += [f"{name} ({cell!r} in line {rows.lines[row]}, among numbers)" for name, row, cell in mixed]
        raise FitError(
            rows.where,
            f"texts in {len(rows)} rows of {', '.join(told)}",
            f"numbers, or categories that repeat, {MOST} at most",
            f"leave them out: --set data.ignore={','.join([*(one.name for one in many), *(one[0] for one in mixed)])}",
        )
    for name, row, cell in mixed:
        raise DataError(
            rows.place(row),
            f"{name} = {cell!r}",
            f"a number, as in most rows of {name}",
            f"mend or empty the cell, or pass --set data.category={name} or data.ignore={name}",
        )
    return found


def _few(one: Raw) -> bool:
    present = int((one.cells != one.values.index("")).sum()) if "" in one.values else len(one.cells)
    return len(one.values) <= MOST and repeats(len(one.values) - ("" in one.values), present)


def _column(rows: Rows, name: str) -> tuple[Raw, tuple[int, str] | None]:
    try:
        values = np.concatenate([floats(cells) for cells in rows.pieces(name)])
    except ValueError:
        return _categories(rows, name, False)
    if (np.abs(values) > LARGEST).any():
        numbers(rows.column(name), name, rows.place, gap=True)  # says which
    return Raw(name, values.astype(np.float32)), None


def _categories(rows: Rows, name: str, forced: bool) -> tuple[Raw, tuple[int, str] | None]:
    """A column as categories; and where it holds the first text, if that stands among numbers."""
    places, cells = distinct(rows.pieces(name))
    slip = None if forced else _slip(places, cells)
    cleaned = [clean(cell) for cell in cells]
    values = sorted(set(cleaned))
    index = {value: at for at, value in enumerate(values)}
    return Raw(name, np.array([index[one] for one in cleaned], dtype=np.int32)[places], tuple(values)), slip


def _slip(places: np.ndarray, cells: Sequence[str]) -> tuple[int, str] | None:
    """Row and cell of the first text where most are numbers: a slip of the pen must not make them categories."""
    kinds = np.array([_kind(cell) for cell in cells])[places]
    if 2 * (kinds == "number").sum() <= (kinds != "missing").sum():
        return None
    row = int(np.flatnonzero(kinds == "text")[0])
    return row, cells[places[row]]


def _kind(cell: str) -> str:
    try:
        return "missing" if np.isnan(floats([cell])[0]) else "number"
    except ValueError:
        return "text"


def describe(where: str, columns: Sequence[Raw], here: np.ndarray) -> Facts:
    """Facts of the training part's inputs; a column's categories are those it has there.

    Args:
        where: the file, for messages.
        columns: of the whole file; a column of numbers has gaps if any of its rows has.
        here: rows of the training part.
    Raises:
        FitError: for columns of numbers without a single one.
    """
    matrix = [one.cells for one in columns if not one.values]
    found = statistics(np.stack(matrix, axis=1)[here], axis=0) if matrix else ((), ())
    pairs = iter(zip(*found))
    gaps, empty, categories = [], [], []
    mean: list[float] = []
    std: list[float] = []
    for one in columns:
        if one.values:
            seen = np.unique(one.cells[here])
            categories.append(tuple(one.values[at] for at in seen))
            mean += [0.0] * len(seen)
            std += [1.0] * len(seen)
            continue
        categories.append(())
        middle, spread = next(pairs)
        if np.isnan(one.cells).any():
            gaps.append(one.name)
            present = one.cells[here][~np.isnan(one.cells[here])]
            if not len(present):
                empty.append(one.name)
                continue
            (middle,), (spread,) = statistics(present, axis=0)
        mean += [middle, 0.0] if one.name in gaps else [middle]
        std += [spread, 1.0] if one.name in gaps else [spread]
    if empty:
        raise FitError(
            where,
            f"no value at all in column{'s'[: len(empty) > 1]} {', '.join(empty)}",
            "one in the training part at least",
            f"leave them out: --set data.ignore={','.join(empty)}",
        )
    return Facts(
        "vector",
        "label",
        (len(mean),),
        columns=tuple(one.name for one in columns),
        categories=tuple(categories) if any(categories) else (),
        gaps=tuple(gaps),
        mean=tuple(mean),
        std=tuple(std),
    )


def trained(columns: Sequence[Raw], facts: Facts, unseen: Unseen) -> list[np.ndarray]:
    """Columns of the whole file by the categories of the training part, as `encode` takes them."""
    parsed = []
    for one, values in zip(columns, facts.categories or ((),) * len(columns)):
        if not one.values:
            parsed.append(one.cells)
            continue
        index = {value: at for at, value in enumerate(values)}
        for at, value in enumerate(one.values):
            if value not in index:
                unseen.add(one.name, [value] * int((one.cells == at).sum()))
        parsed.append(np.array([index.get(value, -1) for value in one.values], dtype=np.int32)[one.cells])
    return parsed


def warn_constant(where: str, columns: Sequence[Raw], here: np.ndarray) -> None:
    """Say on standard error which columns never vary in the training part, and so teach nothing."""
    found = []
    for one in columns:
        cells = one.cells[here]
        if (cells == cells[0]).all():
            found.append(f"{one.name} is always {one.values[cells[0]] if one.values else f'{cells[0]:g}'!r}")
    if found:
        print(f"warning: {where}: {', '.join(found)} in the training part", file=sys.stderr)
