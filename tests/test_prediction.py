"""Prediction: in order, in batches, the same from a run and from its export."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from gluon_ref import prediction
from gluon_ref.exporting import export
from gluon_ref.prediction import predict

ROWS = ["5.1,3.5,1.4,0.2", "6.7,3.0,5.2,2.3", "5.9,3.0,4.2,1.5"]


def test_answers_come_in_order_with_probabilities_that_sum_to_one(run: Path) -> None:
    answers = list(predict(run, ROWS))
    assert len(answers) == 3
    assert all(sum(answer["probabilities"].values()) == pytest.approx(1.0) for answer in answers)
    assert [answer["input"] for answer in answers] == ROWS
    for answer in answers:
        assert (
            answer["probability"] == max(answer["probabilities"].values()) == answer["probabilities"][answer["label"]]
        )


def test_batches_do_not_change_answers(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    together = list(predict(run, ROWS))
    monkeypatch.setattr(prediction, "BATCH", 1)
    for one, other in zip(together, predict(run, ROWS)):
        assert one["probabilities"] == pytest.approx(other["probabilities"], rel=1e-5)


def test_a_run_and_its_export_answer_alike(run: Path, tmp_path: Path) -> None:
    artefact = export(run, "symbol", tmp_path / "symbol").folder
    assert list(predict(run, ROWS)) == list(predict(artefact, ROWS))


def test_lines_of_standard_input_are_answered(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(ROWS)))
    assert [a["label"] for a in predict(run, ["-"])] == [a["label"] for a in predict(run, ROWS)]
