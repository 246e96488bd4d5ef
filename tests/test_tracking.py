"""Trackers tell what the log tells: live, from a finished run, and after a resumption as if there had been none."""

from __future__ import annotations

import csv
import math
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from gluon_ref import logs, runs
from gluon_ref.errors import MachineError, PathError, UnknownNameError
from gluon_ref.locking import locked
from gluon_ref.trackers import EVENTS
from gluon_ref.tracking import figures, follow, track

from .events import curves, events

NORMS = {"gradient_norm": 2.0, "parameter_norm": 3.0}


def step(number: int, epoch: int = 1, **more: Any) -> dict[str, Any]:
    losses = {"cross_entropy": 1 / number}
    return {"event": "step", "epoch": epoch, "step": number, "rate": 0.5 / number, "losses": losses, **more}


def epoch(number: int, at: int, time_s: float = 4.0) -> dict[str, Any]:
    scores = {"accuracy": number / 8, "confusion": [[1]], "labels": "ab"}
    return {**step(at, number), "event": "epoch", "scores": scores, "time_s": time_s}


LOG = [step(2), step(4), epoch(1, 4), step(6, 2), epoch(2, 7), step(8, 3)]


@pytest.fixture(params=["tensorboard", "mlflow"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each tracker whose package is there."""
    if request.param == "tensorboard":
        pytest.importorskip("tensorboardX", reason="the extra tensorboard is not installed")
    return str(request.param)


@pytest.fixture
def fresh(run: Path, tmp_path: Path) -> Path:
    """A run that has just begun, in the year 2001."""
    folder = tmp_path / "run é"
    folder.mkdir()
    for name in (runs.FACTS, runs.RECIPE):
        shutil.copy(run / name, folder / name)
    os.utime(folder / runs.FACTS, (1e9, 1e9))
    return folder


def told(folder: Path, kind: str) -> dict[str, list[tuple[int, float]]]:
    """Name -> (step, value), as a reader of that kind sees it."""
    if kind == "tensorboard":
        return {key: [(at, round(value, 5)) for at, value in points] for key, points in curves(folder / EVENTS).items()}
    found: dict[str, list[tuple[int, float]]] = {}
    with open(folder / "metrics.csv", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["key"], []).append((int(row["step"]), round(float(row["value"]), 5)))
    return found


def moments(folder: Path, kind: str) -> list[float]:
    if kind == "tensorboard":
        return [event.wall_time for event in events(folder / EVENTS)][1:]
    with open(folder / "metrics.csv", newline="") as file:
        return [int(row["timestamp"]) / 1000 for row in csv.DictReader(file)]


WHOLE = {
    "loss/cross_entropy": [(2, 0.5), (4, 0.25), (6, 0.16667), (7, 0.14286), (8, 0.125)],
    "rate": [(2, 0.25), (4, 0.125), (6, 0.08333), (7, 0.07143), (8, 0.0625)],
    "held_out/accuracy": [(4, 0.125), (7, 0.25)],
    "epoch": [(4, 1.0), (7, 2.0)],
    "time_s": [(4, 4.0), (7, 4.0)],
}


def test_a_record_within_an_epoch_has_losses_rate_and_norms() -> None:
    assert figures(step(4, **NORMS), 2) == {
        "loss/cross_entropy": 0.25, "rate": 0.125, "norm/gradient": 2.0, "norm/parameters": 3.0,
    }  # fmt: skip


def test_the_record_of_an_epoch_does_not_repeat_what_its_last_step_said() -> None:
    assert figures(epoch(1, 4), 4) == {"held_out/accuracy": 0.125, "epoch": 1.0, "time_s": 4.0}
    assert figures(epoch(1, 4), 2) == {
        "held_out/accuracy": 0.125, "epoch": 1.0, "time_s": 4.0, "loss/cross_entropy": 0.25, "rate": 0.125,
    }  # fmt: skip


@pytest.mark.parametrize("value", [True, "text", None, [1], math.nan, math.inf, {"a": 1}])
def test_only_finite_numbers_are_told(value: Any) -> None:
    assert figures({"event": "epoch", "epoch": 1, "step": 3, "scores": {"x": value, "y": 2}}, 0) == {
        "held_out/y": 2.0, "epoch": 1.0,
    }  # fmt: skip


def test_each_record_is_told_as_it_is_written(fresh: Path, kind: str) -> None:
    tracker = follow(fresh, [kind])
    assert told(fresh, kind) == {}
    tracker(LOG[0])
    assert told(fresh, kind) == {"loss/cross_entropy": [(2, 0.5)], "rate": [(2, 0.25)]}
    for record in LOG[1:]:
        tracker(record)
    assert told(fresh, kind) == WHOLE
    tracker.close()
    tracker.close()
    assert told(fresh, kind) == WHOLE
    assert not list(fresh.glob("*.new"))


@pytest.mark.parametrize(("at", "step_of"), [(1, 2), (2, 4), (3, 4), (4, 6), (6, 8)])
def test_a_resumed_run_tells_the_same_as_one_never_interrupted(fresh: Path, kind: str, at: int, step_of: int) -> None:
    first = follow(fresh, [kind])
    for record in LOG:
        logs.append(fresh, record)
        first(record)  # and then it is killed: no close
    logs.cut(fresh, LOG[at - 1]["epoch"] - (LOG[at - 1]["event"] == "step"), step_of)
    assert len(list(logs.read(fresh))) == at
    second = follow(fresh, [kind])
    first.close()
    kept = {key: points for key, points in told(fresh, kind).items() if points}
    assert max(last for points in kept.values() for last, _ in points) == step_of
    for record in LOG[at:]:
        second(record)
    second.close()
    assert told(fresh, kind) == WHOLE


def test_a_run_keeps_its_number(fresh: Path) -> None:
    for record in LOG:
        logs.append(fresh, record)
    contents = []
    for _ in range(2):
        track(fresh, ["mlflow"])
        contents.append((fresh / "metrics.csv").read_bytes())
    assert contents[0] == contents[1]


def test_a_finished_runs_log_is_told_with_moments_from_its_begin(fresh: Path, kind: str) -> None:
    for record in LOG:
        logs.append(fresh, record)
    files = track(fresh, [kind])
    assert all(file.is_file() for file in files) and len(files) == (1 if kind == "tensorboard" else 2)
    assert told(fresh, kind) == WHOLE
    # Epoch 1 lasts 4 s with three records, epoch 2 as long with two; nobody knows how long epoch 3 has lasted.
    expected = [4 / 3, 8 / 3, 4, 6, 8, 8]
    assert sorted({round(moment - 1e9, 2) for moment in moments(fresh, kind)}) == sorted(
        {round(one, 2) for one in expected}
    )


def test_a_line_that_a_kill_cut_off_is_left_out(fresh: Path, kind: str) -> None:
    for record in LOG:
        logs.append(fresh, record)
    with open(fresh / logs.LOG, "a") as file:
        file.write('{"event": "step", "epo')
    track(fresh, [kind])
    assert told(fresh, kind) == WHOLE


def test_both_trackers_are_fed_at_once(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX", reason="the extra tensorboard is not installed")
    copy = Path(shutil.copytree(run, tmp_path / "copy"))
    assert [path.name for path in track(copy, ["tensorboard", "mlflow"])] == [
        "events.out.tfevents.gluonref", "metrics.csv", "params.csv",
    ]  # fmt: skip
    assert told(copy, "tensorboard") == told(copy, "mlflow")
    assert [at for at, _ in told(copy, "mlflow")["held_out/accuracy"]] == [8, 16]
    assert runs.load(copy).state == runs.load(run).state


def test_what_is_no_run_and_what_is_training_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(PathError, match=r"no such folder"):
        track(tmp_path / "none", ["mlflow"])
    with locked(run), pytest.raises(PathError, match=r"another process is training in it"):
        track(run, ["mlflow"])
    with pytest.raises(UnknownNameError, match=r"unknown name 'wandb'"):
        follow(run, ["wandb"])
    assert not (run / "metrics.csv").exists()


def test_a_file_that_cannot_be_written_is_told(fresh: Path, kind: str) -> None:
    (fresh / f"{kind}.new").mkdir()
    with pytest.raises(MachineError, match=r"run .*run é: what the trackers read cannot be written \(Is a directory\)"):
        follow(fresh, [kind])


def test_a_full_disk_is_told(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = follow(fresh, ["mlflow"])

    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tracker._writers[0], "write", full)
    with pytest.raises(MachineError, match=r"\(No space left on device\); .*train --resume .*last checkpoint is whole"):
        tracker(LOG[0])
    tracker.close()
