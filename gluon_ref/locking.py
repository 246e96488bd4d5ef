"""One process at a time trains in a folder."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import MachineError, PathError


@contextmanager
def locked(folder: Path) -> Iterator[Callable[[], None]]:
    """Keep other processes from training in a run folder; the lock goes with this process, however it ends.

    Yields:
        a function to call before each writing: it raises MachineError when the folder is no longer the one that
        was locked, since whoever removed it and began anew there must not find this training's files in it.

    Raises:
        PathError: when another process trains in it, or it cannot be opened.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise PathError(
            f"run {folder}", f"cannot be opened ({error.strerror})", "a folder you may read", "check the path"
        ) from None
    try:
        _lock(handle, folder)
        yield lambda: _look(handle, folder)
    finally:
        os.close(handle)


def _lock(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise PathError(
            f"run {folder}",
            "another process is training in it",
            "one process for a run folder",
            "wait for it, or stop it; `gluonref evaluate` may read the run meanwhile",
        ) from None
    except OSError as error:  # some network file systems know no locks
        print(f"warning: run {folder} cannot be locked ({error.strerror}); train it only once", file=sys.stderr)


def _look(handle: int, folder: Path) -> None:
    try:
        same = os.path.samestat(os.fstat(handle), os.stat(folder))
    except OSError:
        same = False
    if not same:
        raise MachineError(
            f"run {folder}",
            "the folder was moved, removed or replaced while this training wrote in it",
            "a run folder that stays in its place",
            "`gluonref train --resume DIR` goes on with it where it is now; if it is gone, train anew",
        )
