"""Files of named arrays as MXNet writes them (.params, .states), read without MXNet, or checked before it reads one.

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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BufferedReader
from math import prod
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from .errors import DataError, PathError, reason

T = TypeVar("T")

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
SIZES = dict(DTYPES.values())
DEVICES = (1, 2, 3, 5)  # CPU, GPU, pinned, shared
MOST_AXES = 32  # numpy's limit
LONGEST_NAME = 4096
PREFIXES = ("arg:", "aux:")  # of parameters and auxiliary states, in files that go with a graph


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
    from .backend import mx  # here, for `read` does without it

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
    return _walked(path, lambda reader: reader.contents(reader.skip))


def read(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of a file by name, without MXNet; bfloat16 becomes float32, which holds it exactly: numpy lacks it.

    Names are the file's own; `bare` takes their "arg:" and "aux:" off. Arrays saved as a list have none, and are named
    by their place in it, "0", "1" ...

    Raises:
        PathError: when the file cannot be read.
        DataError: when it is no such file, or a cut or altered one, or holds sparse arrays or arrays of mx.np.
    """
    return _walked(path, lambda reader: reader.contents(reader.elements, nameless=True))


def bare(where: str | Path, named: Mapping[str, T]) -> dict[str, T]:
    """Arrays under the names that a graph has for them: without "arg:" and "aux:".

    Args:
        where: the file they came from, for the message.
        named: arrays by their names in it.
    Raises:
        DataError: when two arrays then have the same name.
    """
    found: dict[str, T] = {}
    for name, array in named.items():
        plain = name[len(PREFIXES[0]) :] if name.startswith(PREFIXES) else name
        if plain in found:
            raise _broken(str(where), f"{plain} twice, with and without arg: or aux:")
        found[plain] = array
    return found


def _walked(path: str | Path, walk: Callable[[_Reader], dict[str, T]]) -> dict[str, T]:
    try:
        with open(path, "rb") as file:
            return walk(_Reader(str(path), file, os.fstat(file.fileno()).st_size))
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

    def __init__(self, where: str, file: BufferedReader, size: int) -> None:
        self._where, self._file, self._left = where, file, size

    def contents(self, take: Callable[[Stored], T], nameless: bool = False) -> dict[str, T]:
        """All of the file.

        Args:
            take: what to do with the elements that come next: `skip` or `elements`.
            nameless: arrays without names are named by their place.
        """
        header, reserved, count = self._numbers("QQQ")
        if header != HEADER or reserved:
            raise _broken(self._where, f"starts with {header:#x} and {reserved:#x}")
        if count * 16 > self._left:  # no array takes fewer bytes
            raise self._short(f"{count} arrays")
        arrays = [take(self._array()) for _ in range(count)]
        (named,) = self._numbers("Q")
        if named != count and (named or not nameless):
            raise _broken(self._where, f"{named} names for {count} arrays")
        names = [self._name() if named else str(at) for at in range(count)]
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
        return Stored(name, shape)

    def skip(self, stored: Stored) -> Stored:
        """Step over the elements."""
        size = prod(stored.shape) * SIZES[stored.dtype]
        self._left -= size
        self._file.seek(size, os.SEEK_CUR)
        return stored

    def elements(self, stored: Stored) -> np.ndarray:
        """The elements, read to where they stay."""
        wide = stored.dtype == "bfloat16"
        array = np.empty(stored.shape, "<u2" if wide else np.dtype(stored.dtype).newbyteorder("<"))
        content = array.reshape(-1).view(np.uint8)
        if self._file.readinto(content.data) < content.size:
            raise self._short("an array")
        self._left -= content.size
        if stored.dtype == "bool" and content.max() > 1:  # numpy counts on it, and reaches past its memory otherwise
            raise _broken(self._where, f"{content.max()} in an array of bool")
        if wide:  # its bits are the upper half of a float32's
            return (array.astype(np.uint32) << 16).view(np.float32)
        return array

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
