"""Texts as token indices, by a vocabulary that is known; needs neither MXNet nor GluonNLP."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from ..errors import DataError
from ..records import Facts
from . import _lines

PADDING, UNKNOWN, BEGIN, END = "<pad>", "<unk>", "<s>", "</s>"
# Of padded batches, from a power of two to the next: each new width costs MXNet memory, each padded step time.
WIDTHS = 8


def tokens(text: str, split: str, length: int = 0) -> list[str]:
    """The tokens of a text.

    Args:
        text: as the person wrote it; case and spaces count.
        split: "character"; "marked" for characters between a mark of the text's begin and one of its end; or "word"
            for what stands between white space.
        length: how many to keep, marks not counted; 0 for all.
    """
    parts = text.split() if split == "word" else list(text)
    kept = parts[:length] if length else parts
    return [BEGIN, *kept, END] if split == "marked" else kept


def encode(texts: Iterable[str], facts: Facts) -> Iterator[np.ndarray]:
    """Texts as int32 (time,) each; a text with no token becomes one unknown token."""
    known = _known(facts)
    return (_encoded(text, known, facts) for text in texts)


def read(requests: Iterable[str], facts: Facts) -> Iterator[tuple[str, np.ndarray]]:
    """Texts: each request is one, "-" stands for the lines of standard input.

    Yields:
        the text, and int32 (time,).
    Raises:
        DataError: for an empty text.
    """
    known = _known(facts)
    for text in _lines.texts(requests):
        if not text.strip():
            raise DataError(
                "predict", "an empty text", "at least one character", "give a text, or - for lines on standard input"
            )
        yield text, _encoded(text, known, facts)


def collate(inputs: Sequence[np.ndarray], facts: Facts) -> tuple[np.ndarray, ...]:
    """Texts, padded with 0: int32 (batch, time) and int32 (batch,)."""
    length = np.array([len(one) for one in inputs], dtype=np.int32)
    padded = np.zeros((len(inputs), width(int(length.max()))), dtype=np.int32)
    for row, one in zip(padded, inputs):
        row[: len(one)] = one
    return padded, length


def width(longest: int) -> int:
    """The width of a batch whose longest text has that many tokens: up to an eighth more, so that few widths occur."""
    step = max(1, (1 << longest.bit_length()) // (2 * WIDTHS))
    return -(-longest // step) * step


def _known(facts: Facts) -> dict[str, int]:
    return {token: index for index, token in enumerate(facts.vocab)}


def _encoded(text: str, known: Mapping[str, int], facts: Facts) -> np.ndarray:
    found = [known.get(token, 1) for token in tokens(text, facts.split, facts.length)]
    return np.array(found or [1], dtype=np.int32)
