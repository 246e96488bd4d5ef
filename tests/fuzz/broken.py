"""A reader that does all that none should, so that the harness can be seen to find it."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path
from random import Random

from gluon_ref.errors import DataError

from .readers import Reader


def _write(folder: Path) -> None:
    (folder / "file").write_bytes(b"a")


def _read(folder: Path, name: str, random: Random) -> None:
    """What happens depends on the first byte."""
    first = (folder / name).read_bytes()[:1]
    if first == b"\x00":
        raise KeyError("foreign")
    if first == b"\xff":
        ctypes.string_at(0)
    if first == b"\x80":
        while True:
            time.sleep(0.01)
    if first == b"\x7f":
        bytes(2**42)
    if first != b"a":
        raise DataError("file", "another letter", "an a", "write one")


BROKEN = Reader("broken", _write, _read)
