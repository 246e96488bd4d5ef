"""What the launcher's parts hand to each other: hosts, seats for processes, times, and how it ended."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

LOOPBACK = "127.0.0.1"
SHELL = "ssh -o BatchMode=yes -o ConnectTimeout=10"


@dataclass(frozen=True)
class Host:
    """A machine that processes run on.

    Args:
        name: as the shell takes it; "" is this machine, without a shell.
        slots: workers that it may have.
        address: IPv4, by which the others reach it.
    """

    name: str
    slots: int
    address: str


@dataclass(frozen=True)
class Seat:
    """A process that is to be started.

    Args:
        index: in the order of starting: the scheduler is 0.
        role: scheduler, server or worker.
        number: among those of its role.
        host: where it runs.
        command: program and arguments.
        environ: what the launcher sets; the root's port comes from the scheduler's agent.
        sharing: processes that share the host's processors: the workers on it; 0 for one that needs no more than one.
    """

    index: int
    role: str
    number: int
    host: Host
    command: tuple[str, ...]
    environ: Mapping[str, str]
    sharing: int = 0


@dataclass(frozen=True)
class Programs:
    """What is run: program and arguments of a worker, and of a server or the scheduler."""

    worker: tuple[str, ...]
    server: tuple[str, ...]


@dataclass(frozen=True)
class Timing:
    """Seconds between and until things.

    Args:
        rendezvous_s: until all workers have told their rank.
        stall_s: without progress of any worker; 0 for ever.
        pulse_s: between two signs of life.
        silence_s: without a sign of life, after which a process or a host counts as lost.
        gather_s: that reports of a lost network are waited for, to see whose it is.
        leave_s: that scheduler and servers may take to end after the workers, and these after them.
        stop_s: that workers may take to stop after a signal.
        end_s: between the wish to end and the end by force.
    """

    rendezvous_s: float = 60.0
    stall_s: float = 600.0
    pulse_s: float = 1.0
    silence_s: float = 8.0
    gather_s: float = 1.0
    leave_s: float = 10.0
    stop_s: float = 30.0
    end_s: float = 5.0


@dataclass(frozen=True)
class Options:
    """What a launch is asked for.

    Args:
        workers: processes that train.
        servers: processes that add the gradients up.
        hosts: hosts file; this machine alone when None.
        max_restarts: how often all may be started anew after one has failed.
        batch: what a recipe's batch size means once the number of workers has changed: keep means samples of an
            update of all workers together, scale means as many for each worker as before.
        allow_public: take hosts with addresses that anyone may reach.
        shell: program and options that lead to a host, whose name follows.
        python: interpreter that has this package, on every host.
        timing: limits.
    """

    workers: int
    servers: int = 1
    hosts: str | Path | None = None
    max_restarts: int = 0
    batch: str = "keep"
    allow_public: bool = False
    shell: str = SHELL
    python: str = field(default_factory=lambda: sys.executable)
    timing: Timing = field(default_factory=Timing)


@dataclass(frozen=True)
class Ending:
    """How an attempt failed.

    Args:
        code: exit code of the process that failed first, or 128 + its signal; 1 when it was ended for another reason.
        where: that process.
        given: what happened to it.
        expected: instead.
        again: whether another attempt may help.
        lost: names of hosts that cannot be reached any more.
        unreached: no process of the attempt had begun on them.
        mend: the next step, when it is neither to go on nor to start anew.
    """

    code: int
    where: str
    given: str
    expected: str = "every process to work until the training's end"
    again: bool = True
    lost: frozenset[str] = field(default_factory=frozenset)
    unreached: bool = False
    mend: str = ""
