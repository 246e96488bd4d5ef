"""Altering what lies behind a compression or a checksum, and setting the checksum right again: a stranger can, too."""

from __future__ import annotations

import gzip
import json
import struct
import zlib
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from random import Random

from gluon_ref import documents

from . import mutation

Change = Callable[[bytes], bytes]
# Files with the checksums of others, and files with one of their own.
LISTS, SEALED = ("state.json", "manifest.json"), ("facts.json", "state.json", "manifest.json")
# Likewise, and among the others; sealed again only where it was altered.
LISTED = ("weights.json",)
PNG = b"\x89PNG\r\n\x1a\n"


def alter(name: str, content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """A file altered by a way that suits its kind: its bytes, its document, or what is packed in it.

    Args:
        name: of the file.
        content: of the file.
        random: decides everything.
        others: contents of other files.
    """
    kind = name.rpartition(".")[2]
    if kind in ("json", "jsonl", "toml") and random.random() < 0.75:
        document = mutation.restructure(content, random, kind)
        if document is not None:
            return document

    def change(inner: bytes) -> bytes:
        return mutation.alter(inner, random, others)

    if random.random() < 0.6:
        if kind == "gz":
            return _gzip(content, change)
        if content.startswith(PNG):
            return _png(content, random, change)
    return change(content)


def seal(folder: Path, altered: Collection[str]) -> None:
    """Set right the checksums of a run folder or an artefact.

    Args:
        folder: of either.
        altered: names of the files that were.
    """
    for name in LISTED:
        if name in altered:
            _seal(folder / name)
    for name in LISTS:
        _list(folder, name, altered)
    for name in SEALED:
        _seal(folder / name)


def _seal(path: Path) -> None:
    """The checksum that a file has of itself."""
    try:
        document = json.loads(path.read_bytes())
        document.pop(documents.SEAL, None)
        # Not through documents.write, which refuses what JSON has no numbers for.
        document[documents.SEAL] = documents._digest(document)
        path.write_text(json.dumps(document, indent=1))
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return


def _list(folder: Path, name: str, altered: Collection[str]) -> None:
    """The checksums that one file has of the others."""
    try:
        document = json.loads((folder / name).read_bytes())
        for one in altered:
            if one in document["files"]:
                document["files"][one] = documents.checksum(folder / one)
        (folder / name).write_text(json.dumps(document))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return


def _gzip(content: bytes, change: Change) -> bytes:
    try:
        inner = gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return change(content)
    return gzip.compress(change(inner), mtime=0)


def _png(content: bytes, random: Random, change: Change) -> bytes:
    """A PNG with one chunk altered, or taken away, doubled or moved, and every chunk's checksum right."""
    chunks, at = [], len(PNG)
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    if not chunks:
        return change(content)
    at = random.randrange(len(chunks))
    kind, body = chunks[at]
    way = random.random()
    if way < 0.5:
        chunks[at] = (kind, change(body))
    elif way < 0.7 and kind == b"IDAT":
        chunks[at] = (kind, zlib.compress(change(_inflate(body))))
    elif way < 0.8:
        chunks[at] = (random.choice([b"tRNS", b"PLTE", b"IDAT", b"eXIf", b"tEXt", b"zTXt", b"iCCP", b"acTL"]), body)
    else:
        chunks[at : at + random.choice([0, 1])] = random.choice([[], [chunks[at]], [random.choice(chunks)]])
    return PNG + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def _inflate(body: bytes) -> bytes:
    try:
        return zlib.decompress(body)
    except zlib.error:
        return body
