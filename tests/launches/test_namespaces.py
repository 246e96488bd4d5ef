"""Hosts made of network namespaces: one is cut off in mid-work, while the pipes to its agents go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gluon_ref.launches.attempts import LaunchError
from tests.launches.standins import NUMBERED, QUICK, gone, launch, pids, until
from tools import blows, faults, namespaces
from tools.namespaces import SHELL, Refused, cable

WORK = NUMBERED + "meet(); tell(run='runs/cnn'); mark(f'works{rank}')\n"
WORKS = "attempt or work(); print(workers, 'workers', os.environ['DMLC_NODE_HOST']); done()"


@pytest.fixture(scope="module")
def network() -> Iterator[list[str]]:
    """Three hosts."""
    try:
        with namespaces.network(3) as names:
            yield names
    except Refused as error:
        pytest.skip(str(error))


@pytest.fixture
def hosts(network: list[str], tmp_path: Path) -> Iterator[Path]:
    """A hosts file of them, whose cables are whole again after the test."""
    path = tmp_path / "hosts"
    path.write_text(namespaces.lines(network))
    yield path
    for name in network:
        cable(name, "up")


def cutting(folder: Path, name: str, workers: int = 3) -> threading.Thread:
    """Cut a host off as soon as all work."""

    def cut() -> None:
        until(lambda: all((folder / f"works{rank}-0").exists() for rank in range(workers)))
        cable(name, "down")

    thread = threading.Thread(target=cut)
    thread.start()
    return thread


def test_hosts_work_together(hosts: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    worker = "meet(); print(os.environ['DMLC_NODE_HOST'], os.environ['DMLC_PS_ROOT_URI']); done()"
    assert launch(tmp_path, worker, workers=3, servers=2, hosts=hosts, shell=SHELL) == 0
    lines = capfd.readouterr().out.splitlines()
    assert sorted(line.partition(" | ")[2] for line in lines) == [f"10.213.7.{at} 10.213.7.1" for at in (1, 2, 3)]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_host_that_is_cut_off_is_noticed_and_named(
    network: list[str], hosts: Path, tmp_path: Path, number: int
) -> None:
    name = network[number]
    thread = cutting(tmp_path, name)
    start = time.monotonic()
    with pytest.raises(LaunchError) as told:
        launch(tmp_path, WORK + WORKS, workers=3, hosts=hosts, shell=SHELL)
    thread.join()
    assert time.monotonic() - start < 10
    assert f"launch: host {name}: cut off: nothing heard over the network for 2 s (" in str(told.value)
    assert f"--hosts {hosts} --shell 'ip netns exec' -- train --resume runs/cnn` goes on" in str(told.value)
    assert (told.value.exit_code, len(pids(tmp_path))) == (1, 3)
    gone(tmp_path)


def test_a_run_goes_on_without_a_host_that_was_cut_off(
    network: list[str], hosts: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    thread = cutting(tmp_path, network[1])
    assert launch(tmp_path, WORK + WORKS, workers=3, hosts=hosts, shell=SHELL, max_restarts=1) == 1
    thread.join()
    told = capfd.readouterr()
    assert sorted(told.out.splitlines()) == ["worker 0 | 2 workers 10.213.7.1", "worker 1 | 2 workers 10.213.7.3"] or (
        sorted(told.out.splitlines()) == ["worker 0 | 2 workers 10.213.7.3", "worker 1 | 2 workers 10.213.7.1"]
    )
    notes = told.err.splitlines()
    assert notes[0].startswith(f"launch | host {network[1]}: cut off: nothing heard over the network for 2 s")
    assert notes[1:] == [
        f"launch | host {network[1]} is left out: it was lost",
        "launch | restart 1 of 1 with 2 of 3 workers, in runs/cnn",
    ]
    gone(tmp_path)


def test_a_host_out_of_reach_at_a_restart_is_left_out_and_the_restart_not_counted(
    network: list[str], hosts: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its cable is pulled when the first attempt fails of another reason."""
    worker = WORK + "together('worked')\n"
    worker += "while not attempt and not marked('pulled'): time.sleep(0.01)\nattempt or sys.exit(3)\n"
    worker += "print(workers); done()"

    def pull() -> None:
        until(lambda: all((tmp_path / f"worked{rank}-0").exists() for rank in range(3)))
        cable(network[2], "down")
        (tmp_path / "pulled-0").mkdir()

    thread = threading.Thread(target=pull)
    thread.start()
    assert launch(tmp_path, worker, workers=3, hosts=hosts, shell=SHELL, max_restarts=1) == 1
    thread.join()
    told = capfd.readouterr()
    assert sorted(told.out.splitlines()) == ["worker 0 | 2", "worker 1 | 2"]
    notes = told.err.splitlines()
    assert notes[0].endswith("ended with exit code 3; all processes are ended")
    assert notes[1] == "launch | restart 1 of 1 with 3 workers, in runs/cnn"
    assert notes[2].startswith(f"launch | host {network[2]}: cut off: nothing heard")
    assert notes[3:] == [
        f"launch | host {network[2]} is left out: it was lost",
        "launch | restart 1 of 1 with 2 of 3 workers, in runs/cnn",
    ]


def test_a_host_that_is_not_there_at_the_start_is_an_error(network: list[str], hosts: Path, tmp_path: Path) -> None:
    cable(network[2], "down")
    with pytest.raises(LaunchError, match=f"launch: host {network[2]}: cut off") as told:
        launch(tmp_path, WORK + WORKS, workers=3, hosts=hosts, shell=SHELL, max_restarts=3, timing=QUICK)
    assert str(told.value).endswith("; check its address in the hosts file, and that no firewall stands between")
    assert told.value.exit_code == 1


@pytest.mark.usefixtures("hosts")
def test_a_real_training_goes_on_with_the_other_of_two_hosts(network: list[str], tmp_path: Path) -> None:
    """By the command, with the times that a person gets; updates keep their samples, each epoch has them all."""

    @contextmanager
    def two(place: Path) -> Iterator[list[str]]:
        (place / blows.HOSTS).write_text(namespaces.lines(network[:2]))
        yield ["--hosts", blows.HOSTS, "--shell", SHELL]

    told = rf"host {network[1]}: cut off: nothing heard over the network for 8 s .*{faults.ENDED}"
    restarts, total = ("--max-restarts", "1"), faults.WORKERS * faults.BATCH
    fault = faults.Fault("cut off", (faults.Strike(30, blows.cut, told),), restarts, 0, two, faults.fewer(total))
    outcome = faults.Outcome()
    faults.suffer(fault, 0, tmp_path, faults.MODELS[0], {}, outcome)
    assert (outcome.restarts, outcome.lost, max(outcome.noticed_s) < 11) == (1, 0, True)
