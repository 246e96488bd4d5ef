"""The process that holds one process: it obeys, reports, and leaves nothing behind when nobody wants it any more."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gluon_ref.launches.agent import WINDOW, surroundings
from gluon_ref.launches.wires import Inbox, Outbox
from gluon_ref.machine import processors
from tests.launches.standins import WAIT_S, alive, until

SLEEP = "import time; time.sleep(100)"
SILENCE_S = 1.0


class Launcher:
    """The other side of an agent."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "gluon_ref.launches.agent", "0.1", str(SILENCE_S)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdin and self.process.stdout
        self.orders, self._reports = Outbox(self.process.stdin.fileno()), Inbox(self.process.stdout.fileno())
        self.told: list[dict[str, Any]] = []

    def begin(self, code: str, **more: Any) -> None:
        """Have a program started."""
        order = {
            "index": 1,
            "seats": 2,
            "command": [sys.executable, "-I", "-S", "-u", "-c", code],
            "environ": {"DMLC_PS_ROOT_URI": "127.0.0.1"},
            "person": {},
            "folder": os.getcwd(),
            "address": "127.0.0.1",
            "sharing": 0,
            "network": None,
        }
        self.orders.put({"begin": {**order, **more}})

    def wait(self, key: str, where: Callable[[Any], bool] = lambda value: True, *, pulse: bool = True) -> Any:
        """Read reports until one has this key; giving signs of life meanwhile."""
        limit = time.monotonic() + WAIT_S
        while True:
            found = [one[key] for one in self.told if key in one and where(one[key])]
            if found:
                return found[0]
            assert time.monotonic() < limit and not self._reports.ended, self.told[-3:]
            if pulse:
                self.orders.put({"printed": 0})
            self.told += self._reports.read()
            time.sleep(0.01)

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            pipe.close()

    def lines(self, stream: str) -> list[str]:
        """What the program wrote."""
        return [one[stream] for one in self.told if stream in one]


@pytest.fixture
def launcher() -> Iterator[Launcher]:
    """An agent, ended after the test."""
    one = Launcher()
    yield one
    one.close()


def test_it_gives_signs_of_life_before_it_has_an_order(launcher: Launcher) -> None:
    launcher.wait("pulse")


def test_what_the_program_writes_and_ends_with_is_told(launcher: Launcher) -> None:
    launcher.begin("import sys; print('out'); print('error', file=sys.stderr); print('rest', end=''); sys.exit(5)")
    assert launcher.wait("exit") == 5
    assert (launcher.lines("out"), launcher.lines("err")) == (["out", "rest"], ["error"])
    assert launcher.process.wait(WAIT_S) == 0


def test_what_the_program_tells_is_passed_on_when_it_is_an_object_of_less_than_4096_bytes(launcher: Launcher) -> None:
    lines = [json.dumps({"step": 1}), "no", "[1]", json.dumps({"failed": "x" * 4096}), json.dumps({"done": True})]
    launcher.begin(f"import os; os.write(int(os.environ['GLUONREF_BEATS']), {chr(10).join([*lines, ''])!r}.encode())")
    assert launcher.wait("exit") == 0
    assert [one["beat"] for one in launcher.told if "beat" in one] == [{"step": 1}, {"done": True}]


def test_orders_to_end_and_to_kill_reach_the_program(launcher: Launcher) -> None:
    stubborn = (
        "import signal, time; signal.signal(15, lambda *_: print('asked')); print('on')\nwhile True: time.sleep(1)"
    )
    launcher.begin(stubborn)
    launcher.wait("out")
    launcher.orders.put({"end": True})
    launcher.wait("out", lambda line: line == "asked")
    launcher.orders.put({"kill": True})
    assert launcher.wait("exit") == -signal.SIGKILL
    assert launcher.process.wait(WAIT_S) == 0


def test_when_the_orders_end_so_does_the_program(launcher: Launcher) -> None:
    launcher.begin(SLEEP)
    pid = launcher.wait("pid")
    assert launcher.process.stdin
    launcher.process.stdin.close()
    until(lambda: not alive(pid))
    launcher.process.wait(WAIT_S)


def test_when_the_launcher_is_silent_the_program_is_ended(launcher: Launcher) -> None:
    launcher.begin(SLEEP)
    pid = launcher.wait("pid")
    start = time.monotonic()
    assert launcher.wait("exit", pulse=False) == -signal.SIGKILL
    assert time.monotonic() - start > SILENCE_S * 0.8
    assert not alive(pid)


def test_an_agent_without_an_order_leaves_when_nobody_speaks_to_it(launcher: Launcher) -> None:
    assert launcher.process.wait(WAIT_S) == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_an_agent_that_is_killed_takes_the_program_with_it(launcher: Launcher, number: int) -> None:
    launcher.begin(SLEEP)
    pid = launcher.wait("pid")
    launcher.process.send_signal(number)
    until(lambda: not alive(pid))


