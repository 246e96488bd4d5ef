"""diagnose(), from the probes to the verdict, with libraries that stand in; tests/checks/ has what each check says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gluon_ref import diagnosis
from gluon_ref.checks.children import Ended
from gluon_ref.checks.findings import Finding, fine, problem, warning
from gluon_ref.diagnosis import Diagnosis, diagnose
from tests.checks.conftest import STAGES, printed

Patch = pytest.MonkeyPatch
GROUPS = ["packages", "imports", "libraries", "shadows", "variables", "build", "gpus", "processors", "folders"]
HANGS = "import threading\nthreading.Event().wait()"


def write(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(text)
    return folder


def find(found: Diagnosis, group: str, name: str) -> Finding:
    return next(one for one in found.groups[group] if one.name == name)


@pytest.fixture
def asked(monkeypatch: Patch) -> dict:
    """What would be started, with which variables; a whole MXNet answers."""
    seen: dict = {}

    def together(commands, *, environ, limit_s):
        seen.update(commands=commands, environ=environ, limit_s=limit_s)
        ended = printed(dict(STAGES))
        return {name: ended if name != "nvidia-smi" else Ended("Tesla T4, 7.5, 535.1\n", "", 0) for name in commands}

    monkeypatch.setattr(diagnosis, "together", together)
    monkeypatch.setattr(diagnosis.gpus, "command", lambda: ())
    return seen


def test_the_groups_are_told_in_this_order(asked: dict) -> None:
    found = diagnose({"HOME": "/tmp"})
    assert list(found.groups) == [*GROUPS, "training"]
    assert found.features["OPENMP"] is True
    assert found.versions["python"] == ".".join(map(str, sys.version_info[:3]))


def test_each_library_is_tried_in_a_process_of_its_own(asked: dict) -> None:
    diagnose({"HOME": "/tmp"}, limit_s=7)
    assert list(asked["commands"]) == ["mxnet", "gluoncv", "gluonnlp"]
    assert asked["commands"]["gluoncv"][0] == sys.executable
    assert asked["commands"]["gluoncv"][3] == "gluoncv"
    assert asked["limit_s"] == 7


def test_nothing_that_is_tried_joins_a_distributed_run(asked: dict) -> None:
    found = diagnose({"DMLC_ROLE": "server", "DMLC_PS_ROOT_URI": "10.0.0.1", "PORT": "1", "OMP_NUM_THREADS": "1"})
    assert asked["environ"] == {"OMP_NUM_THREADS": "1"}
    told = find(found, "variables", "DMLC_ROLE")
    assert (told.state, told.command) == ("warning", "unset DMLC_ROLE")
    assert "never returns" in told.why


def test_nvidia_smi_is_asked_beside_them(asked: dict, monkeypatch: Patch) -> None:
    monkeypatch.setattr(diagnosis.gpus, "command", lambda: ("/bin/nvidia-smi", "-q"))
    found = diagnose({})
    assert asked["commands"]["nvidia-smi"] == ("/bin/nvidia-smi", "-q")
    assert find(found, "gpus", "gpu 0").found.startswith("Tesla T4, compute capability 7.5")


def test_an_mxnet_that_hangs_is_ended_and_said_with_its_place(tmp_path: Path, monkeypatch: Patch) -> None:
    folder = write(tmp_path, numpy="__version__ = '1.26.4'", mxnet=HANGS)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    found = diagnose(limit_s=4)
    assert not found.ok
    told = find(found, "imports", "mxnet")
    assert told.found.startswith("does not import: it had not finished after 4 s and was ended; it waited in ")
    assert "threading.py, line " in told.found
    assert told.command == "unset PYTHONPATH"
    assert find(found, "imports", "gluoncv").state == "problem"
    assert find(found, "training", "step").found == "not tried: mxnet does not import"
    assert found.verdict.startswith("training would fail: ")


def test_an_mxnet_that_crashes_is_said_with_its_signal(tmp_path: Path, monkeypatch: Patch) -> None:
    crash = "import os\nos.kill(os.getpid(), 4)"
    monkeypatch.setenv("PYTHONPATH", str(write(tmp_path, numpy="__version__ = '1.26.4'", mxnet=crash)))
    found = diagnose()
    assert find(found, "imports", "mxnet").found == "does not import: its process was ended by SIGILL"


def test_variables_of_any_bytes_are_told_in_one_line(asked: dict) -> None:
    found = diagnose({"MXNET_HOME": "/tmp", "MXNET_ODD": "a\n\x1b[31m\udcffé"})
    assert find(found, "variables", "MXNET_ODD").found.startswith(r"MXNET_ODD=a\n\x1b[31m\udcffé (")
    assert all(line.isprintable() for line in found.lines())


def some(*findings: Finding) -> Diagnosis:
    return Diagnosis({"group": findings}, {}, {})


VERDICTS = [
    ((fine("a", "b"),), True, "training works here; nothing to mend"),
    ((warning("a", "b", "c"),), True, "training works here; 1 warning above"),
    ((warning("a", "b", "c"),) * 2, True, "training works here; 2 warnings above"),
    (
        (problem("a", "b", "c"),),
        False,
        "training would fail: 1 problem, no warnings; mend the problems from the top down, and ask again",
    ),
    (
        (problem("a", "b", "c"), problem("d", "b", "c"), warning("a", "b", "c")),
        False,
        "training would fail: 2 problems, 1 warning; mend the problems from the top down, and ask again",
    ),
]


@pytest.mark.parametrize(("findings", "ok", "verdict"), VERDICTS)
def test_the_verdict_counts(findings: tuple[Finding, ...], ok: bool, verdict: str) -> None:
    found = some(*findings)
    assert (found.ok, found.verdict) == (ok, verdict)
    assert list(found.lines())[-1] == verdict


def test_a_command_that_mends_several_things_is_told_once() -> None:
    found = some(problem("a", "b", "c", "mend"), problem("d", "e", "f", "mend"), warning("g", "h", "i"))
    lines = [" ".join(line.split()) for line in found.lines()]
    assert [line for line in lines if line.startswith("do:")] == ["do: mend", "do: as for group a"]
    assert [one["command"] for one in found.document()["findings"]] == ["mend", "mend", ""]


def test_the_status_says_whether_training_would_fail(monkeypatch: Patch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(diagnosis, "diagnose", lambda: some(fine("a", "b")))
    assert diagnosis.main() == 0
    monkeypatch.setattr(diagnosis, "diagnose", lambda: some(problem("a", "b", "c")))
    assert diagnosis.main() == 1
    assert capsys.readouterr().out.startswith("group\n  ok       a ")
