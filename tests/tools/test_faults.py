"""The table of faults counts what went otherwise, and a round sees it; the real thing is in tests/test_faults.py."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gluon_ref.errors import AlteredError
from tools import faults, launched
from tools.faults import FAULTS, Fault, Outcome, Strike
from tools.launched import Hang, Orphan, Training
from tools.namespaces import Refused

FAULT = Fault("worker killed", ())
HEAD = "| fault | times | restarts | hangs | left over | lost checkpoints | noticed after at most, s | same files |"


@pytest.fixture
def suffering(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Rounds that end as said, one after the other; nothing is trained."""

    def prepare(*ends: Exception | None) -> None:
        left = list(ends)

        def suffer(fault: Fault, turn: int, place: Path, model: str, expected: Any, outcome: Outcome) -> None:
            outcome.noticed_s.append(turn + 0.25)
            if end := left.pop(0):
                raise end
            outcome.restarts += 1
            outcome.same += 1

        monkeypatch.setattr(faults, "suffer", suffer)
        monkeypatch.setattr(faults, "undisturbed", lambda place, model: {})
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    return prepare


def test_every_fault_has_a_name_of_its_own() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) == 14


def test_the_table_counts_hangs_orphans_and_damage_and_keeps_their_folders(
    suffering: Callable[..., None], tmp_path: Path
) -> None:
    suffering(None, Hang("hung"), Orphan("left"), AlteredError("state.json", "torn", "it whole", "none"), None)
    outcome = faults.repeated(FAULT, 5, tmp_path, ({}, {}))
    assert faults.row(FAULT, outcome) == "| worker killed | 5 | 2 | 1 | 1 | 1 | 4.2 | 2 of 5 |"
    told = [one.partition(f"{tmp_path}/")[2].partition(": ")[2] for one in outcome.wrong]
    assert told == ["hung", "left", "state.json: torn; expected it whole; none"]
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    "end, status, last",
    [
        (None, 0, "| worker killed | 1 | 1 | 0 | 0 | 0 | 0.2 | 1 of 1 |"),
        (Hang("hung"), 1, "| worker killed | 1 | 0 | 1 | 0 | 0 | 0.2 | 0 of 1 |"),
        (Refused("not allowed"), 0, "| worker killed | not tried: not allowed | | | | | | |"),
    ],
)
def test_the_command_prints_the_table_and_fails_when_anything_went_otherwise(
    suffering: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    end: Exception | None,
    status: int,
    last: str,
) -> None:
    suffering(end)
    monkeypatch.setattr(sys, "argv", ["faults", "--faults", "worker killed", "--times", "1"])
    assert faults.main() == status
    told = capsys.readouterr()
    assert told.out.splitlines()[0] == HEAD
    assert told.out.splitlines()[2] == last
    assert told.out.splitlines()[3].endswith(f" s, {status} otherwise than they should be")
    assert ("hung" in told.err) == bool(status)


def test_a_run_that_missed_samples_or_took_others_is_told(run: Path) -> None:
    """It has seen 120 samples in each of 2 epochs, by updates of 16."""
    assert faults.fewer(16)(run, {}) == ["seen is 240", "epoch is 2"]
    assert faults.fewer(17)(run, {}) == ["total is 16", "seen is 240", "epoch is 2"]


def test_files_other_than_those_of_a_run_left_alone_are_named(run: Path) -> None:
    expected = faults.contents(run)
    assert faults.whole(run, expected) == []
    assert faults.whole(run, {**expected, "trainer-0.states": b""}) == ["trainer-0.states"]


def stand_in(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """A piece of Python in the place of the command."""
    monkeypatch.setattr(launched, "PROGRAM", (sys.executable, "-c", code))
    monkeypatch.setattr(launched, "LIMIT_S", 10.0)


BEGUN = "from pathlib import Path; Path('run').mkdir(); Path('run/run.toml').touch()\n"


def test_a_fault_that_nobody_notices_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_in(monkeypatch, BEGUN + "print('all is well')")
    fault = Fault("nothing", (Strike(0, lambda training, turn: None, "ended by SIGKILL"),))
    with pytest.raises(AssertionError, match="ended before ended by SIGKILL\nall is well"):
        faults.suffer(fault, 0, tmp_path, faults.MODELS[0], {}, Outcome())


def test_another_exit_code_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_in(monkeypatch, "print('failed'); raise SystemExit(3)")
    with pytest.raises(AssertionError, match="exit code 3\nfailed"):
        faults.suffer(Fault("nothing", ()), 0, tmp_path, faults.MODELS[0], {}, Outcome())


def test_a_stop_without_a_checkpoint_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, run: Path) -> None:
    code = f"import shutil; shutil.copytree({str(run)!r}, 'run')\n"
    code += "open('run/log.jsonl', 'a').write('{\"epoch\": 3, \"step\": 999}\\n')\n"
    stand_in(monkeypatch, code + "print('error: launch: stopped by signal 2'); raise SystemExit(130)")
    with pytest.raises(AssertionError, match="there is no checkpoint of the stop"):
        faults.suffer(Fault("nothing", (), (), 130), 0, tmp_path, faults.MODELS[0], {}, Outcome())


def test_a_blow_that_comes_after_the_first_checkpoint_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, run: Path
) -> None:
    stand_in(monkeypatch, f"import shutil; shutil.copytree({str(run)!r}, 'run')\nimport time; time.sleep(60)")

    def late(training: Training, turn: int) -> None:
        time.sleep(0.5)

    with pytest.raises(AssertionError, match="it came too late: there is a checkpoint"):
        faults.suffer(Fault("late", (Strike(0, late),)), 0, tmp_path, faults.MODELS[0], {}, Outcome())
