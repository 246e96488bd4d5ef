from __future__ import annotations

import hashlib

import numpy as np
import pytest

from gluon_ref.errors import DataError, OptionError
from gluon_ref.samples import ArraySamples, split, statistics, verify

LABELS = np.array([0] * 10 + [1] * 5 + [2] * 2 + [3])


def test_samples_are_taken_in_the_order_asked_for() -> None:
    samples = ArraySamples(np.array([[1, 2], [3, 4], [5, 6]]), np.array([7, 8, 9]))
    inputs, targets = samples.take(np.array([2, 0]))
    assert inputs.tolist() == [[5, 6], [1, 2]]
    assert targets.tolist() == [9, 7]
    assert len(samples) == 3


def test_only_ragged_samples_have_lengths() -> None:
    inputs = np.empty(2, dtype=object)
    inputs[:] = [np.arange(3), np.arange(5)]
    assert ArraySamples(inputs, np.zeros(2), ragged=True).lengths.tolist() == [3, 5]
    assert ArraySamples(np.zeros((2, 3)), np.zeros(2)).lengths is None


def test_a_stratified_split_takes_its_share_of_each_class_and_one_of_any_that_has_two() -> None:
    train, held_out = split(LABELS, 0.2, stratify=True)
    assert np.bincount(LABELS[held_out], minlength=4).tolist() == [2, 1, 1, 0]
    assert sorted([*train, *held_out]) == list(range(len(LABELS)))


def test_a_plain_split_takes_its_share_of_all() -> None:
    train, held_out = split(np.arange(10.0), 0.3, stratify=False)
    assert (len(train), len(held_out)) == (7, 3)
    assert sorted([*train, *held_out]) == list(range(10))


@pytest.mark.parametrize("stratify", [True, False])
def test_a_split_is_sorted_and_the_same_each_time_but_for_another_seed(stratify: bool) -> None:
    first, second, other = (split(LABELS, 0.4, stratify=stratify, seed=seed) for seed in (3, 3, 4))
    for part in range(2):
        assert first[part].tolist() == sorted(first[part]) == second[part].tolist()
    assert first[1].tolist() != other[1].tolist()


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, float("nan")])
def test_a_share_outside_0_to_1_is_refused(share: float) -> None:
    with pytest.raises(OptionError) as caught:
        split(LABELS, share, stratify=False)
    assert str(caught.value) == (
        f"data: held_out={share}; expected a share above 0 and below 1; pass --set data.held_out=0.2"
    )


@pytest.mark.parametrize(("count", "stratify"), [(0, True), (0, False), (1, True), (1, False), (2, False)])
def test_too_few_samples_for_two_parts_are_refused(count: int, stratify: bool) -> None:
    with pytest.raises(DataError, match=f"data: {count} samples; expected enough for a training and a held-out part"):
        split(np.zeros(count), 0.1, stratify=stratify)


def test_statistics_are_the_mean_and_deviation_with_1_for_what_never_varies() -> None:
    assert statistics(np.array([[1, 5], [3, 5]]), axis=0) == ((2.0, 5.0), (1.0, 1.0))
    images = np.array([[[[0, 2]], [[7, 7]]]])  # (1, 2, 1, 2)
    assert statistics(images, axis=(0, 2, 3)) == ((1.0, 7.0), (1.0, 1.0))


def test_contents_other_than_the_published_ones_are_refused() -> None:
    expected = hashlib.sha256(b"ab").hexdigest()
    verify("data digits", (b"a", b"b"), expected, "scikit-learn 1.3")
    with pytest.raises(DataError) as caught:
        verify("data digits", (b"a", b"c"), expected, "scikit-learn 1.3")
    found = hashlib.sha256(b"ac").hexdigest()[:12]
    assert str(caught.value) == (
        f"data digits: contents with checksum {found}; expected {expected[:12]}, as shipped by scikit-learn 1.3; "
        "install scikit-learn 1.3"
    )


def test_a_class_of_two_has_one_on_either_side_however_much_is_held_out() -> None:
    targets = np.array([0, 0, *[1] * 10])
    train, held_out = split(targets, 0.9, stratify=True)
    assert (targets[train] == 0).sum() == (targets[held_out] == 0).sum() == 1
