from __future__ import annotations

import numpy as np

from gluon_ref.data import wine


def test_the_wines_are_59_71_and_48_of_three_growers() -> None:
    data = wine.load("")
    assert data.facts.labels == ("class_0", "class_1", "class_2")
    assert (data.facts.columns[0], data.facts.shape) == ("alcohol", (13,))
    assert (np.bincount(data.train.targets) + np.bincount(data.held_out.targets)).tolist() == [59, 71, 48]
