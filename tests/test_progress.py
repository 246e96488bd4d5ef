from __future__ import annotations

import io
from typing import Any

import pytest

from gluon_ref.progress import Progress
from gluon_ref.records import State


def state(**values: Any) -> State:
    return State(None, (), **values)


def test_progress_is_a_line_per_epoch_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    hook = Progress(3, 50, "accuracy", stream, done=50)
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
