"""All attempts of one launch: after a failure the next goes on from the last checkpoint, on the hosts that are left."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

from ..errors import GluonRefError, Interrupted, RequestError
from . import hosts as tables
from . import plans
from .gang import Gang
from .printing import Printer
from .records import SHELL, Ending, Host, Options, Programs
from .stopping import Stop

KEPT = ("--out", "--resume")  # options that say where a training has its checkpoints


class LaunchError(GluonRefError):
    """A process of a distributed run failed, and with it the run; the exit code is that of the first which did."""

    def __init__(self, ending: Ending, do: str) -> None:
        super().__init__(ending.where, ending.given, ending.expected, do)
        self.exit_code = ending.code


class Attempts:
    """What is started, and what is known between two attempts: the run's folder, and hosts that were lost.

    Args:
        command: what stands after `gluonref`.
        options: how many, and where.
        hosts: to begin with.
        printer: for all that is printed.
        programs: other programs than those that the command is run by.
    """

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
        """Start until it is done, or cannot be.

        Args:
            stop: the signals that come meanwhile.
        Returns:
            how often all were started anew.
        Raises:
            LaunchError, Interrupted, RequestError: as `launch` does.
        """
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
