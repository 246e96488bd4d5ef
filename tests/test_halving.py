"""Halves are exact to a hair, and their sums have the same bits in any order."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.halving import halves, largest


def test_the_largest_of_all_arrays_is_found_whatever_its_sign() -> None:
    assert largest([mx.nd.array([[1.0, 2.0]]), mx.nd.array([-7.0, 3.0, 0.0])]).asnumpy().tolist() == [7.0]


@pytest.mark.parametrize("count", [3, 5])
def test_halves_add_up_to_the_same_bits_in_any_order_and_to_the_sum(count: int) -> None:
    random = np.random.RandomState(0)
    whole = [(random.randn(2, 700) * 10.0 ** random.randint(-4, 3, (2, 700))).astype(np.float32) for _ in range(count)]
    given = [mx.nd.array(one) for one in whole]
    cut = [halves([one], largest(given), count) for one in given]
    sums = set()
    for order in itertools.permutations(range(count)):
        high, low = (sum(cut[at][half] for at in order[1:]) + cut[order[0]][half] for half in (0, 1))
        sums.add((high + low).asnumpy().tobytes())
    assert len(sums) == 1
    exact = np.sum(np.array(whole, dtype=np.float64), axis=0)
    found = np.frombuffer(sums.pop(), dtype=np.float32).reshape(2, 700)
    # float32 of the sum, and what lies below 2^-40 of the largest.
    np.testing.assert_allclose(found, exact, rtol=2**-23, atol=count * 2**-40 * np.abs(whole).max())


def test_several_arrays_give_a_high_and_a_low_half_each() -> None:
    given = [mx.nd.array([1.0, -0.5]), mx.nd.array([[0.1], [0.2], [0.3]])]
    found = halves(given, largest(given), 3)
    assert [one.shape for one in found] == [(2,), (2,), (3, 1), (3, 1)]
    np.testing.assert_allclose((found[2] + found[3]).asnumpy(), given[1].asnumpy(), rtol=2**-23)


def test_zeros_stay_zeros() -> None:
    given = [mx.nd.zeros((3,))]
    assert [one.asnumpy().tolist() for one in halves(given, largest(given), 3)] == [[0.0] * 3] * 2
