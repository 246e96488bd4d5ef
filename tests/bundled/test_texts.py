"""Texts of a bundle: the same indices, and the same padding, as in training."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gluon_ref.bundled import texts
from gluon_ref.errors import DataError
from gluon_ref.inputs import text
from tests.conftest import TEXT

REQUESTS = ["abc", "a b  c\tab", "zzz", " ", "ä🙂日本", "abcdefgabcdefg", "a\nb"]


@pytest.mark.parametrize("length", [0, 1, 4])
@pytest.mark.parametrize("split", ["character", "marked", "word", ""])
def test_texts_become_the_indices_of_training(split: str, length: int) -> None:
    vocab = (*TEXT.vocab, "<s>", "</s>", " ", "ab")
    facts = dataclasses.replace(TEXT, vocab=vocab, split=split, length=length)
    requests = [one for one in REQUESTS if one.strip()]
    ours, theirs = list(texts.read(requests, facts)), list(text.read(requests, facts))
    assert [name for name, _ in ours] == [name for name, _ in theirs]
    for (_, one), (_, other) in zip(ours, theirs):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
    collated = texts.collate([one for _, one in ours]), text.collate([one for _, one in theirs], facts)
    for one, other in zip(*collated):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


@pytest.mark.parametrize("steps", [1, 3, 4, 5])
def test_widths_are_rounded_up_as_in_training(steps: int) -> None:
    inputs = [np.full(steps, 2, dtype=np.int32), np.full(1, 3, dtype=np.int32)]
    for one, other in zip(texts.collate(inputs), text.collate(inputs, TEXT)):
        np.testing.assert_array_equal(one, other)


def test_an_empty_text_is_refused_in_the_same_words() -> None:
    with pytest.raises(DataError) as ours:
        list(texts.read(["a", " "], TEXT))
    with pytest.raises(DataError) as theirs:
        list(text.read(["a", " "], TEXT))
    assert str(ours.value) == str(theirs.value)
