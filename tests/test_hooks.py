from __future__ import annotations

import json
from typing import Any

import pytest

from gluon_ref.backend import mx
from gluon_ref.errors import DivergedError, Interrupted
from gluon_ref.hooks import Averaging, Checkpoint, Guard, Hook, Limit, Log, Patience, Score, Stop
from gluon_ref.interrupts import Watch
from gluon_ref.records import State


def state(**values: Any) -> State:
    return State(None, (), **values)


def test_a_plain_hook_changes_nothing() -> None:
    now = state(epoch=3)
    Hook().after_step(now)
    Hook().after_epoch(now)
    assert now == state(epoch=3)


def recent(*losses: float, first: int = 1) -> list[tuple[int, dict[str, Any]]]:
    return [
        (step, {"fine": mx.nd.ones(1), "squared_error": mx.nd.array([loss])}) for step, loss in enumerate(losses, first)
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_loss_that_is_not_finite_is_refused_and_its_first_step_named(value: float) -> None:
    with pytest.raises(DivergedError) as caught:
        Guard(5).after_epoch(state(epoch=2, step=9, recent=recent(1.0, value, value, first=6)))
    assert str(caught.value) == (
        f"train: step 7, epoch 2: squared_error is {value}; expected a finite number; "
        "pass a smaller --lr, or --set train.clip_norm=1; checkpoints written before are kept"
    )


def test_the_guard_looks_only_every_so_many_steps_and_forgets_what_it_has_seen() -> None:
    guard, now = Guard(5), state(recent=recent(float("nan")))
    for now.step in (1, 4, 6):
        guard.after_step(now)
    now.recent = recent(1.0)
    now.step = 5
    guard.after_step(now)
    assert now.recent == []
    now.recent, now.step = recent(1.0, float("nan"), first=9), 10
    with pytest.raises(DivergedError, match=r"step 10"):
        guard.after_step(now)


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
    hook = Checkpoint(lambda state, best: saved.append((state.epoch, best)), Hook())
    hook.after_step(state(epoch=1))
    hook.after_epoch(state(epoch=2, best_epoch=2))
    hook.after_epoch(state(epoch=3, best_epoch=2))
    assert saved == [(2, True), (3, False)]


def test_within_an_epoch_checkpoints_come_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[int] = []
    hook = Checkpoint(lambda state, best: saved.append(state.step), Hook(), steps=3)
    for step in range(1, 8):
        hook.after_step(state(step=step))
    assert saved == [3, 6]


def test_within_an_epoch_checkpoints_come_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, saved = [1000.0], []
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    hook = Checkpoint(lambda state, best: saved.append(clock[0]), Hook(), minutes=2)
    for clock[0] in (1119.0, 1121.0, 1240.0, 1242.0):
        hook.after_step(state(step=1))
    assert saved == [1121.0, 1242.0]
    clock[0] = 1300.0
    hook.after_epoch(state())
    clock[0] = 1400.0
    hook.after_step(state(step=2))
    assert saved == [1121.0, 1242.0, 1300.0]


def test_nothing_that_is_not_finite_is_saved_within_an_epoch() -> None:
    saved: list[int] = []
    hook = Checkpoint(lambda state, best: saved.append(state.step), Guard(50), steps=1)
    with pytest.raises(DivergedError):
        hook.after_step(state(step=1, recent=recent(float("nan"))))
    assert saved == []


@pytest.mark.parametrize(("epoch", "stops"), [(4, False), (5, True), (6, True)])
def test_patience_ends_with_its_epochs(epoch: int, stops: bool) -> None:
    now = state(epoch=epoch, best_epoch=3)
    Patience(2).after_epoch(now)
    assert now.stop is stops


def test_the_average_takes_in_each_update() -> None:
    class Average:
        def __init__(self) -> None:
            self.steps: list[int] = []

        def update(self, steps: int) -> None:
            self.steps.append(steps)

    now = state(average=Average())
    for now.step in (1, 2):
        Averaging().after_step(now)
    assert now.average.steps == [1, 2]


def test_a_signal_stops_at_the_end_of_a_step_or_epoch_but_not_after_the_last() -> None:
    watch = Watch()
    hook = Stop(watch, "train: run a", "resume it")
    hook.after_step(state())
    watch.note(15, None)
    for after in (hook.after_step, hook.after_epoch):
        with pytest.raises(Interrupted) as caught:
            after(state())
        assert str(caught.value) == "train: run a: stopped by signal 15; resume it"
        assert caught.value.exit_code == 143
    hook.after_epoch(state(stop=True))


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


def test_the_log_has_more_figures_where_they_are_asked_for() -> None:
    records: list[dict[str, Any]] = []
    Log(records.append, 1, lambda state: {"gradient_norm": state.norm}).after_step(state(step=1, norm=0.5))
    assert records[0]["gradient_norm"] == 0.5


def test_the_limit_stops_after_its_epochs_and_starts_nothing_again() -> None:
    for epoch, stop, stopped in ((1, False, False), (2, False, True), (3, False, True), (1, True, True)):
        now = state(epoch=epoch, stop=stop)
        Limit(2).after_epoch(now)
        assert now.stop is stopped
