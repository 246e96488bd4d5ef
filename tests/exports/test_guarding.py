"""The search for layers that may be rounded."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from gluon_ref import exporting
from gluon_ref.backend import mx
from gluon_ref.errors import VerificationError
from gluon_ref.exports import guarding
from gluon_ref.exports.subjects import Case, Subject, likeness
from gluon_ref.exports.verifying import drop
from gluon_ref.records import Field, Source

LAYERS = ("first", "second", "third", "fourth", "last")
INPUTS = np.eye(10, dtype=np.float32)


class Rounding(ModuleType):
    """An exporter whose every rounded layer turns as many of ten samples to another class as `costs` says."""

    LOSSY, TOLERANCE = True, 1e9

    def __init__(self, **costs: int) -> None:
        super().__init__("rounding")
        self.costs, self.tried = costs, []

    def layers(self, source: Source) -> list[str]:
        return list(LAYERS)

    def write(self, source: Source, folder: Path, *, leave_out: tuple[str, ...] = ()) -> dict[str, Any]:
        self.tried.append(leave_out)
        wrong = sum(cost for name, cost in self.costs.items() if name not in leave_out)
        (folder / "wrong").write_text(str(wrong))
        return {}

    def open(self, folder: Path, fields: Sequence[Field]) -> Callable[..., tuple[np.ndarray, ...]]:
        wrong = int((folder / "wrong").read_text())
        return lambda array: (np.concatenate([array[:wrong, ::-1], array[wrong:]]),)


@pytest.fixture
def subject() -> Subject:
    source = Source(mx.sym.var("data"), {}, (Field("data", (10,)),), (), {})
    case = Case("held out", [(INPUTS,)], [(INPUTS,)])
    return Subject(source, [case], {}, likeness(case.expected), ("agreement", "max"))


def chosen(module: Rounding, subject: Subject, folder: Path, accepted: float = 0.1) -> tuple[str, ...] | None:
    """The first layers left out that keep the figure."""
    for left_out, attempt, _, verdict in guarding.attempts(module, subject, folder, leave_out=()):
        assert (attempt / "wrong").is_file()
        if drop(subject, verdict) <= accepted:
            return left_out
    return None


def test_all_layers_are_rounded_when_that_costs_little(subject: Subject, tmp_path: Path) -> None:
    module = Rounding(second=1)
    assert chosen(module, subject, tmp_path) == ()
    assert module.tried == [()]


def test_first_and_last_are_left_out_next(subject: Subject, tmp_path: Path) -> None:
    assert chosen(Rounding(first=2, last=2), subject, tmp_path) == ("first", "last")


def test_then_the_layer_that_costs_most_alone(subject: Subject, tmp_path: Path) -> None:
    assert chosen(Rounding(second=1, third=4), subject, tmp_path) == ("first", "third", "last")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_is_told_how_far_the_search_is(
    terminal: bool, subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = io.StringIO()
    told.isatty = lambda: terminal  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stderr", told)
    chosen(Rounding(second=1, third=4), subject, tmp_path)
    assert ("rounding layers one by one" in told.getvalue()) == terminal


def test_a_net_that_would_keep_nothing_rounded_is_given_up(subject: Subject, tmp_path: Path) -> None:
    assert chosen(Rounding(second=4, third=4, fourth=4), subject, tmp_path, accepted=0) is None


def test_layers_that_the_person_left_out_stay_out(subject: Subject, tmp_path: Path) -> None:
    module = Rounding(first=2)
    seen = [left for left, *_ in guarding.attempts(module, subject, tmp_path, leave_out=("third",))]
    assert seen[:2] == [("third",), ("first", "third", "last")]
    assert all("third" in left for left in module.tried)


def test_a_format_without_anything_to_measure_by_is_refused(subject: Subject, tmp_path: Path) -> None:
    unmeasured = dataclasses.replace(subject, measure=None)
    plan = exporting._Plan("rounding", Rounding(), 1.0, 0.01, {})
    with pytest.raises(VerificationError, match=r"no samples to measure the loss of rounding by; .*--calibration FILE"):
        exporting._export(plan, unmeasured, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_loss_that_no_choice_avoids_is_refused_with_its_figures(subject: Subject, tmp_path: Path) -> None:
    plan = exporting._Plan("rounding", Rounding(second=4, third=4, fourth=1), 1e9, 0.01, {})
    with pytest.raises(VerificationError, match=r"agreement fell from 1.0000 to 0.\d+, whichever layers were left out"):
        exporting._export(plan, subject, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
