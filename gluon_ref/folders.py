"""Where results go: a folder that holds nothing yet."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import MachineError, PathError


def vacant(folder: Path) -> None:
    """Refuse a folder that holds anything.

    Raises:
        PathError: when it does, or is a file, or cannot be looked into.
    """
    try:
        taken = os.listdir(folder) if os.path.isdir(folder) else os.path.lexists(folder)
    except OSError as error:
        raise PathError(
            "--out", f"{folder} cannot be read ({error.strerror})", "a folder you may read", "pass another --out"
        ) from None
    if taken:
        raise PathError(
            "--out",
            f"{folder} exists",
            "a new or empty folder; nothing is overwritten",
            "pass another --out, or remove it",
        )


def free(parent: Path, name: str) -> Path:
    """parent/name, or the first of parent/name-2, -3 ... that does not exist."""
    number = 1
    while os.path.lexists(folder := parent / (name if number == 1 else f"{name}-{number}")):
        number += 1
    return folder


@contextmanager
def writing(folder: Path, what: str) -> Iterator[None]:
    """Tell what could not be written into a run's folder.

    Args:
        folder: the run's.
        what: that is written.
    Raises:
        MachineError: when it could not.
    """
    try:
        yield
    except OSError as error:
        raise MachineError(
            f"run {folder}",
            f"{what} cannot be written ({error.strerror})",
            "room and the right to write there",
            f"mend that, then `gluonref train --resume {folder}`; the last checkpoint is whole",
        ) from None
