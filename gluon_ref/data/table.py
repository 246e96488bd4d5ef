"""Your own table: a CSV or TSV file, one column the target, the others numbers or categories, with gaps.

    age,sex,fare,port,survived
    22,male,7.25,S,no
    38,female,71.2833,C,yes
    ,female,7.925,S,yes

    gluonref train mlp --data table:FILE.csv --set data.label=survived

A column whose cells are all numbers, missing ones aside, is one of numbers: one feature, and where some are missing a
second one that tells so. Any other is one of categories: a feature for each of its values. A missing cell is an empty
one, NA, N/A, n/a, #N/A, <NA>, NaN, nan, NULL, null or ?; among categories it is a value of its own. Files are in
UTF-8; a byte-order mark, CRLF and quoted cells that hold separators or line breaks are read.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from ..errors import FitError, require
from ..inputs._columns import Unseen, encode, numbers, parse
from ..records import Data, Facts, Samples
from ..samples import ArraySamples, split
from . import _labels, _rows
from ._features import Raw, describe, raw, trained, warn_constant


@dataclass(frozen=True)
class TableSamples:
    """Rows with categories or gaps, encoded as they are asked for: four bytes a cell, however many categories.

    Args:
        columns: float32 (rows,) numbers, or int32 (rows,) categories, of each column.
        targets: int32 (rows,) labels, or float32 (rows,) values.
        facts: of the training part.
    """

    columns: tuple[np.ndarray, ...]
    targets: np.ndarray
    facts: Facts

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Features and targets of the rows at `indices`, in that order."""
        return encode([column[indices] for column in self.columns], self.facts), self.targets[indices]

    @property
    def lengths(self) -> None:
        """None, as all rows are alike."""
        return None


def load(
    path: str,
    known: Facts | None = None,
    *,
    label: str = "",
    target: Literal["label", "value"] = "label",
    category: tuple[str, ...] = (),
    ignore: tuple[str, ...] = (),
    header: bool = True,
    separator: Literal["auto", "comma", "tab", "semicolon", "space"] = "auto",
    quoting: bool = True,
    held_out: float = 0.2,
    test: str = "",
) -> Data:
    """A table: numbers in raw units, categories and gaps as ones and zeros.

    Args:
        path: the file, in UTF-8.
        known: of the table a network was trained on: then all rows are held out, and must have its columns and labels.
        label: the column to predict, by name or by position from 1; empty for the last, or the one trained on. A name
            that the header has counts before a position.
        target: whether that column holds classes (label, for classify) or numbers (value, for regress).
        category: columns of numbers to take as categories, by name or position.
        ignore: columns to leave out, such as ids and names, by name or position.
        header: the first row names the columns; else they are called "column 1", "column 2" ...
        separator: what stands between cells; auto is a tab in files ending in .tsv, else a comma; space is any run of
            white space, with quotation marks as ordinary characters.
        quoting: quotation marks enclose cells; else they are ordinary characters.
        held_out: share of the rows held out, in (0, 1); the same rows each time, stratified for classes.
        test: another file with the same columns to hold out instead.
    Raises:
        OptionError, PathError, DataError, FitError, UnknownNameError: for an option, a file or a column that is not as
            described.
    """
    require(0 < held_out < 1, "data table", "held_out", held_out, "a share above 0 and below 1", 0.2)
    layout = _rows.Layout(header, separator, quoting)
    if known:
        return Data(known, *_known(_rows.read("table", path, layout), label, known))
    names, targets, columns, label = _read(_rows.read("table", path, layout), label, target, category, ignore)
    here, there = np.arange(len(targets)), np.arange(0)
    if not test:
        here, there = split(targets, held_out, stratify=target == "label")
    value = target == "value"
    facts = dataclasses.replace(
        describe(path, columns, here),
        target=target,
        labels=names,
        column=label,
        target_mean=float(targets[here].mean()) if value else 0.0,
        target_std=float(targets[here].std()) or 1.0 if value else 1.0,
    )
    warn_constant(path, columns, here)
    unseen = Unseen()
    parsed = trained(columns, facts, unseen)
    unseen.tell(path)
    train = _samples([cells[here] for cells in parsed], targets[here], facts)
    if test:
        return Data(facts, train, _known(_rows.read("table", test, layout), label, facts)[1])
    return Data(facts, train, _samples([cells[there] for cells in parsed], targets[there], facts))


def _read(
    rows: _rows.Rows, label: str, target: str, category: Sequence[str], ignore: Sequence[str]
) -> tuple[tuple[str, ...], np.ndarray, list[Raw], str]:
    """Class names, targets, the columns to learn from, and the name of the target's."""
    label = rows.name(label) if label else rows.header[-1]
    left_out, forced = ({rows.name(one) for one in given} for given in (ignore, category))
    if label in left_out | forced:
        raise FitError(
            rows.where, f"{label} is the column to predict", "others in data.ignore and data.category", "take it out"
        )
    columns = [name for name in rows.header if name != label and name not in left_out]
    if not columns:
        raise FitError(
            rows.where,
            "one column" if len(rows.header) == 1 else "no column left to learn from",
            "a target and at least one feature",
            rows.advice() if len(rows.header) == 1 else "ignore fewer",
        )
    names, targets = _labels.labels(rows, label) if target == "label" else ((), _values(rows, label))
    return names, targets, raw(rows, columns, forced), label


def _known(rows: _rows.Rows, label: str, facts: Facts) -> tuple[Samples, Samples]:
    """No rows and all rows, by the columns and labels of a training part."""
    if label not in rows.header:
        # A position is one in the training file; its column may stand elsewhere here.
        label = facts.column or label or rows.header[-1]
    label = rows.name(label)
    targets = _labels.known(rows, label, facts.labels) if facts.target == "label" else _values(rows, label)
    cells = [rows.pieces(rows.name(name)) for name in facts.columns]
    unseen, parsed, done = Unseen(), [], 0
    for chunk in zip(*cells):
        parsed.append(parse(chunk, facts, partial(rows.place, base=done), unseen))
        done += len(chunk[0])
    unseen.tell(rows.where)
    columns = [np.concatenate(parts) for parts in zip(*parsed)]
    return _samples([one[:0] for one in columns], targets[:0], facts), _samples(columns, targets, facts)


def _samples(columns: Sequence[np.ndarray], targets: np.ndarray, facts: Facts) -> Samples:
    if facts.categories or facts.gaps:
        return TableSamples(tuple(columns), targets, facts)
    return ArraySamples(encode(columns, facts), targets)


def _values(rows: _rows.Rows, name: str) -> np.ndarray:
    """float32 (rows,), the numbers of a target."""
    parts, done = [], 0
    for cells in rows.pieces(name):
        parts.append(numbers(cells, name, partial(rows.place, base=done), gap=False))
        done += len(cells)
    return np.concatenate(parts)
