"""JSON documents that know their own checksum, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from .errors import AlteredError, RecipeError

SEAL = "checksum"
RESTORE = "restore it from a copy, or make it again"
FRESH = ".new"  # ending of a file that is being written
LONGEST_NAME = 255  # bytes, on every common file system


def write(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document with its checksum; non-finite numbers are refused, as JSON has none."""
    replace(path, json.dumps({**document, SEAL: _digest(document)}, indent=1, allow_nan=False).encode())


def read(path: Path, newest: int, expected: str = "the file as the run wrote it") -> dict[str, Any]:
    """A document without its checksum.

    Args:
        path: of the file.
        newest: the highest format number that can be read.
        expected: what the file should be, for the message.
    Raises:
        AlteredError: when it is missing, no JSON object, or not what was written; or tells of files elsewhere.
        RecipeError: when a newer release wrote it.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        seal = document.pop(SEAL, None) if isinstance(document, dict) else None
        digest = _digest(document)  # its writer gives up at a depth that its reader may take
    except (OSError, ValueError, RecursionError) as error:
        raise AlteredError(str(path), f"not readable as JSON ({error})", expected, RESTORE) from None
    if not isinstance(document, dict):
        raise AlteredError(str(path), "not a JSON object", expected, RESTORE)
    check_format(document.get("format", newest), newest, str(path))
    if seal != digest:
        given = "its checksum differs from the one it ends with" if seal else "it has no checksum"
        raise AlteredError(str(path), given, expected, RESTORE)
    for name in document["files"] if isinstance(document.get("files"), dict) else ():
        if not _plain(name):
            raise AlteredError(str(path), f"a file {name[:80]!r}", "names of files beside it", RESTORE)
    return document


def _plain(name: str) -> bool:
    """Whether a name is that of a file in the same folder, with room for its ending while it is written."""
    short = name.isprintable() and len(f"{name}{FRESH}".encode()) <= LONGEST_NAME
    return short and name not in ("", ".", "..") and os.path.basename(name) == name


def check_format(written: Any, newest: int, where: str) -> None:
    """Refuse a file whose format number is newer than this release knows, or none at all.

    Raises:
        RecipeError: when it is.
    """
    if type(written) is not int or not 1 <= written <= newest:
        raise RecipeError(
            where,
            f"format {written!r}",
            f"format {newest} or older",
            "use the release of gluon_ref that wrote it, or a newer one",
        )


def replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    fresh = path.with_name(f"{path.name}{FRESH}")
    try:
        fresh.write_bytes(content)
        sync(fresh)
    except BaseException:
        with suppress(OSError):
            fresh.unlink()
        raise
    os.replace(fresh, path)


def sync(path: Path) -> None:
    """Have a file on the disk before anything counts on it."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def checksum(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _digest(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
