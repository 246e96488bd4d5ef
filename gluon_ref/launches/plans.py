"""Which process runs where, with which environment and command."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from ..machine import processors
from .records import Host, Programs, Seat

EXAMPLE_PORT = 9091
# What is sent of a person's environment to other hosts.
SENT = ("OMP_", "MXNET_", "PS_", "GLUONREF_")
BATCHES = ("keep", "scale")


def programs(command: Sequence[str], python: str) -> Programs:
    """What the processes of a run of a `gluonref` command are.

    Args:
        command: what stands after `gluonref`.
        python: interpreter that has this package.
    """
    start = "from gluon_ref_cli.main import main; main()"
    return Programs((python, "-c", start, *command), (python, "-m", "gluon_ref.serving"))


def plan(
    hosts: Sequence[Host], workers: int, servers: int, run: Programs, *, batch: str = "keep", attempt: int = 0
) -> list[Seat]:
    """Seat the scheduler on the first host, the servers round robin, the workers in the slots in order.

    Args:
        hosts: that have slots for all workers.
        workers: how many.
        servers: how many.
        run: their programs.
        batch: what to do with a recipe's batch size when the number of workers has changed.
        attempt: how often it was started before.
    """
    slots = [host for host in hosts for _ in range(host.slots)][:workers]
    places = [("scheduler", 0, hosts[0])]
    places += [("server", number, hosts[number % len(hosts)]) for number in range(servers)]
    places += [("worker", number, host) for number, host in enumerate(slots)]
    return [
        Seat(
            index,
            role,
            number,
            host,
            run.worker if role == "worker" else run.server,
            {
                "GLUONREF_LAUNCHED": "1",
                "DMLC_ROLE": role,
                "DMLC_PS_ROOT_URI": hosts[0].address,
                "DMLC_NUM_WORKER": str(workers),
                "DMLC_NUM_SERVER": str(servers),
                "DMLC_NODE_HOST": host.address,
                "GLUONREF_ATTEMPT": str(attempt),
                "GLUONREF_BATCH": batch,
                "PYTHONUNBUFFERED": "1",  # else what is printed waits for a full buffer
            },
            slots.count(host) if role == "worker" else 0,
        )
        for index, (role, number, host) in enumerate(places)
    ]


def person(host: Host, environ: Mapping[str, str]) -> dict[str, str]:
    """What a process gets of the person's environment beside what its host has: all is inherited on this machine."""
    if not host.name:
        return {}
    return {name: value for name, value in environ.items() if name == "PYTHONPATH" or name.startswith(SENT)}


def command(host: Host, python: str, shell: Sequence[str], pulse_s: float, silence_s: float) -> list[str]:
    """What starts an agent there.

    A shell like ssh joins the words by spaces and has them parsed on the other side; one like `ip netns exec` takes
    them as they are. So there is no word among them that parsing would change.
    """
    words = [python, "-m", "gluon_ref.launches.agent", f"{pulse_s:g}", f"{silence_s:g}"]
    return [*shell, host.name, *words] if host.name else words


def lines(seats: Sequence[Seat], environ: Mapping[str, str]) -> list[str]:
    """Each process as a line that a shell can run, after a comment that says what and where it is."""
    root = seats[0].host
    found = [
        f"# root port {EXAMPLE_PORT} is an example: any that is free on {root.address}, the same in all lines",
        "# start all of them, each in the folder that the command is to work in and without a variable PORT",
    ]
    if root.name and "OMP_NUM_THREADS" not in environ:
        found.append(f"# OMP_NUM_THREADS as if each host had the {processors()} processors of this one")
    for seat in seats:
        where = f"on {seat.host.name} ({seat.host.address})" if seat.host.name else "here"
        threads = str(max(1, processors() // seat.sharing) if seat.sharing else 1)
        given = {**seat.environ, "DMLC_PS_ROOT_PORT": str(EXAMPLE_PORT)}
        given |= {} if "OMP_NUM_THREADS" in environ else {"OMP_NUM_THREADS": threads}
        sets = [f"{name}={shlex.quote(value)}" for name, value in given.items()]
        name = "scheduler" if seat.role == "scheduler" else f"{seat.role} {seat.number}"
        found += [f"# {name} {where}", " ".join([*sets, shlex.join(seat.command)])]
    return found
