"""The folder of a report: written whole or not at all, and never over anything but an earlier report."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import folders
from ..errors import MachineError, PathError

PAGE, NUMBERS = "index.html", "report.json"
FILES = (PAGE, NUMBERS, "curves.png", "confusion.png", "values.png", "calibration.png", "mistakes.png")
# A report that is being written, within the folder of the one before.
UNFINISHED = ".unfinished"
# What NUMBERS calls itself, by which an earlier report is known.
KIND = "report"


@contextmanager
def written(folder: Path) -> Iterator[Path]:
    """A folder to write into, whose files become the report once all are written; nothing is left otherwise.

    A new folder appears whole. In one that holds an earlier report each file is replaced whole, the page last.

    Raises:
        PathError: when the folder holds anything but an earlier report, or cannot be written.
        MachineError: when there is no room.
    """
    old = _old(folder)
    fresh = folder / UNFINISHED if old is not None else folders.free(folder.parent, f".{folder.name}{UNFINISHED}")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
    except OSError as error:
        raise _unwritable(folder, error) from None
    try:
        yield fresh
        if old is None:
            os.rename(fresh, folder)
            return
        for name in old:
            if not (fresh / name).exists():
                (folder / name).unlink()
        for path in sorted(fresh.iterdir(), key=lambda one: one.name == PAGE):
            os.replace(path, folder / path.name)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _old(folder: Path) -> list[str] | None:
    """Names of an earlier report's files in a folder; None when there is no such folder.

    Raises:
        PathError: when the folder holds anything else.
    """
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise PathError("--out", f"{folder} is no folder", "a new folder, or an earlier report's", "pass another --out")
    try:
        found = sorted(os.listdir(folder)) if os.path.isdir(folder) else None
    except OSError as error:
        raise PathError(
            "--out", f"{folder} cannot be read ({error.strerror})", "a folder you may read", "pass another --out"
        ) from None
    names = [name for name in found or () if name != UNFINISHED]
    if names and not (set(names) <= set(FILES) and _is_report(folder / NUMBERS)):
        raise PathError(
            "--out",
            f"{folder} holds {next((name for name in names if name not in FILES), names[0])}",
            "a new or empty folder, or one with an earlier report; nothing else is overwritten",
            "pass another --out",
        )
    return names if found is not None else None


def _is_report(path: Path) -> bool:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("kind") == KIND


def _unwritable(folder: Path, error: OSError) -> PathError | MachineError:
    given = f"{folder} cannot be written ({error.strerror})"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
        return MachineError("report", given, "room for it", "free some, or pass another --out")
    return PathError("report", given, "a folder you may write", "pass another --out")
