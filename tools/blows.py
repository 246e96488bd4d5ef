"""What is done to a launched training: a process killed or stopped, a read that fails, a cable pulled, a host gone.

A blow is a function of the training and a number that chooses among equals.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tools import namespaces
from tools.launched import Training

Blow = Callable[[Training, int], None]
HOSTS = "hosts"  # file in the folder that a training works in
ONCE = "once"  # of tools.failing
# Leads to a host by staying here.
SHELL = '#!/bin/sh\nshift\nexec "$@"\n'


def send(number: int, role: str) -> Blow:
    """Send a signal to a process of a role, by turns another."""

    def strike(training: Training, turn: int) -> None:
        pids = training.pids(role)
        os.kill(pids[turn % len(pids)], number)

    return strike


def kill(role: str) -> Blow:
    """Kill a process of a role."""
    return send(signal.SIGKILL, role)


def launcher(number: int) -> Blow:
    """Send the launcher a signal."""
    return lambda training, _: os.kill(training.process.pid, number)


def fail(training: Training, turn: int) -> None:
    """Have the next read of a worker fail, and wait for it."""
    once = training.place / ONCE
    once.touch()
    training.until(lambda: not once.exists(), "a read that fails")


def cut(training: Training, turn: int) -> None:
    """Pull the cable of the second host."""
    namespaces.cable(_names(training)[1], "down")


def leave(training: Training, turn: int) -> None:
    """Take the second host out of the file, and kill a worker."""
    (training.place / HOSTS).write_text(f"{_names(training)[0]} address=127.0.0.1\n")
    kill("worker")(training, turn)


@contextmanager
def alone(place: Path) -> Iterator[list[str]]:
    """Without hosts; gives options of launch, as do the others."""
    yield []


@contextmanager
def named(place: Path) -> Iterator[list[str]]:
    """Two hosts that are names of this machine."""
    shell = place / "shell"
    shell.write_text(SHELL)
    shell.chmod(0o755)
    (place / HOSTS).write_text("a address=127.0.0.1\nb address=127.0.0.1\n")
    yield ["--hosts", HOSTS, "--shell", str(shell)]


@contextmanager
def networked(place: Path) -> Iterator[list[str]]:
    """Three hosts that are network namespaces: two are left when one is cut off."""
    with namespaces.network(3) as names:
        (place / HOSTS).write_text(namespaces.lines(names))
        yield ["--hosts", HOSTS, "--shell", namespaces.SHELL]


def _names(training: Training) -> list[str]:
    return [line.split()[0] for line in (training.place / HOSTS).read_text().splitlines()]
