"""Room and permission to write: here, in the temporary folder, in the shared memory and in the cache."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from .findings import Finding, fine, problem, warning

MIB = 1 << 20
SHARED = "/dev/shm"
SHARED_ENOUGH = 256 * MIB  # containers have 64 MiB unless told otherwise
LOW, FULL = 1024 * MIB, 20 * MIB  # of a disk


def check(environ: Mapping[str, str]) -> list[Finding]:
    """Findings about the folders that training and exporting write to."""
    return [_here(), _temporary(), _shared(), _cache(environ)]


def _here() -> Finding:
    try:
        here = os.getcwd()
    except FileNotFoundError:
        return problem("working folder", "it has been removed", "runs are written below it", "cd")
    away = "cd DIR, or gluonref train RECIPE --out DIR/RUN"
    refused = _refused(here)
    if refused:
        return problem("working folder", f"{here}: {refused}", "runs are written below it", away)
    return _room("working folder", here, problem, "a run's checkpoints need room", away)


def _temporary() -> Finding:
    try:
        folder = tempfile.gettempdir()
    except FileNotFoundError as error:
        return warning("temporary folder", str(error), "exports are verified through it", "export TMPDIR=DIR")
    return _room("temporary folder", folder, warning, "exports are verified through it", "export TMPDIR=DIR")


def _room(name: str, folder: str, full: Callable[[str, str, str, str], Finding], why: str, command: str) -> Finding:
    size = _free(folder)
    told = f"{folder}, {_text(size)} free"
    if size < FULL:
        return full(name, told, why, f"df -h {shlex.quote(folder)}; {command}")
    if size < LOW:
        return warning(name, told, why, f"df -h {shlex.quote(folder)}; {command}")
    return fine(name, told)


def _shared() -> Finding:
    mend = "mount -o remount,size=1G /dev/shm (as root; for a container: docker run --shm-size=1g)"
    why = "worker processes of a DataLoader (num_workers above 0) hand batches over in it and end by SIGBUS or wait"
    try:
        size = _size(SHARED)
    except OSError as error:
        return warning(SHARED, error.strerror or "missing", why, mend)
    if size < SHARED_ENOUGH:
        return warning(SHARED, f"{_text(size)} in all", why, mend)
    return fine(SHARED, f"{_text(size)} in all")


def _cache(environ: Mapping[str, str]) -> Finding:
    folder = Path(environ.get("MXNET_HOME") or Path(environ.get("HOME") or "~").expanduser() / ".mxnet")
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    refused = _refused(str(place)) if place.is_dir() else "not a folder"
    if refused:
        why = "pretrained weights of gluoncv and gluonnlp are kept there"
        return warning("cache", f"{folder}: {refused}", why, "mkdir -p DIR && export MXNET_HOME=DIR")
    return fine("cache", f"{folder} can be written")


def _refused(folder: str) -> str:
    """Why a file cannot be made in a folder, or nothing: tried, since permission bits are not all that counts."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"0")
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _free(folder: str) -> int:
    told = os.statvfs(folder)
    # A disk without a free inode is full too; some file systems count none at all.
    return 0 if told.f_files and not told.f_favail else told.f_bavail * told.f_frsize


def _size(folder: str) -> int:
    told = os.statvfs(folder)
    return told.f_blocks * told.f_frsize


def _text(size: int) -> str:
    return f"{size / MIB:.0f} MiB" if size < LOW else f"{size / LOW:.1f} GiB"
