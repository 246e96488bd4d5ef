from __future__ import annotations

import numpy as np

from gluon_ref.data import breast_cancer


def test_the_tumours_are_212_malignant_and_357_benign_ones() -> None:
    data = breast_cancer.load("")
    assert data.facts.labels == ("malignant", "benign")
    assert (data.facts.columns[0], data.facts.shape) == ("mean radius", (30,))
    assert (np.bincount(data.train.targets) + np.bincount(data.held_out.targets)).tolist() == [212, 357]
