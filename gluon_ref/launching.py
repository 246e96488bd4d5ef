"""launch(command): scheduler, servers and workers of a distributed run, watched, ended together, and started anew."""

from __future__ import annotations

import math
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from .errors import GluonRefError, Interrupted, OptionError, RequestError
from .launches import hosts as tables
from .launches import plans
from .launches.gang import Gang
from .launches.printing import Printer
from .launches.records import Ending, Host, Programs, Timing
from .launches.stopping import Stop, listening

SHELL = "ssh -o BatchMode=yes -o ConnectTimeout=10"
COMMANDS = ("train",)  # that work as one of several processes
KEPT = ("--out", "--resume")  # options that say where a training has its checkpoints


class LaunchError(GluonRefError):
    """A process of a distributed run failed, and with it the run; the exit code is that of the first which did."""

    def __init__(self, ending: Ending, do: str) -> None:
        super().__init__(ending.where, ending.given, ending.expected, do)
        self.exit_code = ending.code


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
        return _Run(command, options, hosts, printer, programs).go(stop)


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


class _Run:
    """All attempts of one launch."""

    def __init__(
        self,
        command: Sequence[str],
        options: Options,
        hosts: tuple[Host, ...],
        printer: Printer,
        programs: Programs | None,
    ) -> None:
        self._command, self._options, self._hosts, self._printer = list(command), options, hosts, printer
        self._programs = programs or plans.programs(command, options.python)
        self._lost: set[str] = set()
        self._folder = ""

    def go(self, stop: Stop) -> int:
        """Start until it is done, or cannot be."""
        attempt, restarts, workers = 0, 0, self._options.workers
        while True:
            gang = self._gang(attempt, workers)
            ending = gang.run(stop)
            self._folder = gang.folder or self._folder
            if ending is None:
                return restarts
            if stop.signal:
                raise Interrupted(stop.signal, "launch", self._resume("the same command starts anew"))
            self._lost |= ending.lost
            # A host that proves out of reach at a restart is left out, and that restart is yet to come.
            counted = not (attempt and ending.unreached and self._left(ending))
            final = not ending.again or gang.hopeless or (ending.unreached and not attempt)
            if counted and (final or restarts >= self._options.max_restarts):
                raise LaunchError(ending, self._do(ending, restarts, final))
            self._printer.note(f"{ending.where.removeprefix('launch: ')}: {ending.given}; all processes are ended")
            attempt, restarts = attempt + 1, restarts + counted
            workers = self._again(restarts)

    def _gang(self, attempt: int, workers: int) -> Gang:
        options = self._options
        seats = plans.plan(self._hosts, workers, options.servers, self._programs, batch=options.batch, attempt=attempt)
        return Gang(seats, self._printer, options.timing, python=options.python, shell=shlex.split(options.shell))

    def _left(self, ending: Ending) -> bool:
        """Whether there are hosts beside those that were just lost."""
        return any(host.name not in ending.lost for host in self._hosts)

    def _again(self, restarts: int) -> int:
        """Choose hosts, workers and command of the next attempt."""
        options = self._options
        if options.hosts is not None:
            self._hosts = self._reachable()
        workers = min(options.workers, sum(host.slots for host in self._hosts))
        if self._folder and not _told(self._command):
            self._command += ["--out", self._folder]
            worker = (*self._programs.worker, "--out", self._folder)
            self._programs = replace(self._programs, worker=worker)
        where = f", in {self._folder}" if self._folder else ""
        fewer = f" of {options.workers}" if workers < options.workers else ""
        self._printer.note(f"restart {restarts} of {options.max_restarts} with {workers}{fewer} workers{where}")
        return workers

    def _reachable(self) -> tuple[Host, ...]:
        """The hosts of the file as it is now, without those that were lost, if others are left."""
        assert self._options.hosts is not None
        try:
            found = tables.read(self._options.hosts, allow_public=self._options.allow_public)
        except RequestError as error:
            self._printer.note(f"{error}; the hosts are those of before")
            found = self._hosts
        gone = [host.name for host in self._hosts if host.name not in {one.name for one in found}]
        kept = tuple(host for host in found if host.name not in self._lost)
        for name in gone:
            self._printer.note(f"host {name} is left out: it is no longer in {self._options.hosts}")
        if not kept:
            self._printer.note("no host is left but those that were lost; they are tried once more")
            return found
        for host in found:
            if host not in kept:
                self._printer.note(f"host {host.name} is left out: it was lost")
        return kept

    def _do(self, ending: Ending, restarts: int, final: bool) -> str:
        """The next step of the person."""
        if final:
            return ending.mend or "mend what its own lines say, then give the same command again"
        going = self._resume("give the same command again")
        going += "" if restarts else "; --max-restarts 3 does so by itself"
        return f"{ending.mend}; {going}" if ending.mend else going

    def _resume(self, otherwise: str) -> str:
        """How to go on from the last checkpoint, if there is a run folder."""
        if not self._folder:
            return otherwise
        options, words = self._options, ["gluonref", "launch", "--workers", str(self._options.workers)]
        words += ["--servers", str(options.servers)] if options.servers > 1 else []
        words += ["--hosts", str(options.hosts)] if options.hosts is not None else []
        words += ["--shell", options.shell] if options.shell != SHELL else []
        return f"`{shlex.join([*words, '--', 'train', '--resume', self._folder])}` goes on from the last checkpoint"


def _told(command: Sequence[str]) -> bool:
    """Whether the command says itself where the run is."""
    return any(word == option or word.startswith(f"{option}=") for word in command for option in KEPT)
