"""Rows of a text file with columns, read in one pass into one string per column and chunk."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from ..errors import DataError, PathError, RequestError, UnknownNameError

# A text longer than this is taken for a file with a stray quotation mark; the csv module's own limit is 128 KiB.
LONGEST_FIELD = 16 * 1024 * 1024
# Rows that are Python objects at one time; the others are a string per column, which costs a byte per character.
CHUNK = 8192
# Between packed cells: the one character that no cell may hold.
NUL = "\0"
SEPARATORS = {"comma": ",", "tab": "\t", "semicolon": ";", "space": " "}


@dataclass(frozen=True)
class Layout:
    """How a file's text is cut into cells.

    Args:
        header: the first row names the columns.
        separator: a name in SEPARATORS, or "auto": tab for files ending in .tsv, else comma.
        quoting: a cell may be quoted, and then hold separators and line breaks; never with spaces.
        rest: with spaces, 1 or more to leave the rest of the line to the last column: the header's, or else the one at
            this position; 0 to cut everywhere.
    """

    header: bool = True
    separator: str = "auto"
    quoting: bool = True
    rest: int = 0


@dataclass(frozen=True)
class Rows:
    """A file's columns.

    Args:
        where: the file, for messages.
        header: names of the columns.
        packed: per column, the cells of each chunk joined by NUL.
        lines: int64 (rows,), the line of the file that each row ends on.
        headed: the names are the file's own.
    """

    where: str
    header: list[str]
    packed: list[list[str]]
    lines: np.ndarray
    headed: bool = True

    def __len__(self) -> int:
        return len(self.lines)

    def name(self, given: str) -> str:
        """A column by its name, or else by its position, counted from 1.

        Raises:
            UnknownNameError: when the file has no such column.
        """
        if given in self.header:
            return given
        if given.isascii() and given.isdigit() and 1 <= int(given) <= len(self.header):
            return self.header[int(given) - 1]
        raise UnknownNameError(f"{self.where}: column", given, self.header, do=self.advice())

    def advice(self) -> str:
        """What to do where the columns are not those one expected."""
        other = [name for name, mark in SEPARATORS.items() if len(self.header) == 1 and mark in self.header[0]]
        if other:
            return f"pass --set data.separator={other[0]} if that stands between the cells"
        if not self.headed:
            return f"give a position, 1 to {len(self.header)}"
        if len(self.header) == 1:
            return "check the file"
        return "name one of these, or pass --set data.header=false if the first line is a row"

    def pieces(self, name: str) -> Iterator[list[str]]:
        """The cells of a column, chunk by chunk."""
        yield from (one.split(NUL) for one in self.packed[self.header.index(name)])

    def column(self, name: str) -> list[str]:
        """All cells of a column."""
        return list(chain.from_iterable(self.pieces(name)))

    def place(self, row: int, base: int = 0) -> str:
        """Where a row stands, for messages; it is counted from `base`."""
        return f"{self.where}, line {self.lines[base + row]}"


def read(name: str, path: str, layout: Layout = Layout()) -> Rows:
    """A file of rows in UTF-8; a byte-order mark is allowed, empty lines are left out.

    Args:
        name: of the data set, for messages.
        path: of the file.
        layout: how it is cut into cells.
    Raises:
        RequestError, PathError: when no readable file was named.
        DataError: for a file that is empty, binary, not UTF-8, or has rows of another width than its first.
    """
    if not path:
        raise RequestError(f"data {name}", "no file", "a CSV or TSV file with a header", f"pass --data {name}:FILE")
    csv.field_size_limit(LONGEST_FIELD)
    try:
        if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
            raise OSError(0, "not a regular file")
        _refuse_binary(path)
        with open(path, newline="", encoding="utf-8-sig") as file:
            return _pack(path, _records(path, _lines(path, file), layout), layout)
    except UnicodeDecodeError:
        raise _undecodable(path) from None
    except OSError as error:
        raise PathError(
            f"data {name}", f"{path} cannot be read ({error.strerror})", "a readable CSV or TSV file", "check the path"
        ) from None


def _pack(path: str, records: Iterator[tuple[list[str], int]], layout: Layout) -> Rows:
    """Check the width of each row, and pack chunks of them."""
    first = next(records, None)
    if first is None:
        raise DataError(path, "an empty file", "a header and at least one row", "check the file")
    header = _header(path, first[0]) if layout.header else [f"column {at + 1}" for at in range(len(first[0]))]
    packed: list[list[str]] = [[] for _ in header]
    chunk: list[list[str]] = []
    lines: list[np.ndarray] = []
    ends: list[int] = []
    for row, line in records if layout.header else chain([first], records):
        if len(row) != len(header):
            of = "header" if layout.header else "first row"
            raise DataError(
                f"{path}, line {line}", f"{len(row)} cells", f"{len(header)}, as in the {of}", "mend the line"
            )
        chunk.append(row)
        ends.append(line)
        if len(chunk) == CHUNK:
            _flush(packed, chunk)
            lines.append(np.array(ends, dtype=np.int64))
            chunk, ends = [], []
    if chunk:
        _flush(packed, chunk)
        lines.append(np.array(ends, dtype=np.int64))
    if not lines:
        raise DataError(path, "a header only", "a header and at least one row", "check the file")
    return Rows(path, header, packed, np.concatenate(lines), layout.header)


def _flush(packed: list[list[str]], chunk: Sequence[Sequence[str]]) -> None:
    for column, cells in zip(packed, zip(*chunk)):
        column.append(NUL.join(cells))


def _header(path: str, row: Sequence[str]) -> list[str]:
    header = [cell.strip() for cell in row]
    if len(set(header)) != len(header) or not all(header):
        raise DataError(
            path,
            f"header {','.join(header)[:200]}",
            "a name for each column, each once",
            "mend the first line, or pass --set data.header=false if it is a row",
        )
    return header


def _records(path: str, lines: Iterator[str], layout: Layout) -> Iterator[tuple[list[str], int]]:
    """Rows, each with the line it ends on."""
    separator = layout.separator
    if separator == "auto":
        separator = "tab" if Path(path).suffix.lower() == ".tsv" else "comma"
    if separator == "space":
        yield from _spaced(lines, layout)
        return
    reader = csv.reader(
        lines,
        delimiter=SEPARATORS[separator],
        quoting=csv.QUOTE_MINIMAL if layout.quoting else csv.QUOTE_NONE,
        strict=True,
    )
    done = 0
    try:
        for row in reader:
            if row:
                yield row, reader.line_num
            done = reader.line_num
    except csv.Error as error:
        raise DataError(
            path,
            f"not CSV in the row that begins on line {done + 1} ({error})",
            "rows with matching quotation marks",
            "mend the line, or pass --set data.quoting=false if quotation marks are ordinary characters",
        ) from None


def _spaced(lines: Iterator[str], layout: Layout) -> Iterator[tuple[list[str], int]]:
    width = 0 if layout.header else layout.rest
    for number, line in enumerate(lines, 1):
        cells = line.strip().split(None, width - 1)
        if cells:
            width = width or (len(cells) if layout.rest else 0)
            yield cells, number


def _lines(path: str, file: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(file, 1):
        if NUL in line:
            raise DataError(f"{path}, line {number}", "a NUL byte", "text", "remove it: tr -d '\\000' < FILE > OTHER")
        yield line


def _refuse_binary(path: str) -> None:
    """Refuse what is no text at all, by its first bytes."""
    with open(path, "rb") as file:
        start = file.read(1024)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(path, "UTF-16", "text in UTF-8", "convert it: iconv -f UTF-16 -t UTF-8 FILE > OTHER")
    if b"\0" in start and start != start.decode("utf-8", "ignore").encode():
        raise DataError(
            path, f"a binary file (its first bytes are {start[:4]!r})", "a CSV or TSV file", "export it as CSV in UTF-8"
        )


def _undecodable(path: str) -> DataError:
    """Where a file stops being UTF-8; read once more, as a decoder does not know the line."""
    with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
        for number, line in enumerate(file, 1):
            for at, letter in enumerate(line):
                if "\udc80" <= letter <= "\udcff":
                    before = len(line[:at].encode())
                    return DataError(
                        f"{path}, line {number}, byte {before + 1}",
                        f"{ord(letter) - 0xDC00:#04x}, which is not UTF-8",
                        "text in UTF-8",
                        "convert it from the encoding it has, such as Latin-1: iconv -f LATIN1 -t UTF-8 FILE > OTHER",
                    )
    raise AssertionError(path)  # the strict decoder refused it
