from __future__ import annotations

import numpy as np
import pytest

from gluon_ref.batching import batches, plan, recut
from gluon_ref.inputs import _tokens, text, vector
from gluon_ref.samples import ArraySamples
from gluon_ref.workers import Group
from tests.conftest import TEXT, VECTOR

ROWS = ArraySamples(np.arange(35.0).reshape(7, 5), np.arange(7, dtype=np.int32))


def texts(lengths: list[int]) -> ArraySamples:
    inputs = np.empty(len(lengths), dtype=object)
    inputs[:] = [np.ones(length, dtype=np.int32) for length in lengths]
    return ArraySamples(inputs, np.arange(len(lengths), dtype=np.int32), ragged=True)


TEXTS = texts([*range(1, 24), 3, 3])
# As in the recipes' data: most are short, some four times as long.
SHORT = texts(np.random.RandomState(0).gamma(4, 4, 5000).astype(int).clip(1, 70).tolist())
LONG = texts(np.random.RandomState(0).gamma(4, 40, 10000).astype(int).clip(10, 700).tolist())


def padded(samples: ArraySamples, order: list[np.ndarray], workers: int = 1) -> float:
    """Share of padded steps, each worker's part padded on its own."""
    lengths = samples.lengths
    parts = [part for batch in order for part in np.array_split(batch, workers) if len(part)]
    steps = sum(len(part) * _tokens.width(int(lengths[part].max())) for part in parts)
    return 1 - float(lengths.sum()) / steps


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


@pytest.mark.parametrize("samples", [SHORT, LONG], ids=["short", "long"])
@pytest.mark.parametrize(("size", "workers"), [(32, 1), (64, 1), (64, 2), (128, 2)])
@pytest.mark.parametrize("seed", [None, 3])
def test_less_than_a_tenth_of_the_steps_is_padding(
    samples: ArraySamples, size: int, workers: int, seed: int | None
) -> None:
    order = plan(samples, size, seed)
    assert padded(samples, order, workers) < 0.1
    assert padded(samples, [np.random.RandomState(0).permutation(np.concatenate(order))], workers) > 0.5


@pytest.mark.parametrize("samples", [SHORT, LONG, TEXTS], ids=["short", "long", "few"])
@pytest.mark.parametrize("seed", [None, 3, 4])
def test_all_batches_are_full_but_one_whatever_the_seed(samples: ArraySamples, seed: int | None) -> None:
    sizes = sorted(map(len, plan(samples, 32, seed)))
    assert sizes == [len(samples) % 32, *[32] * (len(samples) // 32)]


def test_texts_of_a_rare_length_meet_others_in_the_next_epoch() -> None:
    samples = texts(list(range(100, 400)))
    first, second = ({frozenset(batch.tolist()) for batch in plan(samples, 10, seed)} for seed in (1, 2))
    assert len(first) == 30
    assert len(first & second) < 5


def test_texts_of_a_common_length_meet_some_of_the_next_length_too() -> None:
    samples = texts([10] * 100 + [11] * 100)
    lengths = samples.lengths
    mixed = [batch for batch in plan(samples, 10, seed=1) if len(set(lengths[batch].tolist())) == 2]
    assert len(mixed) > 1


def test_short_and_long_texts_take_turns() -> None:
    lengths = SHORT.lengths
    longest = [int(lengths[batch].max()) for batch in plan(SHORT, 32, seed=1)]
    half = len(longest) // 2
    assert np.mean(longest[:half]) == pytest.approx(np.mean(longest[half:]), rel=0.2)  # halves of 78 batches


def test_the_rest_of_a_plan_is_cut_anew_with_every_sample_once() -> None:
    order = plan(TEXTS, 3, seed=2)
    again = recut(order, 2, 4)
    assert [batch.tolist() for batch in again[:2]] == [batch.tolist() for batch in order[:2]]
    assert [len(batch) for batch in again[2:]] == [4, 4, 4, 4, 3]
    assert sorted(np.concatenate(again)) == list(range(len(TEXTS)))


def test_workers_pad_their_own_parts_of_a_batch() -> None:
    class Second(Group):
        rank, workers = 1, 2

    (batch,) = batches(TEXTS, [np.array([19, 10, 4, 1])], text, TEXT, group=Second())
    assert batch.inputs[0].shape == (2, 5)
    assert (batch.inputs[1].tolist(), batch.size) == ([5, 2], 4)


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
    assert tokens.shape == (2, 5)
    assert length.tolist() == [2, 5]
