"""gluonref doctor: in words or as one JSON object, and in environments whose libraries are broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gluon_ref import diagnosis
from gluon_ref.checks.findings import fine, problem, warning
from gluon_ref.diagnosis import Diagnosis

from .conftest import Call

KEYS = {"format", "ok", "verdict", "problems", "warnings", "versions", "features", "findings"}
WELL = {"first": (fine("a", "is there"),), "second": (warning("b", "is old", "it is slow", "mend b"),)}
ILL = {**WELL, "third": (problem("c", "is gone", "nothing works", "mend c"),)}


def stand_in(monkeypatch: pytest.MonkeyPatch, groups: dict) -> None:
    monkeypatch.setattr(diagnosis, "diagnose", lambda: Diagnosis(groups, {"python": "3.11.7"}, {"OPENMP": True}))


def test_each_finding_is_a_line_with_what_mends_it_below_and_the_verdict_last(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, WELL)
    answer = call("doctor")
    assert (answer.exit_code, answer.stderr) == (0, "")
    assert [" ".join(line.split()) for line in answer.stdout.splitlines()] == [
        "first",
        "ok a is there",
        "second",
        "warning b is old",
        "why: it is slow",
        "do: mend b",
        "training works here; 1 warning above",
    ]


def test_a_problem_is_exit_1(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, ILL)
    answer = call("doctor")
    assert answer.exit_code == 1
    assert answer.stdout.splitlines()[-1] == (
        "training would fail: 1 problem, 1 warning; mend the problems from the top down, and ask again"
    )


def test_json_is_one_object_and_nothing_else(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, ILL)
    answer = call("doctor", "--json")
    assert (answer.exit_code, answer.stderr, answer.stdout.count("\n")) == (1, "", 1)
    found = json.loads(answer.stdout)
    assert set(found) == KEYS
    assert (found["ok"], found["problems"], found["warnings"]) == (False, 1, 1)
    assert found["findings"][2] == {
        "group": "third",
        "name": "c",
        "state": "problem",
        "found": "is gone",
        "why": "nothing works",
        "command": "mend c",
    }


def gluonref(*arguments: str, path: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """The installed command, in a process of its own, with modules of `path` before all others."""
    program = Path(sys.executable).with_name("gluonref")
    environ = {**os.environ, **variables}
    if path:
        environ["PYTHONPATH"] = str(path)
    command = (
        [str(program)] if program.exists() else [sys.executable, "-c", "from gluon_ref_cli.main import main; main()"]
    )
    return subprocess.run([*command, *arguments], env=environ, capture_output=True, text=True, timeout=120)


def fake(folder: Path, **modules: str) -> Path:
    """Packages with these texts."""
    for name, text in modules.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(text)
    return folder


def states(answer: subprocess.CompletedProcess[str]) -> dict[str, dict]:
    assert answer.stdout.count("\n") == 1, answer.stderr
    assert "Traceback" not in answer.stderr
    return {f"{one['group']} {one['name']}": one for one in json.loads(answer.stdout)["findings"]}


def test_this_machine_trains(here: Path) -> None:
    answer = gluonref("doctor", "--json")
    found = states(answer)
    assert answer.returncode == 0, [one for one in found.values() if one["state"] == "problem"]
    assert {found[f"imports {name}"]["state"] for name in ("numpy", "mxnet", "gluoncv", "gluonnlp")} == {"ok"}
    assert found["training step"]["found"].startswith("a two-layer network learns; largest difference from numpy")
    assert json.loads(answer.stdout)["features"]["OPENMP"] is True


BROKEN = "raise OSError('libgomp.so.1: cannot open shared object file: No such file or directory')"
MISSING = "raise ModuleNotFoundError(\"No module named 'wanted'\", name='wanted')"


def test_every_library_broken_at_once_does_not_break_the_doctor(tmp_path: Path, here: Path) -> None:
    folder = fake(tmp_path / "fakes", mxnet=BROKEN, numpy=MISSING, PIL=MISSING, gluoncv=MISSING, sklearn=MISSING)
    answer = gluonref("doctor", "--json", path=folder)
    found = states(answer)
    assert answer.returncode == 1
    assert found["imports numpy"]["found"] == "does not import: ModuleNotFoundError: No module named 'wanted'"
    assert found["imports mxnet"]["state"] == "problem"
    assert found["imports mxnet"]["command"] == "unset PYTHONPATH"
    assert found["training step"]["found"] == "not tried: mxnet does not import"
    assert {f"shadows shadow {name}" for name in ("mxnet", "numpy", "PIL", "gluoncv", "sklearn")} <= set(found)


def test_the_doctor_comes_without_click_too(here: Path, tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(fake(tmp_path / "fakes", click=MISSING, mxnet=BROKEN))}
    command = [sys.executable, "-m", "gluon_ref.diagnosis"]
    answer = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)
    assert (answer.returncode, answer.stderr) == (1, "")
    assert answer.stdout.splitlines()[-1].startswith("training would fail: ")


def test_what_nvidia_smi_says_is_read(tmp_path: Path, here: Path) -> None:
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "NVIDIA H100 80GB HBM3, 9.0, 535.161.08"\necho "Tesla T4, 7.5, 535.161.08"\n')
    program.chmod(0o755)
    folder = fake(tmp_path / "fakes", mxnet=BROKEN)  # quicker than the real one
    answer = gluonref("doctor", "--json", path=folder, PATH=f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    found = states(answer)
    assert found["gpus gpu 0"]["state"] == "warning"
    assert found["gpus gpu 0"]["found"] == "NVIDIA H100 80GB HBM3, compute capability 9.0, driver 535.161.08"
    assert found["gpus gpu 1"]["why"] == "the installed MXNet is built for the CPU and leaves this GPU idle"
