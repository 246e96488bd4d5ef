"""What one pass over samples finds, against cases worked by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gluon_ref import answers
from gluon_ref.assembly import Assembly
from gluon_ref.inputs import text, vector
from gluon_ref.records import Facts
from gluon_ref.reports.examining import Calibration, Findings, examine
from gluon_ref.samples import ArraySamples
from gluon_ref.tasks import classify, regress

from ..conftest import VALUE, VECTOR


def found(facts: Facts, task: Any, outputs: np.ndarray, targets: np.ndarray, worst: int = 24) -> Findings:
    """Findings of a network that answers with these outputs: the sample's number is its first feature."""
    inputs = np.zeros((len(outputs), 5), dtype=np.float32)
    inputs[:, 0] = np.arange(len(outputs))
    samples = ArraySamples(inputs, targets)
    assembly = Assembly(facts, task, None, vector)
    return examine(lambda rows: (outputs[rows[:, 0].astype(int)],), assembly, samples, worst)


def logits(*probabilities: list[float]) -> np.ndarray:
    return np.log(np.array(probabilities, dtype=np.float64)).astype(np.float32)


CASE = logits([0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.05, 0.9, 0.05], [0.02, 0.08, 0.9])
TARGETS = np.array([0, 1, 1, 0], dtype=np.int32)


def test_figures_and_confusion_are_those_of_the_task() -> None:
    findings = found(VECTOR, classify.build(VECTOR), CASE, TARGETS)
    assert findings.samples == 4
    assert findings.metrics["accuracy"] == 0.5
    assert set(findings.metrics) == {"accuracy", "macro_f1", "cross_entropy"}
    assert findings.confusion is not None
    assert findings.confusion.tolist() == [[1, 0, 1], [1, 1, 0], [0, 0, 0]]
    assert findings.values is None


def test_the_calibration_error_is_the_one_worked_by_hand() -> None:
    bins = found(VECTOR, classify.build(VECTOR), CASE, TARGETS).calibration
    assert bins is not None
    # A bin holds its upper edge, but 0.7, 0.6 and 0.9 are not exact in float32: each is in one of two bins.
    assert bins.counts.sum() == 4 and bins.hits.sum() == 2
    assert bins.sure.sum() == pytest.approx(0.7 + 0.6 + 0.9 + 0.9)
    sure = logits([0.75, 0.15, 0.1], [0.73, 0.17, 0.1], [0.05, 0.95, 0.0001], [0.02, 0.02, 0.96])
    bins = found(VECTOR, classify.build(VECTOR), sure, TARGETS).calibration
    assert bins is not None
    assert bins.counts.tolist() == [0] * 7 + [2, 0, 2]
    assert bins.accuracy[[7, 9]].tolist() == [0.5, 0.5]
    assert bins.error == pytest.approx(0.5 * abs(0.5 - 0.74) + 0.5 * abs(0.5 - 0.955), abs=1e-3)


def test_a_bin_holds_its_upper_edge_and_the_last_one_certainty() -> None:
    facts = Facts("vector", "label", (5,), labels=("a", "b"), columns=tuple("vwxyz"))
    sure = np.array([[0.0, 0.0], [99.0, 0.0]], dtype=np.float32)  # probabilities 0.5 and 1
    bins = found(facts, classify.build(facts), sure, np.array([0, 0], dtype=np.int32)).calibration
    assert bins is not None
    assert bins.counts.tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def test_an_empty_calibration_has_no_error() -> None:
    assert Calibration(np.zeros(3, int), np.zeros(3), np.zeros(3, int)).error == 0


def test_the_worst_come_first_with_their_inputs() -> None:
    mistakes = found(VECTOR, classify.build(VECTOR), CASE, TARGETS, worst=3).mistakes
    assert [(one.index, one.true, one.predicted, one.right) for one in mistakes] == [
        (3, "a", "c", False),
        (1, "b", "a", False),
        (0, "a", "a", True),
    ]
    assert [one.input[0] for one in mistakes] == [3, 1, 0]
    assert [one.likelihood for one in mistakes] == pytest.approx([0.02, 0.3, 0.7], abs=1e-6)
    assert [one.probability for one in mistakes] == pytest.approx([0.9, 0.6, 0.7], abs=1e-6)
    assert mistakes[0].loss == pytest.approx(-np.log(0.02), abs=1e-4)


def test_many_batches_give_what_one_would() -> None:
    random = np.random.RandomState(0)
    outputs, targets = random.normal(0, 3, (1000, 3)).astype(np.float32), random.randint(0, 3, 1000).astype(np.int32)
    findings = found(VECTOR, classify.build(VECTOR), outputs, targets, worst=7)
    losses = -np.log(answers.softmax(outputs)[np.arange(1000), targets])
    assert [one.index for one in findings.mistakes] == np.argsort(-losses)[:7].tolist()
    assert findings.calibration is not None and findings.calibration.counts.sum() == 1000


def test_a_probability_of_zero_has_a_finite_loss() -> None:
    certain = np.array([[1000.0, 0.0, 0.0]], dtype=np.float32)
    (mistake,) = found(VECTOR, classify.build(VECTOR), certain, np.array([1], dtype=np.int32)).mistakes
    assert np.isfinite(mistake.loss) and mistake.loss > 60


def test_values_keep_the_order_of_the_samples() -> None:
    outputs = np.arange(600, dtype=np.float32)[:, None]
    targets = np.zeros(600, dtype=np.float32)
    targets[5] = 1000
    findings = found(VALUE, regress.build(VALUE), outputs, targets, worst=2)
    assert findings.values is not None
    assert findings.values.predicted.tolist() == list(range(600))
    assert findings.calibration is None and findings.confusion is None
    assert [(one.index, one.true, one.predicted, one.loss) for one in findings.mistakes] == [
        (5, "1000", "5", 995.0),
        (599, "0", "599", 599.0),
    ]
    assert {"mean_squared_error", "r2"} < set(findings.metrics)


def test_of_inputs_batched_by_length_each_sample_keeps_its_number() -> None:
    texts = np.empty(700, dtype=object)
    texts[:] = [np.full(1 + at * 37 % 50, 2, dtype=np.int32) for at in range(700)]
    lengths = np.array([len(one) for one in texts])
    facts = Facts("text", "value", (-1,), vocab=("<pad>", "<unk>", "a"))
    samples = ArraySamples(texts, np.where(np.arange(700) == 9, 99, lengths).astype(np.float32), ragged=True)
    assembly = Assembly(facts, regress.build(facts), None, text)
    findings = examine(lambda tokens, length: (length[:, None].astype(np.float32),), assembly, samples, worst=1)
    assert findings.values is not None
    assert findings.values.predicted.tolist() == lengths.tolist()
    (mistake,) = findings.mistakes
    assert (mistake.index, mistake.predicted, len(mistake.input)) == (9, f"{lengths[9]}", lengths[9])


def test_of_a_task_with_other_answers_only_the_figures_are_told() -> None:
    task = SimpleNamespace(
        measure=lambda outputs, targets: {"count": np.float64(len(targets))},
        metrics=lambda sums: {"counted": float(sums["count"]), "confusion": [[1]], "note": "x"},
        decode=lambda outputs: [{"tokens": []} for _ in outputs],
    )
    findings = found(VECTOR, task, CASE, TARGETS)
    assert findings == Findings(4, {"counted": 4.0})
