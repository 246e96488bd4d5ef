"""A launched training that is to be struck: found by a mark in the environment of all its processes, and watched."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from gluon_ref import documents, logs, runs

# Hears Ctrl-C, which a shell has its jobs in the background ignore.
START = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
PROGRAM = (sys.executable, "-c", f"{START}from gluon_ref_cli.main import main; main()")
MARK = "GLUONREF_STRUCK"
GLANCE_S = 0.02  # a glance costs processor time that the training lacks
LIMIT_S = 120.0  # for any wait; what takes longer hangs
STAY_S = 10.0  # that a process may stay after a launcher that was killed


class Hang(AssertionError):
    """Something did not happen in time."""


class Orphan(AssertionError):
    """Processes are left of a training that has ended."""


class Training:
    """A command of gluonref's, as a process and all that it starts.

    Args:
        words: of the command.
        folder: of the run.
        place: folder to work in.
        environ: beside that of this process.

    Attributes:
        lines: what was printed, each with when it came, by the monotonic clock.
        lost: a checkpoint was there, and then was not, or an older one was.
    """

    def __init__(
        self, words: Sequence[str], folder: Path, place: Path, environ: Mapping[str, str] | None = None
    ) -> None:
        mark = secrets.token_hex(8)
        self.folder, self.place, self._mark = folder, place, f"{MARK}={mark}".encode()
        self.lines: list[tuple[float, str]] = []
        self.lost = False
        self._newest, self._stamp = checkpoint(folder), 0
        self.process = subprocess.Popen(
            [*PROGRAM, *words],
            cwd=place,
            env={**os.environ, **(environ or {}), MARK: mark},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Training:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all that is left of it."""
        for pid in [self.process.pid, *self.pids()]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        with suppress(Orphan):
            self.emptied(STAY_S)  # the system takes a moment to end what is no child of this process
        self._reader.join(STAY_S)
        assert self.process.stdout
        self.process.stdout.close()

    @property
    def told(self) -> str:
        """All that was printed."""
        return "\n".join(line for _, line in self.lines)

    @property
    def restarts(self) -> int:
        """How often all were started anew."""
        return sum(line.startswith("launch | restart ") for _, line in self.lines)

    def pids(self, role: str = "") -> list[int]:
        """Processes of it that live, those of a role or all."""
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdecimal() and _alive(entry):
                    given = (entry / "environ").read_bytes().split(b"\0")
                    if self._mark in given and (not role or f"DMLC_ROLE={role}".encode() in given):
                        found.append(int(entry.name))
        return sorted(found)

    def until(self, ready: Callable[[], object], what: str) -> None:
        """Wait until something is so.

        Raises:
            Hang: when it is not in time.
            AssertionError: when the command has ended before.
        """
        limit = time.monotonic() + LIMIT_S
        while not ready():
            self._glance()
            if self._over and not ready():
                raise AssertionError(f"ended before {what}\n{self.told}")
            if time.monotonic() > limit:
                raise Hang(f"still not after {LIMIT_S:g} s: {what}\n{self.told}")
            time.sleep(GLANCE_S)

    @property
    def _over(self) -> bool:
        """Whether the command has ended and all that it printed is here."""
        return self.process.poll() is not None and not self._reader.is_alive()

    def reach(self, step: int) -> None:
        """Wait until the run's log tells of an update."""
        self.until(lambda: logged(self.folder) >= step, f"update {step}")

    def end(self) -> int:
        """Wait until the command has ended; its exit code, 128 + the signal that ended it.

        Raises:
            Hang: when it does not.
        """
        self.until(lambda: self._over, "its end")
        self._glance()
        return self.process.returncode if self.process.returncode >= 0 else 128 - self.process.returncode

    def emptied(self, limit_s: float = 0.0) -> float:
        """Wait until no process of it lives.

        Args:
            limit_s: that this may take.
        Returns:
            seconds that it took.
        Raises:
            Orphan: naming those that are left.
        """
        start = time.monotonic()
        while left := self.pids():
            if time.monotonic() - start > limit_s:
                raise Orphan(f"left after {limit_s:g} s: {left}\n{self.told}")
            time.sleep(GLANCE_S)
        return time.monotonic() - start

    def says(self, pattern: str, since: float) -> float | None:
        """When a line came that holds a pattern, not before a moment; None if there is none."""
        found = (when for when, line in list(self.lines) if when >= since and re.search(pattern, line))
        return next(found, None)

    def _glance(self) -> None:
        """See that the last checkpoint is still the last one."""
        path = self.folder / runs.STATE
        stamp = path.stat().st_mtime_ns if path.is_file() else 0
        if stamp != self._stamp:
            newest = checkpoint(self.folder)
            self.lost |= newest < self._newest
            self._newest, self._stamp = max(self._newest, newest), stamp

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append((time.monotonic(), line.rstrip("\n")))


def logged(folder: Path) -> int:
    """The last update that a run's log tells of; 0 where there is none."""
    try:
        *lines, _ = (folder / logs.LOG).read_bytes().split(b"\n")
    except FileNotFoundError:
        return 0
    return int(json.loads(lines[-1])["step"]) if lines else 0


def checkpoint(folder: Path) -> int:
    """The update of a run's last checkpoint; 0 where there is none."""
    path = folder / runs.STATE
    return int(documents.read(path, runs.FORMAT)["step"]) if path.is_file() else 0


def _alive(entry: Path) -> bool:
    return (entry / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
