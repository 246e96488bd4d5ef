from __future__ import annotations

import numpy as np

from gluon_ref.data import iris


def test_the_flowers_are_fifty_of_each_species() -> None:
    data = iris.load("")
    assert data.facts.labels == ("setosa", "versicolor", "virginica")
    assert data.facts.columns[0] == "sepal length (cm)"
    assert (data.facts.takes, data.facts.target, data.facts.shape) == ("vector", "label", (4,))
    assert np.bincount(data.train.targets).tolist() == [40, 40, 40]
    assert np.float32([5.1, 3.5, 1.4, 0.2]).tolist() in [*data.train.inputs.tolist(), *data.held_out.inputs.tolist()]
