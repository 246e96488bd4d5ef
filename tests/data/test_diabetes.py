from __future__ import annotations

import numpy as np
import pytest

from gluon_ref.data import diabetes


def test_the_patients_carry_a_value_whose_statistics_are_those_of_the_training_part() -> None:
    data = diabetes.load("")
    assert (data.facts.target, data.facts.labels, data.facts.shape) == ("value", (), (10,))
    assert data.facts.outputs == 1
    assert data.train.targets.dtype == np.float32
    assert data.facts.target_mean == pytest.approx(data.train.targets.mean())
    assert data.facts.target_std == pytest.approx(data.train.targets.std())


def test_the_measures_are_in_their_own_units() -> None:
    data = diabetes.load("")
    assert data.facts.columns[0] == "age"
    assert 19 <= data.train.inputs[:, 0].min() < data.train.inputs[:, 0].max() <= 79
