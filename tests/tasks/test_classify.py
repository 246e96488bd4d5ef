"""Classification, by hand and against scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss

from gluon_ref.backend import mx
from gluon_ref.errors import OptionError
from gluon_ref.records import Batch
from gluon_ref.tasks import classify

from ..conftest import VECTOR

# MXNet's exponential and logarithm on the CPU are approximations.
CLOSE = 1e-5


def loss(scores: list[list[float]], targets: list[int], **options: Any) -> np.ndarray:
    objective = classify.build(VECTOR, **options).objectives[0]
    batch = Batch((mx.nd.array(scores),), mx.nd.array(targets, dtype="int32"), len(targets))
    return objective.loss(lambda x: x, batch).asnumpy()


def test_cross_entropy_by_hand() -> None:
    # Probabilities 1/2, 1/4, 1/4.
    assert loss([[np.log(2.0), 0.0, 0.0]], [0]) == pytest.approx(np.log(2), rel=CLOSE)
    assert loss([[np.log(2.0), 0.0, 0.0]], [2]) == pytest.approx(np.log(4), rel=CLOSE)


def test_label_smoothing_by_hand() -> None:
    # A share of 0.3 over three labels: 0.8 on the true one, 0.1 on each other.
    expected = 0.8 * np.log(2) + 0.2 * np.log(4)
    assert loss([[np.log(2.0), 0.0, 0.0]], [0], label_smoothing=0.3) == pytest.approx(expected, rel=CLOSE)


def test_metrics_are_those_of_scikit_learn() -> None:
    random = np.random.RandomState(3)
    scores, targets = random.normal(size=(50, 4)).astype(np.float32), random.randint(0, 4, 50)
    metrics = classify.metrics(classify.measure(scores, targets))
    predicted = scores.argmax(axis=1)
    assert metrics["accuracy"] == pytest.approx(accuracy_score(targets, predicted))
    assert metrics["macro_f1"] == pytest.approx(f1_score(targets, predicted, average="macro"))
    assert metrics["confusion"] == confusion_matrix(targets, predicted).tolist()
    assert metrics["cross_entropy"] == pytest.approx(log_loss(targets, classify.softmax(scores)))


def test_a_label_that_never_occurs_does_not_lower_macro_f1() -> None:
    scores = np.eye(4, dtype=np.float32)[[0, 1, 1]]
    assert classify.metrics(classify.measure(scores, np.array([0, 1, 1])))["macro_f1"] == 1.0


def test_an_answer_names_the_likeliest_label_and_all_probabilities() -> None:
    [answer] = classify.decode(np.array([[0.0, np.log(2.0), 0.0]], dtype=np.float32), ("a", "b", "c"))
    assert answer["label"] == "b"
    assert answer["probability"] == pytest.approx(0.5)
    assert answer["probabilities"] == pytest.approx({"a": 0.25, "b": 0.5, "c": 0.25})


def test_large_scores_do_not_overflow() -> None:
    assert classify.softmax(np.array([[1e4, 0.0]], dtype=np.float32)).tolist() == [[1.0, 0.0]]


def test_smoothing_out_of_range_is_refused() -> None:
    with pytest.raises(OptionError, match=r"task classify: label_smoothing=1.0; expected a share"):
        classify.build(VECTOR, label_smoothing=1.0)
