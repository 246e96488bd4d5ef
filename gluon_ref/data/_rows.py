"""Rows of a CSV or TSV file with a header, and the labels of a column: what table and text_table share."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import DataError, FitError, PathError, RequestError, UnknownNameError

# Rows from which on more than one label for every two rows is taken for values, not classes.
FEW = 20
# A text longer than this is taken for a file with a stray quotation mark; the csv module's own limit is 128 KiB.
LONGEST_FIELD = 16 * 1024 * 1024


@dataclass(frozen=True)
class Rows:
    """A file's header and rows; `lines` are the numbers of the lines they end on, for messages."""

    where: str
    header: list[str]
    rows: list[list[str]]
    lines: list[int]

    def column(self, name: str) -> list[str]:
        """The cells of a column.

        Raises:
            UnknownNameError: when the header has no such column.
        """
        if name not in self.header:
            raise UnknownNameError(f"{self.where}: column", name, self.header)
        at = self.header.index(name)
        return [row[at] for row in self.rows]


def read(name: str, path: str) -> Rows:
    """A CSV file, or a TSV file by its ending .tsv; UTF-8, a byte-order mark is allowed.

    Raises:
        RequestError, PathError: when no readable file was named.
        DataError: for a file that is empty, not UTF-8, or has rows of another width than its header.
    """
    if not path:
        raise RequestError(f"data {name}", "no file", "a CSV or TSV file with a header", f"pass --data {name}:FILE")
    csv.field_size_limit(LONGEST_FIELD)
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, delimiter="\t" if Path(path).suffix == ".tsv" else ",", strict=True)
            rows, lines = [], []
            for row in reader:
                if row:
                    rows.append(row)
                    lines.append(reader.line_num)
    except UnicodeDecodeError:
        raise DataError(path, "bytes that are not UTF-8", "a text file in UTF-8", "save it as UTF-8") from None
    except csv.Error as error:
        raise DataError(
            path,
            f"not CSV near line {reader.line_num} ({error})",
            "rows with matching quotation marks",
            "mend the line",
        ) from None
    except OSError as error:
        raise PathError(
            f"data {name}", f"{path} cannot be read ({error.strerror})", "a readable CSV or TSV file", "check the path"
        ) from None
    if len(rows) < 2:
        raise DataError(path, f"{len(rows)} rows", "a header and at least one row", "check the file")
    header = [cell.strip() for cell in rows[0]]
    if len(set(header)) != len(header) or not all(header):
        raise DataError(path, f"header {','.join(header)}", "a name for each column, each once", "mend the first line")
    for row, line in zip(rows, lines):
        if len(row) != len(header):
            raise DataError(
                f"{path}, line {line}", f"{len(row)} cells", f"{len(header)}, as in the header", "mend the line"
            )
    return Rows(path, header, rows[1:], lines[1:])


def labels(rows: Rows, column: str) -> tuple[tuple[str, ...], np.ndarray]:
    """The classes of a column, sorted (as numbers where all are), and int32 (rows,) indices into them.

    Raises:
        DataError: for an empty label.
        FitError: for a single class, or for a class per row.
    """
    cells = [cell.strip() for cell in rows.column(column)]
    if "" in cells:
        raise DataError(
            f"{rows.where}, line {rows.lines[cells.index('')]}",
            f"no {column}",
            "a label in each row",
            "fill it in or leave the row out",
        )
    names = sorted(set(cells), key=lambda cell: (not _whole(cell), int(cell) if _whole(cell) else 0, cell))
    if len(names) < 2:
        raise FitError(
            rows.where,
            f"one class only, {column}={names[0]}",
            "at least two classes",
            "name another column: --set data.label=COLUMN",
        )
    if len(names) > 2 and (len(names) == len(cells) or len(names) * 2 > len(cells) >= FEW):
        raise FitError(
            rows.where,
            f"{column} has {len(names)} different labels in {len(cells)} rows",
            "classes that repeat",
            "name another column with --set data.label=COLUMN, or regress with --set data.target=value",
        )
    index = {name: at for at, name in enumerate(names)}
    return tuple(names), np.array([index[cell] for cell in cells], dtype=np.int32)


def known(rows: Rows, column: str, names: Sequence[str]) -> np.ndarray:
    """int32 (rows,) indices of a column's labels into the classes of the training part.

    Raises:
        DataError: for a label the training part does not have.
    """
    index = {name: at for at, name in enumerate(names)}
    cells = [cell.strip() for cell in rows.column(column)]
    for cell, line in zip(cells, rows.lines):
        if cell not in index:
            raise DataError(
                f"{rows.where}, line {line}",
                f"{column} = {cell!r}",
                f"a label of the training part: {', '.join(names)}",
                "leave the row out or train with such rows",
            )
    return np.array([index[cell] for cell in cells], dtype=np.int32)


def _whole(cell: str) -> bool:
    return cell.lstrip("-").isascii() and cell.lstrip("-").isdigit()
