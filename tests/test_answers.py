"""Answers of a bundle: those of the tasks, and lines of text."""

from __future__ import annotations

import numpy as np

from gluon_ref import answers
from gluon_ref.tasks import classify

from .conftest import VECTOR


def test_labels_are_those_of_the_task() -> None:
    scores = np.random.RandomState(0).normal(0, 30, (5, 3)).astype(np.float32)
    scores[0] = 2.5  # the first of equals
    assert answers.labels([scores], "abc") == classify.build(VECTOR).decode(scores)


def test_a_value_is_one_number() -> None:
    assert answers.value([np.array([[1.5], [-2]], dtype=np.float32)]) == [{"value": 1.5}, {"value": -2.0}]


def test_outputs_are_told_by_name_for_each_sample() -> None:
    outputs = [np.arange(6).reshape(2, 3), np.array([7.0, 8.0])]
    assert answers.plain(outputs, ["scores", "size"]) == [
        {"outputs": {"scores": [0, 1, 2], "size": 7.0}},
        {"outputs": {"scores": [3, 4, 5], "size": 8.0}},
    ]


def test_lines_have_the_likeliest_first() -> None:
    shares = {"a": 0.2, "b": 0.7, "c": 0.1}
    answer = {"input": "x y", "label": "b", "probability": 0.7, "probabilities": shares}
    assert answers.line(answer, 2) == "x y\tb 0.7000\ta 0.2000"
    assert answers.line({"input": "x", "value": 1234567.0}, 1) == "x\t1.23457e+06"


def test_a_large_output_is_told_by_its_shape_and_its_largest() -> None:
    output = np.zeros((3, 5))
    output[1, 2], output[2, 0] = 4, 3.5
    answer = {"input": "x", "outputs": {"map": output.tolist(), "few": [1.0, 2.5]}}
    assert answers.line(answer, 2) == "x\tmap 3x5, largest 4 at 7, 3.5 at 10\tfew 1 2.5"
