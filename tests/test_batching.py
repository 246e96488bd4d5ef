from __future__ import annotations

import numpy as np
import pytest

from gluon_ref.batching import batches, plan
from gluon_ref.inputs import text, vector
from gluon_ref.samples import ArraySamples
from tests.conftest import TEXT, VECTOR

ROWS = ArraySamples(np.arange(35.0).reshape(7, 5), np.arange(7, dtype=np.int32))


def texts(lengths: list[int]) -> ArraySamples:
    inputs = np.empty(len(lengths), dtype=object)
    inputs[:] = [np.ones(length, dtype=np.int32) for length in lengths]
    return ArraySamples(inputs, np.arange(len(lengths), dtype=np.int32), ragged=True)


TEXTS = texts([*range(1, 24), 3, 3])


def test_without_a_seed_the_samples_keep_their_order() -> None:
    assert [batch.tolist() for batch in plan(ROWS, 3)] == [[0, 1, 2], [3, 4, 5], [6]]


@pytest.mark.parametrize("samples", [ROWS, TEXTS], ids=["rows", "texts"])
@pytest.mark.parametrize("seed", [None, 0, 5])
def test_every_sample_is_in_one_batch_of_at_most_that_size(samples: ArraySamples, seed: int | None) -> None:
    order = plan(samples, 3, seed)
    assert sorted(np.concatenate(order)) == list(range(len(samples)))
    assert max(map(len, order)) == 3


@pytest.mark.parametrize("samples", [ROWS, TEXTS], ids=["rows", "texts"])
def test_the_same_seed_gives_the_same_batches_and_another_seed_others(samples: ArraySamples) -> None:
    first, second, other = ([batch.tolist() for batch in plan(samples, 3, seed)] for seed in (3, 3, 4))
    assert first == second != other


def test_texts_of_like_length_share_a_batch() -> None:
    samples = texts([2] * 4 + [30] * 4)
    assert [sorted(samples.lengths[batch].tolist()) for batch in plan(samples, 4)] == [[30] * 4, [2] * 4]


def test_the_global_generator_is_left_untouched() -> None:
    np.random.seed(7)
    expected = np.random.rand(3).tolist()
    np.random.seed(7)
    plan(TEXTS, 3, seed=1)
    plan(ROWS, 3, seed=1)
    plan(TEXTS, 3)
    assert np.random.rand(3).tolist() == expected


def test_batches_are_typed_arrays_with_their_targets_and_size() -> None:
    first, last = batches(ROWS, [np.array([4, 0]), np.array([6])], vector, VECTOR)
    assert first.inputs[0].dtype == np.float32
    assert first.inputs[0].tolist() == [[20, 21, 22, 23, 24], [0, 1, 2, 3, 4]]
    assert (first.targets.tolist(), first.size, last.size) == ([4, 0], 2, 1)


def test_batches_of_texts_are_padded() -> None:
    (batch,) = batches(TEXTS, [np.array([1, 4])], text, TEXT)
    tokens, length = batch.inputs
    assert tokens.shape == (2, 8)
    assert length.tolist() == [2, 5]
