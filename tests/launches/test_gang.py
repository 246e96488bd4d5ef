"""One attempt with stand-ins: what is printed, who is blamed for what, and that nothing stays behind."""

from __future__ import annotations

import os
import resource
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gluon_ref.errors import RequestError
from gluon_ref.launches.attempts import LaunchError
from gluon_ref.machine import processors
from tests.launches.standins import NUMBERED, QUICK, SERVING, gone, launch, parent, pids, until

WORK = "meet(); mark(f'works{rank}'); work()"
KILL = "os.kill(os.getpid(), 9)\n"
# Ends once both workers have met.
AFTER = "while not marked('works1'): time.sleep(0.01)\n"


def failing(folder: Path, worker: str, **options: object) -> LaunchError:
    """Launch what fails; nothing is left of it."""
    with pytest.raises(LaunchError) as told:
        launch(folder, NUMBERED + worker, **options)  # type: ignore[arg-type]
    gone(folder)
    return told.value


def doing(ready: Callable[[], object], act: Callable[[], object]) -> threading.Thread:
    """Do something as soon as something is so, in another thread."""

    def wait() -> None:
        until(ready)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_every_line_has_role_and_rank_in_front_and_goes_to_the_stream_it_came_from(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    worker = "meet(); print('out', rank); print('error', rank, file=sys.stderr); done(); print('last', end='')"
    assert launch(tmp_path, worker, server="print('serving')\n" + SERVING, servers=2) == 0
    told = capfd.readouterr()
    assert sorted(told.out.splitlines()) == [
        *("scheduler | serving", "server 0 | serving", "server 1 | serving"),
        *("worker 0 | last", "worker 0 | out 0", "worker 1 | last", "worker 1 | out 1"),
    ]
    assert sorted(told.err.splitlines()) == ["worker 0 | error 0", "worker 1 | error 1"]


def test_a_million_characters_arrive_whole_and_in_order(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    worker = "meet(); [print(number, 'x' * 1000) for number in range(3000)]; done()"
    assert launch(tmp_path, worker, workers=1) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines == [f"worker 0 | {number} {'x' * 1000}" for number in range(3000)]


def test_each_process_gets_its_role_the_root_and_its_share_of_the_processors(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    for name in ("PORT", "DMLC_INTERFACE", "OWN", "GLUONREF_ATTEMPT"):
        monkeypatch.setenv(name, "mine")
    names = ("DMLC", "OMP_", "PORT", "OWN", "GLUONREF_A", "GLUONREF_B", "GLUONREF_L")
    show = f"[print(name, value) for name, value in os.environ.items() if name.startswith({names})]\n"
    launch(tmp_path, show + "meet(); done()", server=show + SERVING, workers=1, batch="scale")
    lines = capfd.readouterr().out.splitlines()
    for who, threads in (("scheduler", 1), ("server 0", 1), ("worker 0", processors())):
        found = dict(line.partition(" | ")[2].split(" ") for line in lines if line.startswith(who))
        assert found.pop("DMLC_PS_ROOT_PORT").isdigit()
        assert found.pop("GLUONREF_BEATS").isdigit()
        assert found == {
            "GLUONREF_LAUNCHED": "1",
            "DMLC_ROLE": who.split()[0],
            "DMLC_PS_ROOT_URI": "127.0.0.1",
            "DMLC_NUM_WORKER": "1",
            "DMLC_NUM_SERVER": "1",
            "DMLC_NODE_HOST": "127.0.0.1",
            "GLUONREF_ATTEMPT": "0",
            "GLUONREF_BATCH": "scale",
            "OMP_NUM_THREADS": str(threads),
            "OWN": "mine",
        }


def test_a_thread_count_of_the_person_s_own_is_left(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    launch(tmp_path, "meet(); print(os.environ['OMP_NUM_THREADS']); done()", workers=1)
    assert capfd.readouterr().out == "worker 0 | 7\n"


def test_a_worker_that_fails_gives_its_exit_code_and_ends_all(tmp_path: Path) -> None:
    worker = "meet(); work(3); together('worked'); all_here(4)\nif rank: tell(failed='too hot'); sys.exit(3)\nwork()"
    error = failing(tmp_path, worker, server=NUMBERED + "time.sleep(100)")
    assert str(error).startswith("launch: worker 1: ended with exit code 3 after step 3 (too hot); expected every ")
    assert str(error).endswith("; give the same command again; --max-restarts 3 does so by itself")
    assert (error.exit_code, len(pids(tmp_path))) == (3, 4)


def test_a_worker_killed_is_named_with_its_signal(tmp_path: Path) -> None:
    error = failing(tmp_path, f"meet(); work(2); together('worked')\nif rank == 0: {KILL}\nwork()")
    assert str(error).startswith("launch: worker 0: ended by SIGKILL after step 2; expected")
    assert error.exit_code == 137


@pytest.mark.parametrize(("role", "name"), [("server", "server 0"), ("scheduler", "scheduler")])
def test_a_server_or_a_scheduler_killed_counts_the_same(tmp_path: Path, role: str, name: str) -> None:
    server = NUMBERED + AFTER + f"all_here(4)\nif role == '{role}': {KILL}\ntime.sleep(100)"
    error = failing(tmp_path, WORK, server=server)
    assert str(error).startswith(f"launch: {name}: ended by SIGKILL; expected")
    assert (error.exit_code, len(pids(tmp_path))) == (137, 4)


@pytest.mark.parametrize("role", ["server", "scheduler"])
def test_a_server_that_ends_as_if_all_were_done_while_workers_work_has_failed(tmp_path: Path, role: str) -> None:
    server = AFTER + f"if role != '{role}': time.sleep(100)"
    error = failing(tmp_path, WORK, server=server, timing=replace(QUICK, end_s=0.3))
    assert f"{role}{' 0' if role == 'server' else ''}: ended with exit code 0 while workers still work" in str(error)
    assert error.exit_code == 1


def test_servers_that_do_not_end_after_the_workers_are_ended(tmp_path: Path) -> None:
    server = NUMBERED + "signal.signal(15, lambda *_: mark(f'asked-{role}'))\nwhile True: time.sleep(1)"
    assert launch(tmp_path, "meet(); done()", server=server, timing=replace(QUICK, leave_s=0.3, end_s=0.5)) == 0
    assert (tmp_path / "asked-server-0").exists() and (tmp_path / "asked-scheduler-0").exists()
    gone(tmp_path)


def test_a_worker_that_stands_still_is_named_when_no_worker_gets_on(tmp_path: Path) -> None:
    """The other one waits for it, as in dist_sync."""
    worker = "meet(); work(2 + 10 * (rank == 0)); together('worked')\n"
    worker += "if rank: os.kill(os.getpid(), 19)\ntime.sleep(100)"
    error = failing(tmp_path, worker, timing=replace(QUICK, stall_s=0.6))
    assert "launch: no worker got on for 0.6 s, last of all worker 1 after step 2; expected" in str(error)
    assert "pass a longer --stall-timeout, 0 for none; give the same command again" in str(error)
    assert error.exit_code == 1


def test_workers_that_get_on_are_not_stalled_however_long_they_take(tmp_path: Path) -> None:
    worker = "meet(); [time.sleep(0.3 * (rank == 0)) or tell(step=1, checkpoint=1) for _ in range(5)]; done()"
    assert launch(tmp_path, worker, timing=replace(QUICK, stall_s=1)) == 0
    (tmp_path / "never").mkdir()
    assert launch(tmp_path / "never", "meet(); time.sleep(0.5); done()", timing=replace(QUICK, stall_s=0)) == 0


def test_workers_that_do_not_meet_in_time_are_named(tmp_path: Path) -> None:
    worker = "mark('first') and tell(rank=1) or time.sleep(100)\ntime.sleep(100)"
    error = failing(tmp_path, worker, workers=3, timing=replace(QUICK, rendezvous_s=1))
    assert "launch: rendezvous: 2 of 3 workers missing after 1 s (worker " in str(error)
    assert "pass a longer --rendezvous-timeout" in str(error)
    assert error.exit_code == 1


def test_a_worker_that_fails_before_they_meet_gives_its_own_exit_code(tmp_path: Path) -> None:
    error = failing(tmp_path, "mark('first') and sys.exit(4)\ntime.sleep(100)", timing=replace(QUICK, rendezvous_s=5))
    assert "ended with exit code 4; expected" in str(error)
    assert error.exit_code == 4


def test_an_agent_killed_takes_its_child_with_it_and_what_that_started(tmp_path: Path) -> None:
    worker = "if os.fork() == 0: (here / 'pid' / str(os.getpid())).touch(); time.sleep(100)\n" + WORK
    ready = lambda: len(pids(tmp_path)) == 4 and (tmp_path / "works1-0").exists()  # noqa: E731
    thread = doing(ready, lambda: os.kill(_agents(tmp_path)[0], signal.SIGKILL))
    error = failing(tmp_path, worker)
    thread.join()
    assert "its agent ended by SIGKILL" in str(error)
    assert error.exit_code == 137


def test_an_agent_that_is_silent_counts_as_lost(tmp_path: Path) -> None:
    ready = (tmp_path / "works1-0").exists
    thread = doing(ready, lambda: os.kill(_agents(tmp_path)[0], signal.SIGSTOP))
    start = time.monotonic()
    error = failing(tmp_path, WORK, timing=replace(QUICK, silence_s=1))
    thread.join()
    assert time.monotonic() - start < 4.5  # it is not waited for, as for one that may still obey
    assert ": no sign of life for 1 s" in str(error)
    assert error.exit_code == 1


def test_what_a_child_has_started_is_ended_with_it(tmp_path: Path) -> None:
    worker = "if os.fork() == 0: (here / 'pid' / str(os.getpid())).touch(); time.sleep(100)\n"
    assert launch(tmp_path, NUMBERED + worker + "meet(); all_here(4); done()") == 0
    assert len(pids(tmp_path)) == 4
    gone(tmp_path)


def test_beats_that_are_none_are_left_out(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    beats = ("not json", "[1]", "null", '{"rank": true}', '{"step": -1}', '{"run": 5}', '{"own": 1}', "x" * 5000)
    worker = f"[os.write(int(os.environ['GLUONREF_BEATS']), (line + '\\n').encode()) for line in {beats}]\n"
    assert launch(tmp_path, worker + "meet(); done()") == 0
    assert capfd.readouterr().err == ""


def test_a_machine_without_room_for_so_many_is_told_and_what_was_started_is_ended(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 20, before[1]))
    try:
        with pytest.raises(RequestError, match=r"cannot be started \(Too many open files\); expected room for 52 proc"):
            launch(tmp_path, NUMBERED + "time.sleep(100)", workers=50)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    gone(tmp_path)


def _agents(folder: Path) -> list[int]:
    """Agents of the processes that wrote down their number; their parents are no agents where they forked."""
    known = pids(folder)
    return [parent(pid) for pid in known if parent(pid) not in known]
