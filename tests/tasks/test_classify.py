"""Classification, by hand and against scikit-learn."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss

from gluon_ref import answers
from gluon_ref.backend import mx
from gluon_ref.errors import FitError, OptionError
from gluon_ref.records import Batch
from gluon_ref.tasks import classify

from ..conftest import VECTOR

# MXNet's exponential and logarithm on the CPU are approximations.
CLOSE = 1e-5


def loss(
    scores: list[list[float]], targets: list[Any], counts: tuple[int, ...] = (1, 2, 5), **options: Any
) -> np.ndarray:
    objective = classify.build(dataclasses.replace(VECTOR, counts=counts), **options).objectives[0]
    given = mx.nd.array(targets, dtype="float32" if isinstance(targets[0], list) else "int32")
    batch = Batch((mx.nd.array(scores),), given, len(targets))
    return objective.loss(lambda x: x, batch).asnumpy()


def test_cross_entropy_by_hand() -> None:
    # Probabilities 1/2, 1/4, 1/4.
    assert loss([[np.log(2.0), 0.0, 0.0]], [0]) == pytest.approx(np.log(2), rel=CLOSE)
    assert loss([[np.log(2.0), 0.0, 0.0]], [2]) == pytest.approx(np.log(4), rel=CLOSE)


def test_label_smoothing_by_hand() -> None:
    # A share of 0.3 over three labels: 0.8 on the true one, 0.1 on each other.
    expected = 0.8 * np.log(2) + 0.2 * np.log(4)
    assert loss([[np.log(2.0), 0.0, 0.0]], [0], label_smoothing=0.3) == pytest.approx(expected, rel=CLOSE)


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.3}, {"class_weights": (3.0, 1.0, 2.0)}])
def test_a_mixed_target_loses_what_its_parts_lose(options: dict[str, Any]) -> None:
    row = [np.log(2.0), 0.0, -1.0]
    one, other = (loss([row], [label], **options)[0] for label in (0, 2))
    mixed = loss([row], [[0.25, 0.0, 0.75]], **options)[0]
    if "label_smoothing" in options or not options:
        assert mixed == pytest.approx(0.25 * one + 0.75 * other, rel=CLOSE)
    else:  # the weights and the losses are mixed, each for itself
        plain = [loss([row], [label])[0] for label in (0, 2)]
        weights = one / plain[0], other / plain[1]
        expected = (0.25 * weights[0] + 0.75 * weights[1]) * (0.25 * plain[0] + 0.75 * plain[1])
        assert mixed == pytest.approx(expected, rel=CLOSE)


def test_weights_scale_the_loss_of_each_label_and_count_1_on_average() -> None:
    rows = [[0.0, 0.0, 0.0]] * 3
    # 1, 2 and 5 samples: the mean of the weights 4, 2, 1 over the samples is 13 / 8.
    found = loss(rows, [0, 1, 2], class_weights=(4.0, 2.0, 1.0)) / np.log(3)
    np.testing.assert_allclose(found, np.array([4, 2, 1]) * 8 / 13, rtol=CLOSE)
    balanced = loss(rows, [0, 1, 2], class_weights="balanced") / np.log(3)
    np.testing.assert_allclose(balanced, [8 / 3, 8 / 6, 8 / 15], rtol=CLOSE)  # samples / (labels * count)


@pytest.mark.parametrize(
    ("weights", "given"), [((1.0, 2.0), "1,2"), ((1.0, -1.0, 1.0), "1,-1,1"), ((0.0, 0.0, 0.0), "0,0,0")]
)
def test_weights_that_do_not_fit_the_labels_are_refused(weights: tuple[float, ...], given: str) -> None:
    with pytest.raises(OptionError) as caught:
        loss([[0.0, 0.0, 0.0]], [0], class_weights=weights)
    assert str(caught.value) == (
        f"task classify: class_weights={given}; expected 3 numbers of 0 or more, for a, b, c; "
        "pass --set task.class_weights=balanced"
    )


def test_weights_need_counts() -> None:
    with pytest.raises(FitError, match=r"class_weights=balanced for data that does not count its labels"):
        loss([[0.0, 0.0, 0.0]], [0], counts=(), class_weights="balanced")


def test_metrics_are_those_of_scikit_learn() -> None:
    random = np.random.RandomState(3)
    scores, targets = random.normal(size=(50, 4)).astype(np.float32), random.randint(0, 4, 50)
    metrics = classify.metrics(classify.measure(scores, targets))
    predicted = scores.argmax(axis=1)
    assert metrics["accuracy"] == pytest.approx(accuracy_score(targets, predicted))
    assert metrics["macro_f1"] == pytest.approx(f1_score(targets, predicted, average="macro"))
    assert metrics["confusion"] == confusion_matrix(targets, predicted).tolist()
    assert metrics["cross_entropy"] == pytest.approx(log_loss(targets, answers.softmax(scores)))


def test_a_label_that_never_occurs_does_not_lower_macro_f1() -> None:
    scores = np.eye(4, dtype=np.float32)[[0, 1, 1]]
    assert classify.metrics(classify.measure(scores, np.array([0, 1, 1])))["macro_f1"] == 1.0


def test_an_answer_names_the_likeliest_label_and_all_probabilities() -> None:
    [answer] = classify.build(VECTOR).decode(np.array([[0.0, np.log(2.0), 0.0]], dtype=np.float32))
    assert answer["label"] == "b"
    assert answer["probability"] == pytest.approx(0.5)
    assert answer["probabilities"] == pytest.approx({"a": 0.25, "b": 0.5, "c": 0.25})


def test_large_scores_do_not_overflow() -> None:
    assert answers.softmax(np.array([[1e4, 0.0]], dtype=np.float32)).tolist() == [[1.0, 0.0]]


def test_smoothing_out_of_range_is_refused() -> None:
    with pytest.raises(OptionError, match=r"task classify: label_smoothing=1.0; expected a share"):
        classify.build(VECTOR, label_smoothing=1.0)
