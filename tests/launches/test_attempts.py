"""From one attempt to the next over a hosts file, with a shell that leads nowhere but here."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from gluon_ref.launches.attempts import LaunchError
from tests.launches.standins import NUMBERED, gone, launch, pids

# Takes the host's name away, as `ip netns exec` does, and stays here.
SHELL = """sh -c 'exec "$@"'"""
TWO = "a address=127.0.0.1\nb address=127.0.0.2 slots=2\n"
FAIL = NUMBERED + "meet(); print(workers, os.environ['DMLC_NODE_HOST'], sys.argv[2:]); together('printed')\n"


def changing(text: str) -> str:
    """A worker that fails at the first attempt, after it has changed the hosts file."""
    change = f"(here / 'new').write_text({text!r}); (here / 'new').rename(here / 'hosts'); sys.exit(3)"
    return FAIL + f"if attempt == 0 and rank: time.sleep(100)\nif attempt == 0: {change}\ndone()"


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    path = tmp_path / "hosts"
    path.write_text(TWO)
    return path


def test_after_a_restart_the_workers_are_what_the_slots_of_the_file_hold_then(
    tmp_path: Path, hosts: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    worker = changing("b address=127.0.0.2\n")
    assert launch(tmp_path, worker, workers=3, hosts=hosts, shell=SHELL, max_restarts=1) == 1
    told = capfd.readouterr()
    lines = sorted(line.partition(" | ")[2] for line in told.out.splitlines())
    assert lines == ["1 127.0.0.2 []", "3 127.0.0.1 []", "3 127.0.0.2 []", "3 127.0.0.2 []"]
    assert told.err.splitlines()[1:] == [
        f"launch | host a is left out: it is no longer in {hosts}",
        "launch | restart 1 of 1 with 1 of 3 workers",
    ]
    gone(tmp_path)


def test_more_slots_than_asked_for_do_not_make_more_workers(
    tmp_path: Path, hosts: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    worker = changing(TWO + "c address=127.0.0.3 slots=5\n")
    assert launch(tmp_path, worker, workers=2, hosts=hosts, shell=SHELL, max_restarts=1) == 1
    assert capfd.readouterr().err.splitlines()[-1] == "launch | restart 1 of 1 with 2 workers"


def test_a_hosts_file_that_became_unreadable_changes_nothing(
    tmp_path: Path, hosts: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert launch(tmp_path, changing("a slots=no"), workers=3, hosts=hosts, shell=SHELL, max_restarts=1) == 1
    notes = capfd.readouterr().err.splitlines()
    assert notes[1].startswith(f"launch | {hosts}, line 1: slots=no; expected a whole number")
    assert notes[1].endswith("; the hosts are those of before")
    assert notes[2] == "launch | restart 1 of 1 with 3 workers"


def test_a_host_that_no_shell_leads_to_is_named_with_what_the_shell_says(
    tmp_path: Path, hosts: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    refuse = shlex.join([sys.executable, "-c", "import sys; sys.exit('no route')"])
    with pytest.raises(LaunchError) as told:
        launch(tmp_path, FAIL, hosts=hosts, shell=refuse, max_restarts=3)
    assert str(told.value) == (
        f"launch: host {str(told.value).split()[2][:-1]}: no agent could be started there (no route); expected a shell "
        "that leads there and starts Python; check the hosts file, --shell, and that --python has this package there"
    )
    assert "scheduler on a, agent | no route" in capfd.readouterr().err.splitlines()
    assert not pids(tmp_path)


def test_a_host_that_no_shell_leads_to_any_more_is_left_out_at_a_restart(
    tmp_path: Path, hosts: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shell = tmp_path / "shell"
    shell.write_text(
        f'#!/bin/sh\nname=$1; shift\n[ $name = b ] && [ -e {tmp_path}/printed0-0 ] && exit 255\nexec "$@"\n'
    )
    shell.chmod(0o755)
    worker = FAIL + "attempt or sys.exit(3); done()"
    assert launch(tmp_path, worker, workers=3, hosts=hosts, shell=str(shell), max_restarts=1) == 1
    notes = capfd.readouterr().err.splitlines()
    assert "launch | host b: no agent could be started there (exit code 255); all processes are ended" in notes
    assert notes[-2:] == ["launch | host b is left out: it was lost", "launch | restart 1 of 1 with 1 of 3 workers"]
    gone(tmp_path)


def test_when_all_hosts_were_lost_they_are_tried_once_more(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "hosts").write_text("a address=127.0.0.1\n")
    shell = tmp_path / "shell"
    shell.write_text('#!/bin/sh\nshift\n"$@"\nexit 255\n')  # as ssh ends when its connection has
    shell.chmod(0o755)
    worker = FAIL + "attempt or os.kill(os.getppid(), 9); done()"
    assert launch(tmp_path, worker, workers=1, hosts=tmp_path / "hosts", shell=str(shell), max_restarts=1) == 1
    notes = capfd.readouterr().err.splitlines()
    assert "worker 0 on a: the connection to its agent ended (" in notes[-3]
    assert notes[-2] == "launch | no host is left but those that were lost; they are tried once more"
