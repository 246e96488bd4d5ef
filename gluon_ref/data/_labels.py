"""Labels of a column: its classes, and indices into them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ..errors import DataError, FitError
from ..inputs._columns import distinct
from ._rows import Rows

# Rows from which on more than one value for every two rows is taken for no class or category.
FEW = 20


def repeats(different: int, rows: int) -> bool:
    """Whether so many different values in so many rows may be classes or categories."""
    return different <= 2 or not (different == rows or different * 2 > rows >= FEW)


def labels(rows: Rows, column: str) -> tuple[tuple[str, ...], np.ndarray]:
    """The classes of a column, sorted (as numbers where all are), and int32 (rows,) indices into them.

    Raises:
        DataError: for an empty label.
        FitError: for a single class, or for a class per row.
    """
    places, cells = _cells(rows, column)
    names = sorted(set(cells), key=lambda cell: (not _whole(cell), int(cell) if _whole(cell) else 0, cell))
    if len(names) < 2:
        raise FitError(
            rows.where,
            f"one class only, {column}={names[0]}",
            "at least two classes",
            "name another column: --set data.label=COLUMN",
        )
    if not repeats(len(names), len(rows)):
        raise FitError(
            rows.where,
            f"{column} has {len(names)} different labels in {len(rows)} rows",
            "classes that repeat",
            "name another column with --set data.label=COLUMN, or regress with --set data.target=value",
        )
    index = {name: at for at, name in enumerate(names)}
    return tuple(names), np.array([index[cell] for cell in cells], dtype=np.int32)[places]


def known(rows: Rows, column: str, names: Sequence[str]) -> np.ndarray:
    """int32 (rows,) indices of a column's labels into the classes of the training part.

    Raises:
        DataError: for a label that is empty, or that the training part does not have.
    """
    index = {name: at for at, name in enumerate(names)}
    places, cells = _cells(rows, column)
    found: np.ndarray = np.array([index.get(cell, -1) for cell in cells], dtype=np.int32)[places]
    for row in np.flatnonzero(found < 0)[:1].tolist():
        raise DataError(
            rows.place(row),
            f"{column} = {cells[places[row]]!r}",
            f"a label of the training part: {_listed(names)}",
            "leave the row out or train with such rows",
        )
    return found


def _cells(rows: Rows, column: str) -> tuple[np.ndarray, list[str]]:
    places, cells = distinct(rows.pieces(column))
    cells = [cell.strip() for cell in cells]
    if "" in cells:
        row = int(np.flatnonzero(np.array([not cell for cell in cells])[places])[0])
        raise DataError(rows.place(row), f"no {column}", "a label in each row", "fill it in or leave the row out")
    return places, cells


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _whole(cell: str) -> bool:
    return re.fullmatch(r"-?[0-9]{1,18}", cell) is not None
