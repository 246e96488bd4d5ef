"""Starts processes that end with whoever started them: agents, and under each the program it holds."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence

PR_SET_PDEATHSIG = 1

Process = subprocess.Popen
TimeoutExpired = subprocess.TimeoutExpired


def agent(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start an agent, or the shell that starts one elsewhere, out of reach of the terminal's signals.

    Raises:
        OSError: when there is no such program.
    """
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )


def child(command: Sequence[str], environ: Mapping[str, str], folder: str, beats: int) -> subprocess.Popen[bytes]:
    """Start the program that an agent holds: a process group of its own, which does not outlive this process.

    Args:
        command: program and arguments.
        environ: all of its environment.
        folder: where it works.
        beats: file descriptor that it gets too.
    Raises:
        OSError: when there is no such program or folder.
    """
    return subprocess.Popen(
        command,
        env=dict(environ),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=(beats,),
        preexec_fn=_bound(),
    )


def _bound() -> Callable[[], None]:
    """What ties the child to this process; looked up before the fork."""
    prctl, parent = ctypes.CDLL(None, use_errno=True).prctl, os.getpid()

    def bind() -> None:
        os.setpgid(0, 0)
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it was gone before the tie was made
            os._exit(1)

    return bind
