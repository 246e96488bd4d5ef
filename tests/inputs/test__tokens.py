"""Texts as indices and padded batches: what training, commands and bundles share."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gluon_ref.backend import gluonnlp
from gluon_ref.errors import DataError
from gluon_ref.inputs import _tokens, text
from tests.conftest import TEXT

REQUESTS = ["abc", "a b  c\tab", "zzz", "ä🙂日本", "abcdefgabcdefg", "a\nb"]


@pytest.mark.parametrize("length", [0, 1, 4])
@pytest.mark.parametrize("split", ["character", "marked", "word", ""])
def test_requests_become_the_indices_of_training(split: str, length: int) -> None:
    vocab = (*TEXT.vocab, "<s>", "</s>", " ", "ab")
    facts = dataclasses.replace(TEXT, vocab=vocab, split=split, length=length)
    samples = text.samples(REQUESTS, np.zeros(len(REQUESTS), dtype=np.int32), facts)
    for (name, one), request, other in zip(_tokens.read(REQUESTS, facts), REQUESTS, samples.inputs):
        assert name == request
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype == np.int32


@pytest.mark.parametrize("steps", [1, 5, 16, 17, 31, 33])
def test_batches_are_padded_as_gluonnlp_pads_them(steps: int) -> None:
    inputs = [np.full(steps, 2, dtype=np.int32), np.full(1, 3, dtype=np.int32), np.arange(2, dtype=np.int32)]
    # The eighth part of the power of two below.
    pad = gluonnlp.data.batchify.Pad(
        pad_val=0, ret_length=True, dtype="int32", round_to=4 if steps > 32 else 2 if steps > 16 else 1
    )
    for one, other in zip(_tokens.collate(inputs, TEXT), pad(inputs)):
        np.testing.assert_array_equal(one, other.asnumpy())
        assert one.dtype == np.int32


@pytest.mark.parametrize(
    ("longest", "width"), [(1, 1), (15, 15), (16, 16), (17, 18), (32, 32), (33, 36), (64, 64), (65, 72), (1000, 1024)]
)
def test_a_batch_is_as_wide_as_its_longest_text_or_little_wider(longest: int, width: int) -> None:
    assert _tokens.width(longest) == width


def test_the_widths_of_batches_are_few() -> None:
    widths = [_tokens.width(longest) for longest in range(1, 1025)]
    assert all(longest <= width < 1.125 * longest for longest, width in enumerate(widths, 1))
    assert len(set(widths)) == 15 + 6 * 8 + 1


def test_an_empty_text_is_refused() -> None:
    with pytest.raises(DataError, match=r"predict: an empty text; expected at least one character"):
        list(_tokens.read(["a", " "], TEXT))
