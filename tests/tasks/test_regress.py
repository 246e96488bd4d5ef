"""Regression, by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from gluon_ref.backend import mx
from gluon_ref.records import Batch
from gluon_ref.tasks import regress

from ..conftest import VALUE


def test_the_loss_is_in_squared_standard_deviations_by_hand() -> None:
    objective = regress.build(VALUE).objectives[0]
    batch = Batch((mx.nd.array([[7.0], [13.0]]),), mx.nd.array([7.0, 7.0]), 2)
    # The deviation of VALUE is 3: an error of 6 is two of them.
    assert objective.loss(lambda x: x, batch).asnumpy().tolist() == [0.0, 4.0]


def test_metrics_are_those_of_scikit_learn() -> None:
    random = np.random.RandomState(3)
    values, targets = random.normal(size=(50, 1)).astype(np.float32), random.normal(size=50).astype(np.float32)
    metrics = regress.metrics(regress.measure(values, targets))
    assert metrics["mean_squared_error"] == pytest.approx(mean_squared_error(targets, values[:, 0]))
    assert metrics["mean_absolute_error"] == pytest.approx(mean_absolute_error(targets, values[:, 0]))
    assert metrics["r2"] == pytest.approx(r2_score(targets, values[:, 0]))


def test_r2_is_zero_where_all_true_values_are_alike() -> None:
    assert regress.metrics(regress.measure(np.ones((3, 1), np.float32), np.full(3, 2.0)))["r2"] == 0.0


def test_an_answer_is_a_value() -> None:
    assert regress.build(VALUE).decode(np.array([[1.5], [2.0]], np.float32)) == [{"value": 1.5}, {"value": 2.0}]
