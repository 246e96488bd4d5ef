"""Your own table: a CSV or TSV file with a header, one column the target, the others numbers."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..errors import FitError
from ..inputs.vector import number
from ..records import Data, Facts
from ..samples import ArraySamples, split, statistics
from . import _rows


def load(
    path: str,
    known: Facts | None = None,
    *,
    label: str = "",
    target: Literal["label", "value"] = "label",
    held_out: float = 0.2,
    test: str = "",
) -> Data:
    """A table, as float32 rows in raw units.

    Args:
        path: a CSV file, or a TSV file ending in .tsv; UTF-8, the first line names the columns.
        known: of the table a network was trained on: then all rows are held out, and must have its columns and labels.
        label: the column to predict; empty for the last one, or the one a network was trained on.
        target: whether that column holds classes (label, for classify) or numbers (value, for regress).
        held_out: share of the rows held out, in (0, 1); the same rows each time, stratified for classes.
        test: another file with the same columns to hold out instead.
    Raises:
        PathError, DataError, FitError, UnknownNameError: for a file or column that is not as described.
    """
    rows = _rows.read("table", path)
    label = label or (known.column if known else "") or rows.header[-1]
    rows.column(label)
    if known:
        every = _samples(rows, label, known)
        return Data(known, ArraySamples(every.inputs[:0], every.targets[:0]), every)
    columns = tuple(name for name in rows.header if name != label)
    if not columns:
        raise FitError(path, "one column", "a target and at least one feature", "check the file")
    names, targets = _rows.labels(rows, label) if target == "label" else ((), _column(rows, label))
    features = _numbers(rows, columns)
    here, there = np.arange(len(targets)), np.arange(0)
    if not test:
        here, there = split(targets, held_out, stratify=target == "label")
    mean, std = statistics(features[here], axis=0)
    value = target == "value"
    facts = Facts(
        "vector",
        target,
        (len(columns),),
        labels=names,
        columns=columns,
        column=label,
        mean=mean,
        std=std,
        target_mean=float(targets[here].mean()) if value else 0.0,
        target_std=float(targets[here].std()) or 1.0 if value else 1.0,
    )
    rest = load(test, facts, label=label).held_out if test else ArraySamples(features[there], targets[there])
    return Data(facts, ArraySamples(features[here], targets[here]), rest)


def _samples(rows: _rows.Rows, label: str, facts: Facts) -> ArraySamples:
    """All rows, by the columns and labels of a training part."""
    targets = _rows.known(rows, label, facts.labels) if facts.target == "label" else _column(rows, label)
    return ArraySamples(_numbers(rows, facts.columns), targets)


def _numbers(rows: _rows.Rows, columns: tuple[str, ...]) -> np.ndarray:
    return np.stack([_column(rows, name) for name in columns], axis=1)  # (rows, features)


def _column(rows: _rows.Rows, name: str) -> np.ndarray:
    cells = [number(cell, f"{rows.where}, line {line}", name) for cell, line in zip(rows.column(name), rows.lines)]
    return np.array(cells, dtype=np.float32)
