"""Your own texts: a CSV or TSV file, one column the label, one the text.

    label,text
    up,"good, and well made"
    down,bad

    gluonref train lstm --data text_table:FILE.csv

Columns are named by the header, or by their position where there is none:

    gluonref train lstm --data text_table:FILE.tsv --set data.header=false --set data.label=1 --set data.text=2

Files are in UTF-8; a byte-order mark, CRLF and quoted cells that hold separators or line breaks are read. Where
quotation marks are ordinary characters, as in plain text, add --set data.quoting=false.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..errors import DataError, FitError, require
from ..inputs import text as form
from ..records import Data, Facts
from ..samples import ArraySamples, split
from . import _labels, _rows


def load(
    path: str,
    known: Facts | None = None,
    *,
    text: str = "text",
    label: str = "label",
    tokens: Literal["character", "marked", "word"] = "word",
    length: int = 256,
    least: int = 2,
    header: bool = True,
    separator: Literal["auto", "comma", "tab", "semicolon", "space"] = "auto",
    quoting: bool = True,
    held_out: float = 0.2,
    test: str = "",
) -> Data:
    """Texts with a label each, as token indices.

    Args:
        path: the file, in UTF-8.
        known: of the texts a network was trained on: then all rows are held out, with its vocabulary and labels.
        text: the column with the texts, by name or by position from 1; a name that the header has counts before a
            position.
        label: the column with the classes, likewise.
        tokens: what a text is cut into; marked characters also tell where a text begins and ends, and a word is what
            stands between white space.
        length: tokens kept of a text, 1 or more.
        least: how often a token must occur in the training part to be known, 1 or more.
        header: the first row names the columns; else they are called "column 1", "column 2" ...
        separator: what stands between cells; auto is a tab in files ending in .tsv, else a comma; space is any run of
            white space, with quotation marks as ordinary characters, and the last column takes the rest of the line.
        quoting: quotation marks enclose cells; else they are ordinary characters.
        held_out: share of the rows held out, in (0, 1); the same rows each time, stratified.
        test: another file with the same columns to hold out instead.
    Raises:
        OptionError, PathError, DataError, FitError, UnknownNameError: for an option, a file or a column that is not as
            described.
    """
    require(length >= 1, "data text_table", "length", length, "1 or more", 256)
    require(least >= 1, "data text_table", "least", least, "1 or more", 2)
    require(0 < held_out < 1, "data text_table", "held_out", held_out, "a share above 0 and below 1", 0.2)
    rest = max([int(one) for one in (text, label) if one.isascii() and one.isdigit()], default=2)
    layout = _rows.Layout(header, separator, quoting, rest)
    rows = _rows.read("text_table", path, layout)
    if known:
        every = _known(rows, text, label, known)
        return Data(known, form.samples([], every.targets[:0], known), every)
    text, label = rows.name(text), rows.name(label)
    if text == label:
        raise FitError(path, f"{text} as text and as label", "a column each", "name another: --set data.text=COLUMN")
    texts = _texts(rows, text)
    names, targets = _labels.labels(rows, label)
    here, there = (np.arange(len(texts)), np.arange(0)) if test else split(targets, held_out, stratify=True)
    train = [texts[at] for at in here]
    vocab = form.vocabulary((form.tokens(one, tokens, length) for one in train), least)
    facts = Facts("text", "label", (-1,), labels=names, vocab=vocab, split=tokens, length=length)
    if test:
        other = _known(_rows.read("text_table", test, layout), text, label, facts)
    else:
        other = form.samples([texts[at] for at in there], targets[there], facts)
    return Data(facts, form.samples(train, targets[here], facts), other)


def _known(rows: _rows.Rows, text: str, label: str, facts: Facts) -> ArraySamples:
    """All rows, by the vocabulary and labels of a training part."""
    texts = _texts(rows, rows.name(text))
    return form.samples(texts, _labels.known(rows, rows.name(label), facts.labels), facts)


def _texts(rows: _rows.Rows, column: str) -> list[str]:
    texts = rows.column(column)
    for row, one in enumerate(texts):
        if not one.strip():
            raise DataError(rows.place(row), f"an empty {column}", "a text in each row", "leave the row out")
    return texts
