"""Logs of finished, interrupted and odd runs as figures over the steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref.reports import history


def log(folder: Path, *records: Any) -> Path:
    lines = (one if isinstance(one, str) else json.dumps(one) for one in records)
    (folder / "log.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return folder


def step(at: int, epoch: int, **more: Any) -> dict[str, Any]:
    return {"event": "step", "epoch": epoch, "step": at, "rate": 0.5, "losses": {"cross_entropy": 1 / at}, **more}


def epoch(number: int, at: int, **more: Any) -> dict[str, Any]:
    scores = {"accuracy": number / 10, "confusion": [[1, 0], [0, 1]]}
    return {**step(at, number), "event": "epoch", "scores": scores, "time_s": 2.5, **more}


def test_figures_are_found_by_name(tmp_path: Path) -> None:
    told = history.read(log(tmp_path, step(2, 1), epoch(1, 4), step(6, 2), epoch(2, 8)))
    assert told.losses["cross_entropy"].values == {4: 1 / 4, 8: 1 / 8}
    assert told.within["cross_entropy"].values == {2: 1 / 2, 6: 1 / 6}
    assert {name: points.values for name, points in told.scores.items()} == {"accuracy": {4: 0.1, 8: 0.2}}
    assert told.others["rate"].steps.tolist() == [2, 4, 6, 8]
    assert (told.time_s, told.skipped, told.ends) == (5.0, 0, {4: 1, 8: 2})


def test_unknown_numbers_are_kept_and_all_else_is_left_out(tmp_path: Path) -> None:
    odd = {"norm": 3, "norms": {"weights": {"dense0": 2.5}, "note": "x"}, "flag": True, "tags": [1, 2], "none": None}
    told = history.read(log(tmp_path, step(5, 1, **odd)))
    assert {name: points.values for name, points in told.others.items()} == {
        "rate": {5: 0.5},
        "norm": {5: 3.0},
        "norms.weights.dense0": {5: 2.5},
    }


@pytest.mark.parametrize(
    "line",
    [
        '{"event": "epoch", "epoch": 3, "st',
        "[1, 2]",
        "not JSON",
        '{"event": "epoch", "epoch": 3}',
        '{"event": "epoch", "epoch": 3, "step": -1}',
        '{"event": "epoch", "epoch": true, "step": 9}',
        '{"event": "other", "epoch": 3, "step": 9}',
        "[" * 100_000,
        '"\\ud800"',
    ],
)
def test_lines_that_are_no_records_are_counted_and_left_out(tmp_path: Path, line: str) -> None:
    told = history.read(log(tmp_path, epoch(1, 4), line))
    assert (told.skipped, told.ends) == (1, {4: 1})


def test_bytes_that_are_no_utf8_cost_their_line_only(tmp_path: Path) -> None:
    log(tmp_path, epoch(1, 4))
    with open(tmp_path / "log.jsonl", "ab") as file:
        file.write(b"\xff\xfe\x00{\n" + json.dumps(epoch(2, 8)).encode())
    told = history.read(tmp_path)
    assert (told.skipped, told.ends) == (1, {4: 1, 8: 2})


def test_numbers_that_are_not_finite_are_left_out(tmp_path: Path) -> None:
    told = history.read(
        log(
            tmp_path,
            '{"event": "step", "epoch": 1, "step": 3, "rate": NaN, "norm": Infinity, "big": 1' + "0" * 400 + "}",
        )
    )
    assert not told.others and not told


def test_a_step_done_again_after_a_kill_counts_once_with_its_last_figure(tmp_path: Path) -> None:
    told = history.read(log(tmp_path, epoch(1, 4), epoch(2, 8), epoch(2, 8, losses={"cross_entropy": 7.0})))
    assert told.losses["cross_entropy"].values == {4: 1 / 4, 8: 7.0}
    assert told.time_s == 5.0


def test_there_is_no_history_without_a_log(tmp_path: Path) -> None:
    assert not history.read(tmp_path)
    assert not history.read(log(tmp_path, ""))


def test_steps_become_parts_of_epochs_also_beyond_the_last(tmp_path: Path) -> None:
    told = history.read(log(tmp_path, epoch(1, 4), epoch(2, 8)))
    assert told.epochs(np.array([0.0, 1.0, 4.0, 6.0, 8.0, 10.0])).tolist() == [0, 0.25, 1, 1.5, 2, 2.5]
