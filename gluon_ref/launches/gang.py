"""One attempt: all processes started, watched, and ended together."""

from __future__ import annotations

import errno
import os
import secrets
import selectors
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from ..errors import RequestError
from . import plans, processes
from .members import Member, workers
from .printing import Printer
from .records import Ending, Seat, Timing
from .stopping import Stop
from .verdicts import Scene, judge

TICK_S = 0.1
FORCE_S = 4.0  # that agents may take to end their child and leave


class Gang:
    """The processes of one attempt.

    Args:
        seats: to be filled; the first is the scheduler's.
        printer: for their output.
        timing: limits.
        python: interpreter that has this package, on every host.
        shell: program and arguments that lead to a host, of which the name follows.
    """

    def __init__(
        self, seats: Sequence[Seat], printer: Printer, timing: Timing, *, python: str, shell: Sequence[str]
    ) -> None:
        self._seats, self._printer, self._timing, self._python, self._shell = seats, printer, timing, python, shell
        self._selector = selectors.DefaultSelector()
        self._pulsed = float("-inf")
        self._begun = False
        # Known to this launch alone; it goes to the agents through their pipes.
        self._token = secrets.token_hex(16) if seats[0].host.name else ""
        self.members: list[Member] = []

    @property
    def folder(self) -> str:
        """Of the run, as rank 0 has told it; empty until then."""
        return next((one.run for one in self.members if one.run), "")

    @property
    def hopeless(self) -> bool:
        """Whether a process said that another attempt cannot help."""
        return any(one.failed and not one.again for one in self.members)

    def run(self, stop: Stop) -> Ending | None:
        """From the start to the end of all processes.

        Args:
            stop: the signals that come meanwhile.
        Returns:
            how it failed; None when all workers have ended with exit code 0.
        Raises:
            RequestError: when the shell or Python cannot be started.
        """
        try:
            for seat in self._seats:
                self._open(seat)
            self._begin(self.members[0], {})
            return self._watch(stop)
        finally:
            self._kill()

    def _open(self, seat: Seat) -> None:
        timing = self._timing
        command = plans.command(seat.host, self._python, self._shell, timing.pulse_s, timing.silence_s)
        try:
            process = processes.agent(command)
        except OSError as error:
            full = error.errno in (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM)
            raise RequestError(
                "launch",
                f"{command[0]} cannot be started ({error.strerror})",
                f"room for {len(self._seats)} processes and three files for each" if full else "a program",
                "allow more by ulimit, or pass fewer --workers"
                if full
                else f"check {'--shell' if seat.host.name else '--python'}",
            ) from None
        member = Member(seat, process, self._printer)
        self.members.append(member)
        self._selector.register(member.inbox.number, selectors.EVENT_READ, member)
        self._selector.register(member.errors, selectors.EVENT_READ, member)

    def _begin(self, member: Member, ports: Mapping[str, object]) -> None:
        """Tell an agent what to start."""
        seat, root = member.seat, self._seats[0].host
        environ = dict(seat.environ)
        if ports:
            environ["DMLC_PS_ROOT_PORT"] = str(ports["port"])
        network = {"token": self._token, "address": root.address, "port": ports.get("hub")} if self._token else None
        order = {
            "index": seat.index,
            "seats": len(self._seats),
            "command": seat.command,
            "environ": environ,
            "person": plans.person(seat.host, os.environ),
            "folder": os.getcwd(),
            "address": seat.host.address,
            "sharing": seat.sharing,
            "network": network,
        }
        member.outbox.put({"begin": order})

    def _watch(self, stop: Stop) -> Ending | None:
        scene = Scene(self.members, self._timing, time.monotonic())
        while True:
            now = time.monotonic()  # before what has come is taken: a launcher that stood still must not blame others
            self._turn()
            ready = self.members[0].ready
            if ready and not self._begun:
                self._begun = True
                for member in self.members[1:]:
                    self._begin(member, ready)
            if all(one.status == 0 for one in workers(self.members)):
                self._leave()
                return None
            if stop.signal:
                return self._stop(stop)
            ending = judge(scene, now)
            if ending:
                return ending

    def _turn(self) -> None:
        """Take what has come within a moment, and give a sign of life when it is time."""
        for key, _ in self._selector.select(min(TICK_S, self._timing.pulse_s / 2)):
            member: Member = key.data
            if key.fd == member.errors:
                more = member.read_errors()
            else:
                member.read(time.monotonic())
                more = not member.inbox.ended
            if not more:
                self._selector.unregister(key.fd)
        now = time.monotonic()
        if now - self._pulsed >= self._timing.pulse_s:
            self._pulsed = now
            for member in self.members:
                member.pulse()
        for member in self.members:
            member.confirm()

    def _leave(self) -> None:
        """Let scheduler and servers end by themselves; then ask; then it is done by force."""
        for order, limit_s in (({}, self._timing.leave_s), ({"end": True}, self._timing.end_s)):
            if order:
                self._tell(self.members, order)
            self._wait(self.members, limit_s)

    def _stop(self, stop: Stop) -> Ending | None:
        """Let the workers end together after a checkpoint; before they have met there is nothing to wait for long."""
        crew, timing = workers(self.members), self._timing
        self._tell(crew, {"end": True})
        self._wait(crew, timing.end_s, stop)
        if all(one.rank is not None for one in crew):
            self._wait(crew, timing.stop_s - timing.end_s, stop)
        if all(one.status == 0 for one in crew):
            self._leave()
            return None
        return Ending(128 + stop.signal, "launch", f"stopped by signal {stop.signal}", again=False)

    def _tell(self, members: Sequence[Member], order: Mapping[str, object]) -> None:
        for member in members:
            if member.status is None:
                member.outbox.put(order)

    def _wait(self, members: Sequence[Member], limit_s: float, stop: Stop | None = None) -> None:
        """Watch until these have ended, their time is up, or a second signal comes."""
        until = time.monotonic() + limit_s
        while time.monotonic() < until and any(one.ended is None for one in members):
            if stop and stop.count > 1:
                return
            self._turn()

    def _kill(self) -> None:
        """End all that is left, and see that it is gone."""
        self._tell(self.members, {"kill": True})
        now = time.monotonic()
        for member in self.members:
            if member.heard is not None and now - member.heard > self._timing.silence_s:
                member.process.kill()  # it would not hear that
        until = now + FORCE_S
        while time.monotonic() < until and not all(one.inbox.ended for one in self.members):
            self._turn()
        for member in self.members:
            if member.process.poll() is None:
                member.process.kill()
            member.process.wait()
            if member.pid and member.status is None and not member.seat.host.name:
                _end_group(member.pid)
            for pipe in (member.process.stdin, member.process.stdout, member.process.stderr):
                with suppress(OSError):
                    pipe.close()  # type: ignore[union-attr]
        self._selector.close()


def _end_group(pid: int) -> None:
    """End what a process whose agent was killed has started; it itself ends with its agent, as the system sees to."""
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
