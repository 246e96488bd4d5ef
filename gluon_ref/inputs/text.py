"""Texts as token indices, padded with 0: characters or words, by a vocabulary the training part made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ..backend import gluonnlp
from ..errors import DataError
from ..records import Facts, Field
from ..samples import ArraySamples
from ._lines import standard_input

SUFFIX = ".txt"
BATCHES = (1, 2, 7)
# Of texts that an export is compared on: the shortest, and longer than most in training.
LENGTHS = (1, 5, 64, 250)
PADDING, UNKNOWN, BEGIN, END = "<pad>", "<unk>", "<s>", "</s>"
# Widths of padded batches are multiples of this, which bounds the number of shapes MXNet prepares for.
STEP = 4


def fields(facts: Facts) -> tuple[Field, ...]:
    """Token indices (batch, time), 0 where padded, and the number of real tokens (batch,)."""
    return Field("tokens", (-1,), "int32"), Field("length", (), "int32")


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


def vocabulary(texts: Iterable[Sequence[str]], least: int = 1) -> tuple[str, ...]:
    """Tokens in index order: padding, unknown, then by falling frequency.

    Args:
        texts: the training part's texts as tokens; the held-out part must not be seen.
        least: how often a token must occur to get an index of its own.
    """
    counter = Counter(token for text in texts for token in text)
    vocab = gluonnlp.Vocab(
        counter,
        min_freq=least,
        unknown_token=UNKNOWN,
        padding_token=PADDING,
        bos_token=None,
        eos_token=None,
        token_to_idx={PADDING: 0, UNKNOWN: 1},
    )
    return tuple(vocab.idx_to_token)


def encode(texts: Iterable[str], facts: Facts) -> Iterator[np.ndarray]:
    """Texts as int32 (time,) each; a text with no token becomes one unknown token."""
    known = {token: index for index, token in enumerate(facts.vocab)}
    for text in texts:
        found = [known.get(token, 1) for token in tokens(text, facts.split, facts.length)]
        yield np.array(found or [1], dtype=np.int32)


def samples(texts: Sequence[str], targets: np.ndarray, facts: Facts) -> ArraySamples:
    """Texts with their targets, encoded."""
    inputs = np.empty(len(texts), dtype=object)
    inputs[:] = list(encode(texts, facts))
    return ArraySamples(inputs, targets, ragged=True)


def collate(inputs: Sequence[np.ndarray], facts: Facts) -> tuple[np.ndarray, ...]:
    """Texts, padded: int32 (batch, time) and int32 (batch,)."""
    pad = gluonnlp.data.batchify.Pad(pad_val=0, ret_length=True, dtype="int32", round_to=STEP)
    padded, length = pad(list(inputs))
    return padded.asnumpy(), length.asnumpy().astype(np.int32)


def imagine(facts: Facts, count: int, random: np.random.RandomState) -> np.ndarray:
    """Made-up texts for checks that need no data: any tokens, 1 to 40 of them, the first text of one token."""
    return _objects(
        [random.randint(1, len(facts.vocab), 1 if not at else random.randint(1, 41)) for at in range(count)]
    )


def trials(facts: Facts, random: np.random.RandomState) -> Iterator[tuple[str, np.ndarray]]:
    """Made-up texts that an export is compared on: several batch sizes and lengths, one token over and over."""
    for size in BATCHES:
        yield f"random, batch {size}", imagine(facts, size, random)
    for steps in LENGTHS:
        yield f"length {steps}", _objects([random.randint(1, len(facts.vocab), steps) for _ in range(2)])
    last = len(facts.vocab) - 1
    yield "extreme values", _objects([np.full(steps, token) for steps in (1, LENGTHS[-1]) for token in (1, last)])


def _objects(texts: Sequence[np.ndarray]) -> np.ndarray:
    found = np.empty(len(texts), dtype=object)
    found[:] = [text.astype(np.int32) for text in texts]
    return found


def read(requests: Iterable[str], facts: Facts) -> Iterator[tuple[str, np.ndarray]]:
    """Texts: each request is one, "-" stands for the lines of standard input.

    Yields:
        the text, and int32 (time,).
    Raises:
        DataError: for an empty text.
    """
    for text in _lines(requests):
        if not text.strip():
            raise DataError(
                "predict", "an empty text", "at least one character", "give a text, or - for lines on standard input"
            )
        yield text, next(encode([text], facts))


def _lines(requests: Iterable[str]) -> Iterator[str]:
    for request in requests:
        if request == "-":
            yield from (line.rstrip("\r\n") for line in standard_input() if line.strip())
        else:
            yield request


def write(indices: np.ndarray, facts: Facts, path: Path) -> None:
    """A text as a file of one line."""
    found = [facts.vocab[index] for index in indices if facts.vocab[index] not in (BEGIN, END)]
    path.write_text((" " if facts.split == "word" else "").join(found) + "\n", encoding="utf-8")
