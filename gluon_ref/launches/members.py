"""What the launcher knows of each process: what its agent has told, and when."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from . import processes
from .agent import WINDOW
from .cutting import Cutter
from .printing import Printer
from .records import Seat
from .wires import Inbox, Outbox

LONGEST = 1000  # characters of a text that a process tells
MOST = 2**63  # a step


class Member:
    """One process of the run, with the agent that holds it.

    Args:
        seat: what is to be started.
        process: the agent, or the shell that leads to it.
        printer: for what it writes.

    Attributes:
        heard: when its agent last gave a sign of life, by the monotonic clock; None until the first.
        ready: the ports that the scheduler's agent has taken.
        pid: of the process, once it has begun.
        rank, step, moved, done: the worker's rank, its last step, when it last got on, whether it has all done.
        run: folder of the run.
        failed, again: what it said before it failed, and whether it thinks that another attempt may help.
        lost: indices of members that its agent does not hear over the network any more, and since when.
        status: how it ended, negative for a signal; ended: when that, or the end of its agent, was noticed.
        broken: why it could not be started.
        deaf: its agent has heard nothing of the launcher for too long, and ended it.
    """

    def __init__(self, seat: Seat, process: processes.Process[bytes], printer: Printer) -> None:
        assert process.stdin and process.stdout and process.stderr
        self.seat, self.process, self._printer = seat, process, printer
        self.inbox, self.outbox = Inbox(process.stdout.fileno()), Outbox(process.stdin.fileno())
        self.errors = process.stderr.fileno()
        os.set_blocking(self.errors, False)
        self._cutter, self.complaint = Cutter(), ""
        self.heard: float | None = None
        self.ready: Mapping[str, Any] = {}
        self.pid: int | None = None
        self.rank: int | None = None
        self.step: int | None = None
        self.moved: float | None = None
        self.done, self.run = False, ""
        self.failed, self.again = "", True
        self.lost: dict[int, float] = {}
        self.status: int | None = None
        self.ended: float | None = None
        self.broken, self.deaf = "", False
        self._printed = self._confirmed = 0

    @property
    def name(self) -> str:
        """As it stands in front of its lines: by its rank as soon as that is known."""
        if self.seat.role == "scheduler":
            return "scheduler"
        return f"{self.seat.role} {self.seat.number if self.rank is None else self.rank}"

    @property
    def place(self) -> str:
        """Name and host."""
        return f"{self.name} on {self.seat.host.name}" if self.seat.host.name else self.name

    def read(self, now: float) -> None:
        """Take what its agent has told."""
        for message in self.inbox.read():
            self.heard = now
            self._take(message, now)
        if self.inbox.ended and self.ended is None:
            self.ended = now

    def read_errors(self) -> bool:
        """Print what the agent or the shell has to complain of; whether there may come more."""
        try:
            chunk = os.read(self.errors, 1 << 16)
        except BlockingIOError:
            return True
        lines = self._cutter.feed(chunk) if chunk else self._cutter.end()
        for line in lines:
            self.complaint = line.strip() or self.complaint
            self._printer.put("err", f"{self.place}, agent | {line}")
        return bool(chunk)

    def pulse(self) -> None:
        """Give a sign of life, and say how much of its output is printed."""
        self._confirmed = self._printed
        self.outbox.put({"printed": self._confirmed})

    def confirm(self) -> None:
        """Say that much was printed, if it was, so that it goes on."""
        if self._printed - self._confirmed > WINDOW // 4:
            self.pulse()
        self.outbox.flush()

    def _count(self, size: int) -> None:
        self._printed += size

    def _take(self, message: Mapping[str, Any], now: float) -> None:
        for stream in ("out", "err"):
            if stream in message:
                line = str(message[stream])
                self._printer.put(stream, f"{self.name} | {line}", partial(self._count, len(line) + 1))
        if "beat" in message:
            self._beat(message["beat"], now)
        if "ready" in message:
            self.ready = message["ready"]
        if "pid" in message:
            self.pid = message["pid"]
        if "lost" in message:
            self.lost.setdefault(message["lost"], now)
        self.deaf |= "deaf" in message
        if "broken" in message:
            self.broken, self.ended = str(message["broken"])[:LONGEST], now
        if "exit" in message:
            self.status, self.ended = message["exit"], now

    def _beat(self, beat: Mapping[str, Any], now: float) -> None:
        """Take what the process itself has told; what is none of the known facts is left out."""
        rank, run = beat.get("rank"), beat.get("run")
        if _whole(rank) and self.seat.role == "worker":
            self.rank, self.moved = rank, now
        if isinstance(run, str) and 0 < len(run) <= LONGEST:
            self.run = run
        for fact in ("step", "checkpoint"):
            if _whole(beat.get(fact)):
                self.step = max(beat[fact], self.step or 0)
                self.moved = now
        if "failed" in beat:
            self.failed = str(beat["failed"])[:LONGEST]
            self.again = beat.get("again") is not False
        if beat.get("done") is True:
            self.done, self.moved = True, now


def workers(members: Sequence[Member]) -> list[Member]:
    """Those that train."""
    return [member for member in members if member.seat.role == "worker"]


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST
