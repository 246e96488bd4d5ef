from __future__ import annotations

import io
import json
from typing import Any

import pytest

from gluon_ref.errors import DivergedError
from gluon_ref.hooks import Checkpoint, Guard, Hook, Limit, Log, Progress, Score
from gluon_ref.records import State


def state(**values: Any) -> State:
    return State(None, (), **values)


def test_a_plain_hook_changes_nothing() -> None:
    now = state(epoch=3)
    Hook().after_step(now)
    Hook().after_epoch(now)
    assert now == state(epoch=3)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_loss_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(DivergedError) as caught:
        Guard(5).after_epoch(state(epoch=2, step=7, losses={"fine": 1.0, "squared_error": value}))
    assert str(caught.value) == (
        f"train: step 7, epoch 2: squared_error is {value}; expected a finite number; "
        "pass a smaller --lr, or --set train.clip_norm=1; the last checkpoint is kept"
    )


def test_the_guard_looks_only_every_so_many_steps() -> None:
    guard, bad = Guard(5), {"loss": float("nan")}
    for step in (1, 4, 6):
        guard.after_step(state(step=step, losses=bad))
    guard.after_step(state(step=5, losses={"loss": 1.0}))
    with pytest.raises(DivergedError, match=r"step 10"):
        guard.after_step(state(step=10, losses=bad))


@pytest.mark.parametrize(
    ("order", "best"), [("max", [(2, 1), (5, 2), (5, 3), (5, 3)]), ("min", [(2, 1), (2, 1), (2, 1), (1, 4)])]
)
def test_the_best_score_is_the_latest_of_those_that_no_other_beats(order: str, best: list[tuple[int, int]]) -> None:
    scores = iter([2, 5, 5, 1])
    hook, now = Score(lambda: {"accuracy": next(scores), "other": 9}, ("accuracy", order)), state()
    found = []
    for now.epoch in (1, 2, 3, 4):
        hook.after_epoch(now)
        found.append((now.best, now.best_epoch))
    assert found == best
    assert now.scores == {"accuracy": 1, "other": 9}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_score_that_is_not_finite_is_refused_and_is_not_the_best(value: float) -> None:
    now = state(epoch=2, step=7)
    with pytest.raises(
        DivergedError, match=r"train: step 7, epoch 2: held-out error is .*; expected a finite number; "
    ):
        Score(lambda: {"confusion": [[1]], "error": value}, ("error", "min")).after_epoch(now)
    assert now.best is None


def test_a_checkpoint_says_whether_its_weights_are_the_best() -> None:
    saved: list[tuple[int, bool]] = []
    hook = Checkpoint(lambda state, best: saved.append((state.epoch, best)))
    hook.after_step(state(epoch=1))
    hook.after_epoch(state(epoch=2, best_epoch=2))
    hook.after_epoch(state(epoch=3, best_epoch=2))
    assert saved == [(2, True), (3, False)]


def test_the_log_has_a_record_every_so_many_steps_and_one_per_epoch() -> None:
    records: list[dict[str, Any]] = []
    hook = Log(records.append, 3)
    now = state(epoch=2, rate=0.5, losses={"loss": 0.25}, scores={"accuracy": 0.75})
    for now.step in (5, 6, 7):
        hook.after_step(now)
    hook.after_epoch(now)
    common = {"epoch": 2, "rate": 0.5, "losses": {"loss": 0.25}}
    assert records[0] == {"event": "step", "step": 6, **common}
    assert records[1].pop("time_s") >= 0
    assert records[1:] == [{"event": "epoch", "step": 7, "scores": {"accuracy": 0.75}, **common}]
    assert json.loads(json.dumps(records)) == records


def test_progress_is_a_line_per_epoch_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    hook = Progress(3, 50, "accuracy", stream, done=1)
    now = state(epoch=2, seen=100, losses={"cross_entropy": 0.25}, scores={"accuracy": 0.75})
    hook.after_step(now)
    assert stream.getvalue() == ""
    hook.after_epoch(now)
    now.epoch, now.seen = 3, 150
    hook.after_epoch(now)
    first, last = stream.getvalue().splitlines()
    assert first.startswith("epoch 2/3  cross_entropy 0.2500  held-out accuracy 0.7500  ")
    assert last.startswith("epoch 3/3  ")
    assert last.endswith(" samples/s  0 s left")


def test_progress_is_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    hook = Progress(2, 50, "accuracy", stream)
    now = state(epoch=1, seen=50, losses={"cross_entropy": 0.25}, scores={"accuracy": 0.75})
    hook.after_step(now)
    hook.after_epoch(now)
    now.epoch, now.seen = 2, 100
    hook.after_epoch(now)
    assert "/100" in stream.getvalue()
    assert "\nepoch 2/2  " in stream.getvalue().replace("\r", "\n")


def test_the_limit_stops_after_its_epochs_and_starts_nothing_again() -> None:
    for epoch, stop, stopped in ((1, False, False), (2, False, True), (3, False, True), (1, True, True)):
        now = state(epoch=epoch, stop=stop)
        Limit(2).after_epoch(now)
        assert now.stop is stopped
