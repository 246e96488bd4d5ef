"""launch(): what is asked is checked, failed runs are started anew from where they were, and the last word helps."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gluon_ref import launching
from gluon_ref.errors import Interrupted, RequestError
from gluon_ref.launches.attempts import LaunchError
from gluon_ref.launches.records import Options, Programs, Timing
from tests.launches.standins import NUMBERED, QUICK, gone, launch, pids, programs, until

ATTEMPTS = "meet(); print('attempt', attempt, sys.argv[2:]); work(3); together('worked')\n"
WORK = "meet(); tell(run='runs/cnn'); mark(f'works{rank}'); work()"
GOES_ON = "`gluonref launch --workers 2 -- train --resume runs/cnn` goes on from the last checkpoint"


@contextmanager
def sending(number: int, *moments: Callable[[], object]) -> Iterator[None]:
    """Send this process a signal at these moments, one after another."""

    def send() -> None:
        for moment in moments:
            until(moment)
            os.kill(os.getpid(), number)

    # A shell that runs the tests in the background has its children ignore SIGINT.
    before = signal.signal(number, signal.default_int_handler)
    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        signal.signal(number, before)


def working(folder: Path) -> Callable[[], object]:
    """Whether both workers do."""
    return lambda: all((folder / f"works{rank}-0").exists() for rank in (0, 1))


def test_a_run_is_started_anew_as_often_as_allowed_with_the_very_same_command(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert launch(tmp_path, ATTEMPTS + "attempt < 2 and sys.exit(3); done()", max_restarts=3) == 2
    told = capfd.readouterr()
    assert sorted(told.out.splitlines()) == sorted(
        f"worker {rank} | attempt {attempt} []" for rank in (0, 1) for attempt in (0, 1, 2)
    )
    notes = told.err.splitlines()
    assert notes[0].endswith(": ended with exit code 3 after step 3; all processes are ended")
    assert notes[1] == "launch | restart 1 of 3 with 2 workers"
    assert notes[3] == "launch | restart 2 of 3 with 2 workers"


def test_when_no_restart_is_left_the_last_failure_counts(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match="ended with exit code 5") as told:
        launch(tmp_path, "meet(); sys.exit(4 + attempt)", max_restarts=1)
    assert told.value.exit_code == 5
    assert str(told.value).endswith("; give the same command again")


def test_a_restart_goes_on_in_the_folder_that_rank_0_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    worker = "meet(); tell(run='runs/cnn') if rank == 0 else None; print(sys.argv[2:]); together('told')\n"
    worker += "os.kill(os.getpid(), 9)"
    with pytest.raises(LaunchError) as told:
        launch(tmp_path, worker, max_restarts=1)
    lines = capfd.readouterr().out.splitlines()
    assert [line.partition(" | ")[2] for line in lines] == ["[]"] * 2 + ["['--out', 'runs/cnn']"] * 2
    assert str(told.value).endswith(f"; {GOES_ON}")
    assert told.value.exit_code == 137


@pytest.mark.parametrize("option", [["--out", "mine"], ["--out=mine"], ["--resume", "mine"], ["--resume=mine"]])
def test_a_command_that_names_its_folder_is_left_as_it_is(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], option: list[str]
) -> None:
    worker = "meet(); tell(run='mine'); print(sys.argv[2:]); attempt or sys.exit(3); done()"
    asked = Options(1, max_restarts=1, timing=QUICK)
    assert launching.launch(["train", "cnn", *option], asked, programs=programs(tmp_path, worker)) == 1
    assert capfd.readouterr().out.splitlines() == ["worker 0 | []"] * 2


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("sys.exit(2)", 2),
        ("tell(failed='no', again=False); sys.exit(1)", 1),
        ("rank or tell(failed='no', again=False); together('told'); rank or time.sleep(100); sys.exit(1)", 1),
    ],
)
def test_what_another_attempt_cannot_mend_gets_none(tmp_path: Path, end: str, code: int) -> None:
    with pytest.raises(LaunchError) as told:
        launch(tmp_path, f"meet(); {end}", max_restarts=3)
    assert told.value.exit_code == code
    assert str(told.value).endswith("; mend what its own lines say, then give the same command again")
    assert not (tmp_path / "rank0-1").exists()


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    none = ("/no/such/program",)
    with pytest.raises(LaunchError, match=r"cannot be started \(/no/such/program: No such file or directory\)"):
        launching.launch(["train"], Options(1, max_restarts=3, timing=QUICK), programs=Programs(none, none))
    with pytest.raises(RequestError, match=r"launch: /no/python cannot be started \(No such file"):
        launching.launch(["train"], Options(1, python="/no/python", timing=QUICK))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_workers_and_says_how_to_go_on(
    tmp_path: Path, number: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    stop = "signal.signal(15, lambda *_: (print('saved'), sys.exit(143)))\n"
    ready = lambda: working(tmp_path)() and len(pids(tmp_path)) == 4  # noqa: E731
    with sending(number, ready), pytest.raises(Interrupted) as told:
        launch(tmp_path, NUMBERED + stop + WORK, server=NUMBERED + "time.sleep(100)", max_restarts=3)
    assert told.value.exit_code == 128 + number
    assert str(told.value) == f"launch: stopped by signal {number}; {GOES_ON}"
    assert sorted(capfd.readouterr().out.splitlines()) == ["worker 0 | saved", "worker 1 | saved"]
    assert len(pids(tmp_path)) == 4
    gone(tmp_path)


def test_workers_that_have_all_done_when_a_signal_comes_are_a_success(tmp_path: Path) -> None:
    with sending(signal.SIGTERM, working(tmp_path)):
        assert launch(tmp_path, "signal.signal(15, lambda *_: (done(), sys.exit(0)))\n" + WORK) == 0


def test_workers_that_do_not_stop_are_ended_when_their_time_is_up(tmp_path: Path) -> None:
    with sending(signal.SIGTERM, working(tmp_path)), pytest.raises(Interrupted):
        launch(tmp_path, NUMBERED + "signal.signal(15, signal.SIG_IGN)\n" + WORK, timing=replace(QUICK, stop_s=2))
    gone(tmp_path)


def test_a_second_signal_ends_all_at_once(tmp_path: Path) -> None:
    worker = NUMBERED + "signal.signal(15, lambda *_: mark('asked'))\n" + WORK
    moments = (working(tmp_path), (tmp_path / "asked-0").exists)
    with sending(signal.SIGTERM, *moments), pytest.raises(Interrupted):
        launch(tmp_path, worker, timing=replace(QUICK, stop_s=1000, end_s=1000))
    gone(tmp_path)


def test_workers_that_have_not_met_have_less_time_to_stop(tmp_path: Path) -> None:
    worker = NUMBERED + "signal.signal(15, signal.SIG_IGN); time.sleep(100)"
    with sending(signal.SIGTERM, lambda: len(pids(tmp_path)) == 2), pytest.raises(Interrupted, match="starts anew"):
        launch(tmp_path, worker, timing=replace(QUICK, stop_s=1000))
    gone(tmp_path)


def test_a_launcher_that_is_killed_leaves_nothing_behind(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from tests.launches.standins import NUMBERED, launch\n"
    code += "launch(Path(sys.argv[1]), NUMBERED + 'meet(); work()', server=NUMBERED + 'time.sleep(100)')"
    root = Path(__file__).parents[1]
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=root) as process:
        until(lambda: len(pids(tmp_path)) == 4)
        process.kill()
    gone(tmp_path)


def test_a_launcher_that_stood_still_says_so(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from dataclasses import replace\n"
    code += "from tests.launches.standins import NUMBERED, QUICK, launch\n"
    code += "launch(Path(sys.argv[1]), NUMBERED + 'meet(); work()', timing=replace(QUICK, silence_s=1))"
    root = Path(__file__).parents[1]
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True) as process:
        until((tmp_path / "rank1-0").exists)
        process.send_signal(signal.SIGSTOP)
        gone(tmp_path)
        process.send_signal(signal.SIGCONT)
        errors = process.communicate()[1]
    assert "LaunchError: launch: gave its agents no sign of life for 1 s, so that they ended all; expected" in errors


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        ([], {}, "no command after --; expected train"),
        (["evaluate", "runs/cnn"], {}, "command 'evaluate' after --; expected train"),
        (["train"], {"workers": 0}, "workers=0; expected 1 or more; pass --workers 2"),
        (["train"], {"servers": 0}, "servers=0; expected 1 or more"),
        (["train"], {"max_restarts": -1}, "max-restarts=-1; expected 0 or more"),
        (["train"], {"batch": "grow"}, "batch=grow; expected keep or scale"),
        (["train"], {"timing": Timing(rendezvous_s=0)}, "rendezvous-timeout=0; expected above 0"),
        (["train"], {"timing": Timing(stall_s=-1)}, "stall-timeout=-1; expected 0 or more"),
        (["train"], {"timing": Timing(stall_s=float("nan"))}, "stall-timeout=nan; expected 0 or more"),
        (["train"], {"hosts": "hosts", "shell": " "}, "shell= ; expected a program"),
        (["train"], {"hosts": "hosts", "shell": "ssh 'a"}, "shell=ssh 'a"),
        (["train"], {"hosts": "hosts", "python": "/my python"}, "python=/my python; expected with --hosts, a path"),
        (["train"], {"hosts": "hosts", "workers": 4}, "workers=4; expected 3 or fewer, as hosts has 3 slots"),
    ],
)
def test_what_cannot_be_launched_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], options: dict[str, Any], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hosts").write_text("a slots=2 address=10.0.0.1\nb address=10.0.0.2\n")
    with pytest.raises(RequestError) as told:
        launching.launch(command, Options(**{"workers": 2, **options}))
    assert str(told.value).startswith(f"launch: {words}")


def test_a_described_process_is_a_line_that_a_shell_can_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    lines = launching.describe(["train", "cnn", "--set", "model.units=5 7"], Options(2, 3, python="python3"))
    assert [line for line in lines if line.startswith("#")][2:] == [
        "# scheduler here",
        *(f"# server {number} here" for number in range(3)),
        *("# worker 0 here", "# worker 1 here"),
    ]
    start = "from gluon_ref_cli.main import main; main()"
    sets = [word for word in shlex.split(lines[-1]) if "=" in word and not word.startswith("model.units")]
    assert shlex.split(lines[-1]) == [*sets, "python3", "-c", start, "train", "cnn", "--set", "model.units=5 7"]
    shown = subprocess.run(["sh", "-c", lines[-1].partition(" python3 ")[0] + " env"], capture_output=True, text=True)
    found = dict(line.split("=", 1) for line in shown.stdout.splitlines())
    assert (found["DMLC_ROLE"], found["DMLC_PS_ROOT_PORT"], found["OMP_NUM_THREADS"]) == ("worker", "9091", "7")
