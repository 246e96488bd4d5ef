"""Files of named arrays as MXNet writes them (.params, .states), checked before MXNet reads one.

MXNet believes what such a file says of itself: it allocates what a shape asks for, computes sizes that overflow, and
ends the process at an axis count below 0. So every reader of such files comes through this door.

    uint64 0x112, uint64 0, uint64 arrays, the arrays, uint64 names, the names (each uint64 bytes, UTF-8)
    array  uint32 magic, int32 storage (not in older formats), int32 axes, int64 size of each (in the oldest format the
           magic is the axes, and sizes are uint32), int32 device type and number, int32 dtype, the elements

Source: src/ndarray/ndarray.cc of MXNet 1.9.1, NDArray::Load and LegacyLoad.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

from .backend import mx
from .errors import DataError, PathError, reason

HEADER = 0x112
V1, V2, V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
# dtype number -> name and bytes per element, as far as MXNet's Python side knows them.
DTYPES = {
    0: ("float32", 4),
    1: ("float64", 8),
    2: ("float16", 2),
    3: ("uint8", 1),
    4: ("int32", 4),
    5: ("int8", 1),
    6: ("int64", 8),
    7: ("bool", 1),
    12: ("bfloat16", 2),
}
DEVICES = (1, 2, 3, 5)  # CPU, GPU, pinned, shared
MOST_AXES = 32  # numpy's limit
LONGEST_NAME = 4096


@dataclass(frozen=True)
class Stored:
    """What a file says of one array.

    Args:
        dtype: of its elements.
        shape: each axis 1 or more.
    """

    dtype: str
    shape: tuple[int, ...]


def load(path: str | Path) -> dict[str, Any]:
    """The arrays of a file, name -> NDArray on the CPU.

    Raises:
        PathError, DataError: as `check` does.
    """
    check(path)
    try:
        loaded: dict[str, Any] = mx.nd.load(str(path))
    except mx.base.MXNetError as error:
        raise _broken(str(path), reason(error)) from None
    return loaded


def check(path: str | Path) -> dict[str, Stored]:
    """What a file holds, by name, after checking that MXNet can read it; no array is read.

    Raises:
        PathError: when the file cannot be read.
        DataError: when it is no such file, or a cut or altered one, or its arrays have no names.
    """
    try:
        with open(path, "rb") as file:
            return _Reader(str(path), file, os.fstat(file.fileno()).st_size).contents()
    except OSError as error:
        raise PathError(
            str(path), f"cannot be read ({error.strerror})", "a file of arrays", "check the path and its rights"
        ) from None


class _Reader:
    """Walks a file and holds each number against the bytes that are left.

    Args:
        where: the file, for messages.
        file: open, at its begin.
        size: bytes in it.
    """

    def __init__(self, where: str, file: BinaryIO, size: int) -> None:
        self._where, self._file, self._left = where, file, size

    def contents(self) -> dict[str, Stored]:
        """All of the file."""
        header, reserved, count = self._numbers("QQQ")
        if header != HEADER or reserved:
            raise _broken(self._where, f"starts with {header:#x} and {reserved:#x}")
        if count * 16 > self._left:  # no array takes fewer bytes
            raise self._short(f"{count} arrays")
        arrays = [self._array() for _ in range(count)]
        (named,) = self._numbers("Q")
        if named != count:
            raise _broken(self._where, f"{named} names for {count} arrays")
        names = [self._name() for _ in range(count)]
        if len(set(names)) != count:
            raise _broken(self._where, "a name twice")
        if self._left:
            raise _broken(self._where, f"{self._left} bytes after the last name")
        return dict(zip(names, arrays))

    def _array(self) -> Stored:
        shape = self._shape()
        device, _, dtype = self._numbers("iii")
        if device not in DEVICES or dtype not in DTYPES:
            raise _broken(self._where, f"an array of dtype {dtype} on a device of type {device}")
        name, size = DTYPES[dtype]
        if prod(shape) * size > self._left:
            raise self._short(f"an array {'x'.join(map(str, shape))} of {name}")
        self._left -= prod(shape) * size
        self._file.seek(prod(shape) * size, os.SEEK_CUR)
        return Stored(name, shape)

    def _shape(self) -> tuple[int, ...]:
        (magic,) = self._numbers("I")
        if magic == V3:
            raise _broken(self._where, "an array of mx.np")
        if magic == V2 and (storage := self._numbers("i")[0]):
            raise _broken(self._where, f"an array of storage type {storage}")
        axes = self._numbers("i")[0] if magic in (V1, V2) else magic
        if not 1 <= axes <= MOST_AXES:
            raise _broken(self._where, f"an array of {axes} axes")
        shape = self._numbers(f"{axes}{'q' if magic in (V1, V2) else 'I'}")
        if min(shape) < 1:
            raise _broken(self._where, f"an array {'x'.join(map(str, shape))}")
        return shape

    def _name(self) -> str:
        (length,) = self._numbers("Q")
        if length > LONGEST_NAME:
            raise _broken(self._where, f"a name of {length} bytes")
        content = self._take(length, "a name")
        try:
            name = content.decode()
        except UnicodeDecodeError as error:
            raise _broken(self._where, f"a name that is not UTF-8 ({error.reason})") from None
        if "\0" in name:  # where MXNet takes it to end
            raise _broken(self._where, f"a name with a NUL, {name!r}")
        return name

    def _numbers(self, kinds: str) -> tuple[int, ...]:
        return struct.unpack(f"<{kinds}", self._take(struct.calcsize(f"<{kinds}"), "a header"))

    def _take(self, size: int, what: str) -> bytes:
        content = self._file.read(size) if size <= self._left else b""
        if len(content) < size:
            raise self._short(what)
        self._left -= size
        return content

    def _short(self, what: str) -> DataError:
        return _broken(self._where, f"{what} in the last {self._left} bytes")


def _broken(where: str, given: str) -> DataError:
    return DataError(
        where,
        f"not a whole file of arrays ({given})",
        "named dense arrays, as save_parameters, export or mx.nd.save write them",
        "restore it from a copy, or make it again",
    )
