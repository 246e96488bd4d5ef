"""gluonref sweep: a table of combinations on stdout, a line per run on stderr; the same command goes on."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gluon_ref import runs

from .conftest import Call

SMALL = ["sweep", "mlp", "--data", "iris", "--epochs", "1", "--batch-size", "16"]
UNITS = ["--set", "model.units=5;3,2"]


def test_a_table_and_the_next_command_are_printed(call: Call, here: Path) -> None:
    result = call(*SMALL, *UNITS, "--seeds", "2", "--out", "my sweep")
    assert result.exit_code == 0
    head, first, second, *rest = result.stdout.splitlines()
    assert head.split("  ") == [part for part in head.split("  ") if part] or head.startswith(
        "model.units  seeds  best"
    )
    assert {first.split()[0], second.split()[0]} == {"5", "3,2"}
    assert first.split()[1:] == second.split()[1:] or first.split()[2] >= second.split()[2]
    assert first.count("±") == second.count("±") == 2
    assert rest == ["table       my sweep/sweep.csv", "next        gluonref report 'my sweep'/*/seed-0"]
    assert [line.split("  ")[0] for line in result.stderr.splitlines()] == [f"run {number}/4" for number in range(1, 5)]
    rows = list(csv.DictReader((here / "my sweep" / "sweep.csv").read_text().splitlines()))
    assert [row["model.units"] for row in rows] == [first.split()[0], second.split()[0]]
    for name in ("units=5/seed-0", "units=5/seed-1", "units=3,2/seed-0", "units=3,2/seed-1"):
        assert runs.load(here / "my sweep" / name).recipe["train"]["batch_size"] == 16


def test_json_is_one_object(call: Call) -> None:
    result = call(*SMALL, *UNITS, "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["sweep"], found["watch"]) == (0, "sweeps/mlp", "accuracy")
    assert [run["seed"] for one in found["combinations"] for run in one["runs"]] == [0, 0]
    assert all(one["best"]["deviation"] is None for one in found["combinations"])


def test_the_same_command_again_trains_nothing(call: Call) -> None:
    first = call(*SMALL, *UNITS)
    again = call(*SMALL, *UNITS)
    assert again.stdout == first.stdout
    assert again.stderr.count("(finished before)") == 2


def test_a_failed_run_is_told_and_the_exit_code_is_1(call: Call) -> None:
    result = call(*SMALL, "--set", "optimizer.learning_rate=1e30,0.01", "--set", "model.units=4", "--out", "new")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[2].split() == ["4", "1e+30", "0", "of", "1", "none", "none", "none"]
    assert "failed: train: step" in result.stderr
    assert result.stderr.splitlines()[-1] == "1 of the runs failed; the lines above say why"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--seed 1", "No such option"),
        ("--seeds 0", "0 is not in the range x>=1"),
        ("--set train.seed=1,2", "pass --seeds 3"),
        ("--set model.units=0;1", "model mlp: units=0; expected 1 or more"),
        ("--set model.units=3 --set model.units=5", "--set model.units given twice"),
        ("--set optimizer.learning_rate=0.1;0.2", "several values separated by commas"),
        ("--set train.epochs=1,2", "--set train.epochs=1,2 and --epochs say the same; give one of them"),
        ("--set model.units", "--set model.units: expected SECTION.KEY=VALUE"),
        ("--data irsi", "did you mean iris?"),
        ("--out afile", "afile exists; expected a new or empty folder"),
        ("--out=", "nothing given"),
    ],
)
def test_a_wrong_request_is_refused_and_nothing_is_written(call: Call, here: Path, options: str, words: str) -> None:
    (here / "afile").write_text("x")
    result = call(*SMALL, *options.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
    assert [path.name for path in here.iterdir()] == ["afile"]


def test_another_request_in_the_same_folder_is_refused_naming_the_difference(call: Call) -> None:
    call(*SMALL, *UNITS, "--out", "new")
    result = call(*SMALL, "--set", "model.units=5", "--out", "new")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "error: sweep new: model.units without 3,2; expected the sweep that it holds, with more values or seeds at "
        "most; ask as before, or pass another --out\n"
    )


def test_ctrl_c_stops_the_sweep_with_130_and_keeps_what_is_done(here: Path) -> None:
    arguments = [*SMALL[:4], "--set", "train.epochs=1,100000", "--out", "new"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from gluon_ref_cli.main import main; main()", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        # A shell that runs the tests in the background has its children ignore the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with process:
        assert process.stderr is not None
        try:
            assert process.stderr.readline().startswith("run 1/2  epochs=1/seed-0  accuracy 0.")
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, stdout) == (130, ""), stderr
    assert "the same command goes on from here; finished runs are kept" in stderr
    assert "Traceback" not in stderr
    assert runs.load(here / "new" / "epochs=1" / "seed-0").state["epoch"] == 1
    assert not (here / "new" / "sweep.csv").exists()