def test_a_launcher_that_prints_slowly_holds_the_program_up_and_loses_nothing(launcher: Launcher) -> None:
    launcher.begin("for number in range(3000): print(number, 'x' * 1000)\nprint('last')")
    launcher.wait("out", lambda line: line.startswith("900 "))
    before = time.monotonic()
    while time.monotonic() < before + 0.5:
        launcher.wait("pulse")
        launcher.told += launcher._reports.read()
        launcher.orders.put({"printed": 0})
        time.sleep(0.02)
    assert sum(map(len, launcher.lines("out"))) < WINDOW + (1 << 17)
    launcher.orders.put({"printed": 10 * WINDOW})
    assert launcher.wait("exit") == 0
    assert [line.split()[0] for line in launcher.lines("out")] == [*map(str, range(3000)), "last"]


def test_what_cannot_be_started_is_told(launcher: Launcher, tmp_path: Path) -> None:
    launcher.begin(SLEEP, folder=str(tmp_path / "none"))
    assert launcher.wait("broken") == f"{tmp_path / 'none'}: No such file or directory"


def test_the_scheduler_s_agent_reserves_a_port_that_its_child_can_bind_and_nobody_else_gets(launcher: Launcher) -> None:
    bind = "import os, socket, time; one = socket.socket(); one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
    bind += "one.bind(('127.0.0.1', int(os.environ['DMLC_PS_ROOT_PORT']))); one.listen(); print('on'); time.sleep(100)"
    launcher.begin(SLEEP, index=0)
    port = int(launcher.wait("ready")["port"])
    with socket.socket() as plain, pytest.raises(OSError):
        plain.bind(("127.0.0.1", port))
    ports = set()
    for _ in range(1000):
        with socket.socket() as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind(("127.0.0.1", 0))
            ports.add(free.getsockname()[1])
    assert port not in ports
    other = Launcher()
    other.begin(bind, index=0)
    other.wait("out", lambda line: line == "on")
    other.close()


def test_an_address_of_another_machine_is_told(launcher: Launcher) -> None:
    launcher.begin(SLEEP, index=0, environ={"DMLC_PS_ROOT_URI": "192.0.2.1"}, address="192.0.2.1")
    assert launcher.wait("broken") == "192.0.2.1 cannot be listened at: Cannot assign requested address"


def test_over_the_network_the_program_starts_when_the_hub_has_answered_and_a_lost_hub_is_told() -> None:
    token = "a" * 32
    hub, spoke = Launcher(), Launcher()
    network = {"token": token, "address": "127.0.0.1", "port": None}
    try:
        hub.begin("import time; print('on'); time.sleep(100)", index=0, network=network)
        port = hub.wait("ready")["hub"]
        spoke.begin("import time; print('on'); time.sleep(100)", network={**network, "port": port})
        assert spoke.wait("out") == "on"
        hub.process.send_signal(signal.SIGSTOP)
        assert spoke.wait("lost") == 0
    finally:
        hub.close()
        spoke.close()


def test_over_the_network_the_hub_tells_who_is_silent() -> None:
    network = {"token": "a" * 32, "address": "127.0.0.1", "port": None}
    hub, spoke = Launcher(), Launcher()
    try:
        hub.begin(SLEEP, index=0, network=network)
        spoke.begin("print('on'); " + SLEEP, network={**network, "port": hub.wait("ready")["hub"]})
        spoke.wait("out")
        spoke.process.send_signal(signal.SIGSTOP)
        assert hub.wait("lost") == 1
    finally:
        hub.close()
        spoke.close()


def test_the_program_s_environment_has_no_other_cluster_s_variables_and_the_person_s_own_win() -> None:
    here = {"PATH": "/bin", "PORT": "80", "DMLC_ROLE": "worker", "DMLC_INTERFACE": "eth0"}
    given = {"DMLC_ROLE": "server"}
    assert surroundings(here, given, 0) == {"OMP_NUM_THREADS": "1", "PATH": "/bin", "DMLC_ROLE": "server"}
    assert surroundings({}, {}, 1) == {"OMP_NUM_THREADS": str(processors())}
    assert surroundings({}, {}, 10**6) == {"OMP_NUM_THREADS": "1"}
    assert surroundings({"OMP_NUM_THREADS": "3"}, {}, 1) == {"OMP_NUM_THREADS": "3"}
    assert surroundings({"OMP_NUM_THREADS": "3"}, {"OMP_NUM_THREADS": "5"}, 1) == {"OMP_NUM_THREADS": "5"}
