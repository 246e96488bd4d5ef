"""Rows of numbers: a table's columns in their order, with its categories and gaps as ones and zeros."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import DataError, FitError, PathError
from ..records import Facts, Field
from . import _columns
from ._columns import Unseen
from ._lines import standard_input

SUFFIX = ".csv"
BATCHES = (1, 2, 7)
FAR = 1000  # deviations from the mean
# Rows that are encoded together.
CHUNK = 256


def fields(facts: Facts) -> tuple[Field, ...]:
    """One float32 array (batch, features)."""
    return (Field("data", facts.shape),)


def collate(inputs: np.ndarray, facts: Facts) -> tuple[np.ndarray, ...]:
    """Rows, stacked: float32 (batch, features)."""
    return (np.asarray(inputs, dtype=np.float32),)


def imagine(facts: Facts, count: int, random: np.random.RandomState) -> np.ndarray:
    """Made-up rows for checks that need no data: around the training part's means, the first one far off.

    Categories are any of the training part's or none of them, and numbers are missing where they may be.
    """
    rows = random.normal(facts.mean, facts.std, (count, len(facts.mean)))
    rows[0] = np.add(facts.mean, np.multiply(facts.std, 100))
    _columns.imagine(rows, facts, random)
    return rows.astype(np.float32)


def trials(facts: Facts, random: np.random.RandomState) -> Iterator[tuple[str, np.ndarray]]:
    """Made-up rows that an export is compared on: several batch sizes, and numbers far from all in training."""
    for size in BATCHES:
        yield f"random, batch {size}", imagine(facts, size, random)
    mean, std = np.asarray(facts.mean), np.asarray(facts.std)
    yield "extreme values", np.stack([mean, mean * 0, mean + FAR * std, mean - FAR * std]).astype(np.float32)


def read(requests: Iterable[str], facts: Facts) -> Iterator[tuple[str, np.ndarray]]:
    """Rows from requests: CSV files (.tsv: TSV), rows themselves ("5.1,3.5,1.4,0.2"), or "-" for standard input.

    A first line that names the columns is a header: then the columns may stand in any order, among others. Cells are
    raw, as in the training file. Categories that training has not are told of on standard error, after the last row.

    Yields:
        what to call the row, and float32 (features,).
    Raises:
        FitError: for a network whose data has no columns.
        PathError: for a file that is missing or unreadable.
        DataError: for a row without the needed cells.
    """
    if not facts.columns:
        raise FitError(
            "predict",
            "a network whose data names no columns",
            "columns to find cells by",
            "name them in the data's facts",
        )
    unseen = Unseen()
    for request in requests:
        if request == "-":
            yield from rows(standard_input(), "standard input", facts, unseen)
        elif "," in request and not os.path.exists(request):
            yield from ((request, row) for _, row in rows([request], f"row {request}", facts, unseen))
        else:
            try:
                separator = "\t" if request.lower().endswith(".tsv") else ","
                with open(request, newline="", encoding="utf-8-sig") as file:
                    yield from rows(file, request, facts, unseen, separator)
            except (OSError, UnicodeDecodeError) as error:
                cells = "cells" if facts.categories else "numbers"
                raise PathError(
                    "predict",
                    f"{request} cannot be read ({error})",
                    f"a CSV file in UTF-8, a row of {len(facts.columns)} {cells} with commas, or -",
                    "check the path",
                ) from None
    unseen.tell("predict")


def rows(
    lines: Iterable[str] | IO[str], where: str, facts: Facts, unseen: Unseen, separator: str = ","
) -> Iterator[tuple[str, np.ndarray]]:
    """Rows of a CSV text that the facts' columns can be found in."""
    reader = csv.reader(lines, delimiter=separator)
    found = _cells(reader, where, facts)
    count = 0
    while group := list(islice(found, CHUNK)):
        count += len(group)
        places = [place for place, _ in group]
        cells = list(zip(*(row for _, row in group)))
        yield from zip(places, _columns.encode(_columns.parse(cells, facts, places.__getitem__, unseen), facts))
    if not count:
        raise DataError(where, "no rows", f"a row of {len(facts.columns)} cells or more", "check the input")


def _cells(reader: Any, where: str, facts: Facts) -> Iterator[tuple[str, list[str]]]:
    """Where each row stands, and its cells in the order of the facts' columns."""
    columns = [column.name for column in _columns.columns(facts)]
    names: list[str] = []
    for row in entries(reader, where):
        if not row:
            continue
        if not names:
            header = [cell.strip() for cell in row]
            named = [column for column in columns if column in header]
            headed = len(named) == len(columns)
            if not headed and len(named) * 2 > len(columns):
                lacking = [column for column in columns if column not in header]
                raise DataError(where, f"a header without {', '.join(lacking)}", "every column", "add it")
            twice = [column for column in named if header.count(column) > 1]
            if headed and twice:
                raise DataError(where, f"a header with {', '.join(twice)} twice", "each column once", "take one out")
            names = header if headed else list(columns)
            order = [names.index(column) for column in columns]
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
        yield place, [row[at] for at in order]


def entries(reader: Iterator[list[str]], where: str) -> Iterator[list[str]]:
    """A reader's rows, with its error as one of ours."""
    try:
        yield from reader
    except csv.Error as error:
        raise DataError(where, f"not CSV ({error})", "rows with matching quotation marks", "mend the line") from None


def write(row: np.ndarray, facts: Facts, path: Path) -> None:
    """A row as a CSV file with a header and raw cells, as `read` takes it."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([facts.columns, _columns.decode(row, facts)])
