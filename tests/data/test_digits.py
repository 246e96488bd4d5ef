from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from gluon_ref.data import digits


def test_the_digits_are_8x8_images_of_ten_classes() -> None:
    data = digits.load("")
    assert data.facts.labels == tuple("0123456789")
    assert (data.facts.takes, data.facts.shape) == ("image", (1, 8, 8))
    assert data.train.inputs.shape == (1438, 1, 8, 8)


def test_0_to_16_becomes_0_to_255() -> None:
    data = digits.load("")
    assert data.train.inputs.dtype == np.uint8
    assert (data.train.inputs.min(), data.train.inputs.max()) == (0, 255)
    sixteenths = np.unique(load_digits().images)
    assert np.unique(data.train.inputs).tolist() == np.rint(sixteenths * 255 / 16).tolist()
