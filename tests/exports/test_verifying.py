"""What is accepted as the same, and what is not."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.errors import VerificationError
from gluon_ref.exports.subjects import Case, Subject, likeness
from gluon_ref.exports.verifying import drop, judge, reopen, softmax
from gluon_ref.records import Field, Source

SCORES = np.array([[1.0, -2.0, 0.5], [0.0, 300.0, 2.0]], dtype=np.float32)


def subject(*expected: np.ndarray, classes: bool = False, measured: bool = False) -> Subject:
    """One case of one batch, which the network answers with `expected`."""
    source = Source(mx.sym.var("data"), {}, (Field("data", (3,)),), (), {}, classes)
    case = Case("case", [(SCORES,)], [expected])
    return Subject(source, [case], {}, likeness([expected]) if measured else None, ("agreement", "max"))


def test_a_difference_counts_against_the_largest_score_of_its_sample() -> None:
    given = SCORES + np.float32([[0, 0, 0], [0, 0, 0.2]])
    (row,) = judge(subject(SCORES), [[(given,)]], 1e-3).rows
    assert row.accepted  # 0.2 of 301
    assert row.absolute == pytest.approx(0.2, rel=1e-3)
    assert row.relative == pytest.approx(0.2 / 300, rel=1e-3)
    given = SCORES + np.float32([[0, 0, 0.2], [0, 0, 0]])
    assert not judge(subject(SCORES), [[(given,)]], 1e-3).rows[0].accepted  # 0.2 of 3


@pytest.mark.parametrize("given", [np.nan, np.inf])
def test_no_number_where_the_network_has_one_is_refused(given: float) -> None:
    (row,) = judge(subject(SCORES), [[(np.full_like(SCORES, given),)]], 1e9).rows
    assert not row.accepted
    assert not np.isfinite(row.absolute)


@pytest.mark.parametrize("both", [np.nan, np.inf, -np.inf])
def test_no_number_in_both_is_the_same(both: float) -> None:
    scores = SCORES.copy()
    scores[0, 1] = both
    (row,) = judge(subject(scores), [[(scores,)]], 0).rows
    assert (row.accepted, row.absolute) == (True, 0)


def test_agreement_is_the_share_of_samples_with_the_same_class() -> None:
    given = SCORES[:, ::-1].copy()
    (row,) = judge(subject(SCORES), [[(given,)]], 1e9).rows
    assert row.agreement == 0.5
    assert judge(subject(SCORES[:, :1]), [[(SCORES[:, :1],)]], 0).rows[0].agreement is None


def test_probabilities_are_held_against_the_softmax_of_the_scores() -> None:
    shares = softmax(SCORES).astype(np.float32)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    assert judge(subject(SCORES, classes=True), [[(SCORES, shares)]], 1e-6).rows[0].accepted
    assert judge(subject(SCORES, classes=True), [[(SCORES,)]], 1e-6).rows[0].accepted  # the format has none
    assert not judge(subject(SCORES, classes=True), [[(SCORES, shares[:, ::-1])]], 1e-6).rows[0].accepted


def test_every_output_is_compared() -> None:
    assert judge(subject(SCORES, SCORES), [[(SCORES, SCORES)]], 0).rows[0].accepted
    assert not judge(subject(SCORES, SCORES), [[(SCORES, SCORES + 1)]], 1e-3).rows[0].accepted


@pytest.mark.parametrize(("given", "told"), [((SCORES.T,), r"shape \(3, 2\); expected \(2, 3\)"), ((), "0 outputs")])
def test_outputs_of_another_shape_or_number_are_refused(given: tuple[np.ndarray, ...], told: str) -> None:
    with pytest.raises(VerificationError, match=told):
        judge(subject(SCORES), [[given]], 1)


def test_a_lossy_format_is_held_against_real_samples_only_by_the_largest_of_all() -> None:
    given = SCORES + np.float32([[0.2, 0, 0], [0, 0, 0]])
    made_up = judge(subject(SCORES), [[(given * 7,)]], 1e-3, lossy=True)
    assert made_up.rows[0].accepted
    assert judge(subject(SCORES, measured=True), [[(given,)]], 1e-3, lossy=True).rows[0].accepted
    assert not judge(subject(SCORES, measured=True), [[(given * 7,)]], 1e-3, lossy=True).rows[0].accepted


@pytest.mark.parametrize(
    ("watch", "figures", "lost"),
    [
        (("accuracy", "max"), (0.9, 0.88), 0.02),
        (("mean_squared_error", "min"), (50.0, 55.0), 0.1),
        (("mean_squared_error", "min"), (50.0, 45.0), -0.1),
    ],
)
def test_a_loss_is_in_points_of_a_share_or_a_share_of_an_error(
    watch: tuple[str, str], figures: tuple[float, float], lost: float
) -> None:
    answers = iter(figures)
    one = subject(SCORES)
    measured = Subject(one.source, one.cases, {}, lambda _: {watch[0]: next(answers)}, watch)
    verdict = judge(measured, [[(SCORES,)]], 0)
    assert drop(measured, verdict) == pytest.approx(lost)


def test_a_fresh_process_that_ends_by_a_signal_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = subprocess.CompletedProcess([], -signal.SIGSEGV, "", "\n\n")
    monkeypatch.setattr(subprocess, "run", lambda *arguments, **options: ended)
    with pytest.raises(VerificationError, match=r"could not open the artefact: it ended by SIGSEGV; expected"):
        reopen(tmp_path, subject(SCORES).cases)
