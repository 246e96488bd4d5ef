"""Processes that may crash or hang: started together, each ended with all it started when its time is up."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

GRACE_S = 1.0  # between asking a process to end and ending it


@dataclass(frozen=True)
class Ended:
    """What a process left: its outputs as text, and its exit status; None when its time was up."""

    output: str
    errors: str
    status: int | None


def together(commands: Mapping[str, Sequence[str]], *, environ: Mapping[str, str], limit_s: float) -> dict[str, Ended]:
    """Run commands side by side and wait for all of them.

    Args:
        commands: name -> program and arguments.
        environ: their environment.
        limit_s: seconds any of them may take.
    Returns:
        name -> how it ended; a program that cannot be started has status 127, as shells have it.
    """
    until = time.monotonic() + limit_s
    running: dict[str, subprocess.Popen[str]] = {}
    ended: dict[str, Ended] = {}
    try:
        for name, command in commands.items():
            try:
                running[name] = _start(command, environ)
            except OSError as error:
                ended[name] = Ended("", str(error), 127)
        with ThreadPoolExecutor(max(1, len(running))) as pool:
            waits = {name: pool.submit(_finish, process, until) for name, process in running.items()}
            try:
                ended |= {name: wait.result() for name, wait in waits.items()}
            except KeyboardInterrupt:
                _end(*running.values())  # before the pool waits for its threads
                raise
    finally:
        _end(*running.values())
    return {name: ended[name] for name in commands}


def _start(command: Sequence[str], environ: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # so that what it starts can be ended with it
    )


def _finish(process: subprocess.Popen[str], until: float) -> Ended:
    try:
        output, errors = process.communicate(timeout=max(0.0, until - time.monotonic()))
        return Ended(output, errors, process.returncode)
    except subprocess.TimeoutExpired:
        pass
    _signal(process, signal.SIGTERM)  # a process that wants to say where it is does so now
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=GRACE_S)
    _signal(process, signal.SIGKILL)
    output, errors = process.communicate()
    return Ended(output, errors, None)


def _end(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        if process.poll() is None:
            _signal(process, signal.SIGKILL)
            process.wait()


def _signal(process: subprocess.Popen[str], number: int) -> None:
    """Send a signal to a process and to all it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
