"""Groups of arrays in a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gluon_ref import groups


def test_groups_come_back_in_order_whatever_their_number(tmp_path: Path) -> None:
    given = [(np.full((2, 3), at), np.arange(at, dtype=np.int32)) for at in range(12)]
    given[3] = (np.zeros(()),)
    groups.save(tmp_path / "some.npz", given)
    found = groups.load(tmp_path / "some.npz")
    assert [len(one) for one in found] == [2, 2, 2, 1, *[2] * 8]
    for one, other in zip(found, given):
        for a, b in zip(one, other):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype
