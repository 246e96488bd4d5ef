"""Texts as token indices, without gluonnlp: the same tokens, vocabulary and padding as in training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ..errors import DataError
from ..inputs._lines import standard_input
from ..records import Facts

UNKNOWN = 1
BEGIN, END = "<s>", "</s>"
STEP = 4  # widths are multiples of this


def read(requests: Iterable[str], facts: Facts) -> Iterator[tuple[str, np.ndarray]]:
    """Texts: each request is one, "-" stands for the lines of standard input.

    Yields:
        the text, and int32 (time,).
    Raises:
        DataError: for an empty text.
    """
    known = {token: index for index, token in enumerate(facts.vocab)}
    for text in _lines(requests):
        if not text.strip():
            raise DataError(
                "predict", "an empty text", "at least one character", "give a text, or - for lines on standard input"
            )
        found = [known.get(token, UNKNOWN) for token in tokens(text, facts.split, facts.length)]
        yield text, np.array(found, dtype=np.int32)


def tokens(text: str, split: str, length: int) -> list[str]:
    """The tokens of a text.

    Args:
        text: as the person wrote it; case and spaces count.
        split: "character"; "marked" for characters between two marks; or "word" for what white space parts.
        length: how many to keep, marks not counted; 0 for all.
    """
    parts = text.split() if split == "word" else list(text)
    kept = parts[:length] if length else parts
    return [BEGIN, *kept, END] if split == "marked" else kept


def collate(inputs: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """Texts, padded with 0: int32 (batch, time) and int32 (batch,)."""
    length = np.array([len(one) for one in inputs], dtype=np.int32)
    padded = np.zeros((len(inputs), -(-int(length.max()) // STEP) * STEP), dtype=np.int32)
    for row, one in zip(padded, inputs):
        row[: len(one)] = one
    return padded, length


def _lines(requests: Iterable[str]) -> Iterator[str]:
    for request in requests:
        if request == "-":
            yield from (line.rstrip("\r\n") for line in standard_input() if line.strip())
        else:
            yield request
