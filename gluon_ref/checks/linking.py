"""Which shared libraries a library of this machine links: the NEEDED entries of an ELF file."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

HEADER, LOAD, DYNAMIC = 64, 1, 2
NEEDED, STRINGS, STRINGS_SIZE = 1, 5, 10
LARGEST = 1 << 28  # bytes of a table; that of the names in mxnet-cu117 has 27 million


def needed(path: str | Path) -> tuple[str, ...]:
    """Names of the libraries that a 64-bit ELF file links, in its order.

    Args:
        path: of the file; only its tables are read.
    Raises:
        ValueError: when it is no such file, or is cut off.
        OSError: when it cannot be read.
    """
    with open(path, "rb") as file:
        header = _read(file, 0, HEADER)
        if header[:6] != b"\x7fELF\x02\x01":
            raise ValueError("not a 64-bit ELF file")
        offset = struct.unpack_from("<Q", header, 32)[0]
        size, count = struct.unpack_from("<HH", header, 54)
        if size != 56:
            raise ValueError("program headers of another size")
        segments = list(struct.iter_unpack("<IIQQQQQQ", _read(file, offset, size * count)))
        entries: list[tuple[int, int]] = []
        for kind, _, start, _, _, length, _, _ in segments:
            if kind == DYNAMIC:
                entries += struct.iter_unpack("<qQ", _read(file, start, length - length % 16))
        tables = dict(entries)
        if STRINGS not in tables:
            return ()
        strings = _read(file, _offset(segments, tables[STRINGS]), tables.get(STRINGS_SIZE, 0))
        return tuple(_name(strings, at) for tag, at in entries if tag == NEEDED)


def _read(file: BinaryIO, offset: int, length: int) -> bytes:
    if length > LARGEST:
        raise ValueError(f"a table of {length} bytes")
    if offset + length > os.fstat(file.fileno()).st_size:
        raise ValueError("the file is cut off")
    file.seek(offset)
    return file.read(length)


def _offset(segments: list[tuple[int, ...]], address: int) -> int:
    for kind, _, offset, virtual, _, length, _, _ in segments:
        if kind == LOAD and virtual <= address < virtual + length:
            return offset + address - virtual
    raise ValueError("an address outside the file")


def _name(strings: bytes, at: int) -> str:
    end = strings.find(b"\0", at)
    if at >= len(strings) or end < 0:
        raise ValueError("a name outside its table")
    return strings[at:end].decode("utf-8", "replace")
