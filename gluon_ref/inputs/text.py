"""Texts as token indices, padded with 0: characters or words, by a vocabulary the training part made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ..records import Facts, Field
from ..samples import ArraySamples
from ._tokens import BEGIN, END, PADDING, UNKNOWN, collate, encode, read, tokens

__all__ = ["collate", "encode", "fields", "imagine", "read", "samples", "tokens", "trials", "vocabulary", "write"]

SUFFIX = ".txt"
BATCHES = (1, 2, 7)
# Of texts that an export is compared on: the shortest, and longer than most in training.
LENGTHS = (1, 5, 64, 250)


def fields(facts: Facts) -> tuple[Field, ...]:
    """Token indices (batch, time), 0 where padded, and the number of real tokens (batch,)."""
    return Field("tokens", (-1,), "int32"), Field("length", (), "int32")


def vocabulary(texts: Iterable[Sequence[str]], least: int = 1) -> tuple[str, ...]:
    """Tokens in index order: padding, unknown, then by falling frequency.

    Args:
        texts: the training part's texts as tokens; the held-out part must not be seen.
        least: how often a token must occur to get an index of its own.
    """
    from ..backend import gluonnlp  # here, so that artefacts answer without MXNet

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


def samples(texts: Sequence[str], targets: np.ndarray, facts: Facts) -> ArraySamples:
    """Texts with their targets, encoded."""
    inputs = np.empty(len(texts), dtype=object)
    inputs[:] = list(encode(texts, facts))
    return ArraySamples(inputs, targets, ragged=True)


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


def write(indices: np.ndarray, facts: Facts, path: Path) -> None:
    """A text as a file of one line."""
    found = [facts.vocab[index] for index in indices if facts.vocab[index] not in (BEGIN, END)]
    path.write_text((" " if facts.split == "word" else "").join(found) + "\n", encoding="utf-8")
