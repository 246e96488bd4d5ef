"""Rows of numbers: a table's features, in the order of its columns."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from ..errors import DataError, PathError
from ..records import Facts, Field
from ._lines import standard_input

SUFFIX = ".csv"
LARGEST = float(np.finfo(np.float32).max)


def fields(facts: Facts) -> tuple[Field, ...]:
    """One float32 array (batch, features)."""
    return (Field("data", facts.shape),)


def collate(inputs: np.ndarray, facts: Facts) -> tuple[np.ndarray, ...]:
    """Rows, stacked: float32 (batch, features)."""
    return (np.asarray(inputs, dtype=np.float32),)


def imagine(facts: Facts, count: int, random: np.random.RandomState) -> np.ndarray:
    """Made-up rows for checks that need no data: around the training part's means, the first one far off."""
    rows = random.normal(facts.mean, facts.std, (count, len(facts.mean)))
    rows[0] = np.add(facts.mean, np.multiply(facts.std, 100))
    return rows.astype(np.float32)


def read(requests: Iterable[str], facts: Facts) -> Iterator[tuple[str, np.ndarray]]:
    """Rows from requests: paths of CSV files, rows themselves ("5.1,3.5,1.4,0.2"), or "-" for lines on standard input.

    A first line that names the columns is a header: then the columns may stand in any order, among others.

    Yields:
        what to call the row, and float32 (features,).
    Raises:
        PathError: for a file that is missing or unreadable.
        DataError: for a row without the needed numbers.
    """
    for request in requests:
        if request == "-":
            yield from rows(standard_input(), "standard input", facts)
        elif "," in request and not os.path.exists(request):
            yield from ((request, row) for _, row in rows([request], f"row {request}", facts))
        else:
            try:
                with open(request, newline="", encoding="utf-8-sig") as file:
                    yield from rows(file, request, facts)
            except (OSError, UnicodeDecodeError) as error:
                raise PathError(
                    "predict",
                    f"{request} cannot be read ({error})",
                    f"a CSV file in UTF-8, a row of {len(facts.columns)} numbers with commas, or -",
                    "check the path",
                ) from None


def rows(lines: Iterable[str] | IO[str], where: str, facts: Facts) -> Iterator[tuple[str, np.ndarray]]:
    """Rows of a CSV text that the facts' columns can be found in."""
    names: list[str] = []
    count = 0
    reader = csv.reader(lines)
    for row in entries(reader, where):
        if not row:
            continue
        if not names:
            header = [cell.strip() for cell in row]
            headed = set(facts.columns) <= set(header)
            names = header if headed else list(facts.columns)
            places = [names.index(column) for column in facts.columns]
            if headed:
                continue
        place = f"{where}, line {reader.line_num}"
        if len(row) != len(names):
            raise DataError(
                place,
                f"{len(row)} values",
                f"{len(names)}: {', '.join(names)}",
                "give every column, or a header line that names them",
            )
        count += 1
        yield (
            place,
            np.array([number(row[at], place, facts.columns[i]) for i, at in enumerate(places)], dtype=np.float32),
        )

    if not count:
        raise DataError(where, "no rows", f"a row of {len(facts.columns)} numbers or more", "check the input")


def entries(reader: Iterator[list[str]], where: str) -> Iterator[list[str]]:
    """A reader's rows, with its error as one of ours."""
    try:
        yield from reader
    except csv.Error as error:
        raise DataError(where, f"not CSV ({error})", "rows with matching quotation marks", "mend the line") from None


def number(text: str, where: str, column: str) -> float:
    """A cell as a finite number that float32 holds.

    Raises:
        DataError: when it is anything else, an empty cell included.
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) <= LARGEST:
        raise DataError(where, f"{column} = {text!r}", "a number", "mend the cell or leave the row out")
    return value


def write(row: np.ndarray, facts: Facts, path: Path) -> None:
    """A row as a CSV file with a header, as `read` takes it."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([facts.columns, [repr(float(value)) for value in row]])
