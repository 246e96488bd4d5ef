"""launch(command): scheduler, servers and workers of a distributed run, watched, ended together, and started anew."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Sequence

from .errors import OptionError, RequestError
from .launches import hosts as tables
from .launches import plans
from .launches.attempts import Attempts
from .launches.printing import Printer
from .launches.records import SHELL, Host, Options, Programs
from .launches.stopping import listening

COMMANDS = ("train",)  # that work as one of several processes


def launch(command: Sequence[str], options: Options, *, programs: Programs | None = None) -> int:
    """Run a command as scheduler, servers and workers, from the first to the last, and print what they print.

    Args:
        command: what stands after `gluonref`: train and its arguments.
        options: how many, and where.
        programs: other programs than those that the command is run by.
    Returns:
        how often all were started anew.
    Raises:
        RequestError: when it cannot be launched so; nothing was started.
        LaunchError: when a process failed, stood still or was lost, and no more restart was to be had.
        Interrupted: when a signal asked to stop.
    """
    check(command, options)
    hosts = _hosts(options)
    with Printer() as printer, listening() as stop:
        return Attempts(command, options, hosts, printer, programs).go(stop)


def describe(command: Sequence[str], options: Options) -> list[str]:
    """Each process as a line for a shell, after a comment that says where; nothing is started.

    Raises:
        RequestError: as for `launch`.
    """
    check(command, options)
    run = plans.programs(command, options.python)
    seats = plans.plan(_hosts(options), options.workers, options.servers, run, batch=options.batch)
    return plans.lines(seats, os.environ)


def check(command: Sequence[str], options: Options) -> None:
    """Refuse what cannot be launched.

    Raises:
        RequestError: naming the option.
    """
    if not command or command[0] not in COMMANDS:
        raise RequestError(
            "launch",
            f"command {command[0]!r} after --" if command else "no command after --",
            "train, the only command that works as several processes",
            "write `gluonref launch --workers 2 -- train RECIPE`",
        )
    timing = options.timing
    for name, value, least, example in (
        ("workers", options.workers, 1, "2"),
        ("servers", options.servers, 1, "1"),
        ("max-restarts", options.max_restarts, 0, "3"),
        ("rendezvous-timeout", timing.rendezvous_s, 0.001, "60"),
        ("stall-timeout", timing.stall_s, 0, "600"),
    ):
        if not least <= value < math.inf:
            raise OptionError(
                "launch",
                f"{name}={value}",
                f"{'above 0' if least == 0.001 else f'{least} or more'}",
                f"pass --{name} {example}",
            )
    if options.batch not in plans.BATCHES:
        raise OptionError("launch", f"batch={options.batch}", " or ".join(plans.BATCHES), "pass --batch keep")
    if options.hosts is not None and not _words(options.shell):
        raise OptionError(
            "launch", f"shell={options.shell}", "a program that leads to a host", f"pass --shell '{SHELL}'"
        )
    if options.hosts is not None and shlex.quote(options.python) != options.python:
        raise OptionError(
            "launch",
            f"python={options.python}",
            "with --hosts, a path without spaces and signs that a shell reads otherwise",
            "pass --python with a link of such a name",
        )


def _words(shell: str) -> list[str]:
    """Program and options, none when its quotes do not end."""
    try:
        return shlex.split(shell)
    except ValueError:
        return []


def _hosts(options: Options) -> tuple[Host, ...]:
    if options.hosts is None:
        return tables.here(options.workers)
    found = tables.read(options.hosts, allow_public=options.allow_public)
    slots = sum(host.slots for host in found)
    if options.workers > slots:
        raise RequestError(
            "launch",
            f"workers={options.workers}",
            f"{slots} or fewer, as {options.hosts} has {slots} slots",
            "write slots=K behind a host, or pass fewer --workers",
        )
    return found
