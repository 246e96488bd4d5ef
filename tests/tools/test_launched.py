"""A watched training: its processes are found by their mark, and a hang, an orphan and a lost checkpoint are seen."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from gluon_ref import documents
from tools import launched
from tools.launched import Hang, Orphan, Training, checkpoint, logged

# Starts a process that stays, in the role of a worker, with all pipes closed; prints its number.
STAY = """
import os, subprocess, sys
code = "import time; time.sleep(60)"
environ = {**os.environ, "DMLC_ROLE": "worker"}
null = subprocess.DEVNULL
print(subprocess.Popen([sys.executable, "-c", code], env=environ, stdin=null, stdout=null, stderr=null).pid)
"""
WAIT = "import time; print('waits', flush=True); time.sleep(60)"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece of Python in the place of a command."""
    monkeypatch.setattr(launched, "PROGRAM", (sys.executable, "-c"))
    monkeypatch.setattr(launched, "LIMIT_S", 0.5)


def started(code: str, folder: Path, **environ: str) -> Training:
    return Training([code], folder / "run", folder, environ)


def test_what_was_printed_is_kept_with_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launched, "LIMIT_S", 10.0)
    start = time.monotonic()
    with started("import os; print('here', os.getcwd()); print(os.environ['WORD'])", tmp_path, WORD="said") as one:
        assert one.end() == 0
        when = one.says("^sai", start)
        assert when is not None and start < when < time.monotonic()
        assert one.says("^sai", when + 1e-9) is None
        assert one.told == f"here {tmp_path}\nsaid"


def test_the_exit_code_is_as_a_shell_tells_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launched, "LIMIT_S", 10.0)
    with started("import os; os.kill(os.getpid(), 9)", tmp_path) as one:
        assert one.end() == 128 + signal.SIGKILL


def test_a_hang_is_seen_and_ended(tmp_path: Path) -> None:
    with pytest.raises(Hang, match=r"still not after 0.5 s: its end\nwaits"), started(WAIT, tmp_path) as one:
        one.end()
    assert one.pids() == []


def test_who_ends_before_it_was_due_is_told_with_its_words(tmp_path: Path) -> None:
    with (
        pytest.raises(AssertionError, match="ended before update 3\nover"),
        started("print('over')", tmp_path) as one,
    ):
        one.reach(3)


def test_a_process_that_is_left_is_found_by_its_role_named_and_ended(tmp_path: Path) -> None:
    with started(STAY, tmp_path) as one:
        one.process.wait()
        assert one.pids("server") == []
        [pid] = one.pids("worker")
        with pytest.raises(Orphan, match=rf"left after 0.1 s: \[{pid}\]\n{pid}"):
            one.emptied(0.1)
    assert one.emptied() < 1


def test_a_checkpoint_that_is_gone_or_older_is_lost(tmp_path: Path, run: Path) -> None:
    """The log and the last checkpoint of the run are of step 144."""
    folder = Path(shutil.copytree(run, tmp_path / "run"))
    step = checkpoint(folder)
    assert step == logged(folder) > 0
    with started(WAIT, tmp_path) as one:
        one.reach(step)
        assert not one.lost
        state = documents.read(folder / "state.json", 1)
        documents.write(folder / "state.json", {**state, "step": step - 1})
        with pytest.raises(Hang):
            one.reach(step + 1)
        assert one.lost


def test_a_line_of_the_log_that_is_being_written_does_not_count(tmp_path: Path) -> None:
    assert (logged(tmp_path), checkpoint(tmp_path)) == (0, 0)
    (tmp_path / "log.jsonl").write_text('{"step": 7}\n{"step": 8')
    assert logged(tmp_path) == 7
