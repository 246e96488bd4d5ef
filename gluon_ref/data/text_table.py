"""Your own texts: a CSV or TSV file with a header, one column the label, one the text."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..errors import DataError, require
from ..inputs import text as form
from ..records import Data, Facts
from ..samples import split
from . import _rows


def load(
    path: str,
    known: Facts | None = None,
    *,
    text: str = "text",
    label: str = "label",
    tokens: Literal["character", "marked", "word"] = "word",
    length: int = 256,
    least: int = 2,
    held_out: float = 0.2,
    test: str = "",
) -> Data:
    """Texts with a label each, as token indices.

    Args:
        path: a CSV file, or a TSV file ending in .tsv; UTF-8, the first line names the columns.
        known: of the texts a network was trained on: then all rows are held out, with its vocabulary and labels.
        text: the column with the texts.
        label: the column with the classes.
        tokens: what a text is cut into; marked characters also tell where a text begins and ends, and a word is what
            stands between white space.
        length: tokens kept of a text, 1 or more.
        least: how often a token must occur in the training part to be known, 1 or more.
        held_out: share of the rows held out, in (0, 1); the same rows each time, stratified.
        test: another file with the same columns to hold out instead.
    Raises:
        PathError, DataError, FitError, UnknownNameError: for a file or column that is not as described.
    """
    require(length >= 1, "data text_table", "length", length, "1 or more", 256)
    require(least >= 1, "data text_table", "least", least, "1 or more", 2)
    rows = _rows.read("text_table", path)
    texts = _texts(rows, text)
    if known:
        targets = _rows.known(rows, label, known.labels)
        return Data(known, form.samples([], targets[:0], known), form.samples(texts, targets, known))
    names, targets = _rows.labels(rows, label)
    here, there = (np.arange(len(texts)), np.arange(0)) if test else split(targets, held_out, stratify=True)
    train = [texts[at] for at in here]
    vocab = form.vocabulary((form.tokens(one, tokens, length) for one in train), least)
    facts = Facts("text", "label", (-1,), labels=names, vocab=vocab, split=tokens, length=length)
    if test:
        rest = load(test, facts, text=text, label=label).held_out
    else:
        rest = form.samples([texts[at] for at in there], targets[there], facts)
    return Data(facts, form.samples(train, targets[here], facts), rest)


def _texts(rows: _rows.Rows, column: str) -> list[str]:
    texts = rows.column(column)
    for one, line in zip(texts, rows.lines):
        if not one.strip():
            raise DataError(
                f"{rows.where}, line {line}", f"an empty {column}", "a text in each row", "leave the row out"
            )
    return texts
