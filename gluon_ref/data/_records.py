"""RecordIO files as MXNet writes them, read without MXNet: its own reader may end the process on a damaged file."""

from __future__ import annotations

import errno
import os
import struct
from array import array
from dataclasses import dataclass

import numpy as np

from ..errors import DataError, FitError, PathError
from ..inputs import _pixels

MAGIC = struct.pack("<I", 0xCED7230A)
# A record's length shares its word with a mark of three bits: whole, or the first, a middle or the last part of one
# that was cut wherever it holds MAGIC at a multiple of four bytes.
LENGTH_BITS = 29
WHOLE, FIRST, MIDDLE, LAST = range(4)
# What im2rec puts before an image: number of labels (0 for the one that follows), label, and two ids.
HEADER = struct.Struct("<IfQQ")
LABEL = struct.Struct("<f")
HEAD = HEADER.size + LABEL.size
# Whole numbers that float32 tells apart.
MOST = 2**24


@dataclass(frozen=True)
class Records:
    """Images in RecordIO files, as a Source: sixteen bytes each.

    Args:
        paths: of the files.
        begins: the number of each file's first image.
        starts: int64 (images,), where in its file each record starts.
        ends: int64 (images,), where it ends.
    """

    paths: tuple[str, ...]
    begins: tuple[int, ...]
    starts: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)

    def read(self, index: int) -> bytes:
        """The bytes of an image, without what im2rec puts before it."""
        start, end = int(self.starts[index]), int(self.ends[index])
        _pixels.check_size(end - start)
        with open(self.paths[self._file(index)], "rb", buffering=0) as file:
            content = os.pread(file.fileno(), end - start, start)
        try:
            joined = _join(content)
            count, *_ = HEADER.unpack_from(joined)
        except struct.error:
            raise OSError("the record is no longer there") from None
        return joined[HEADER.size + LABEL.size * count :]

    def name(self, index: int) -> str:
        """Its file, and its number in it from 0."""
        file = self._file(index)
        return f"{self.paths[file]} record {index - self.begins[file]}"

    def _file(self, index: int) -> int:
        return sum(begin <= index for begin in self.begins[1:])


def scan(paths: tuple[str, ...]) -> tuple[Records, np.ndarray]:
    """Where the records of files are, and int32 (records,), their labels.

    Raises:
        PathError: for a file that cannot be read.
        DataError: for one that is empty, truncated, damaged or of another kind; for labels that are no whole numbers.
        FitError: for records with several labels.
    """
    starts, ends, begins = array("q"), array("q"), []
    labels = array("f")
    for path in paths:
        begins.append(len(starts))
        try:
            if os.path.exists(path) and not os.path.isfile(path):  # a pipe would be waited for
                raise OSError(errno.EINVAL, "not a regular file")
            with open(path, "rb", buffering=0) as file:
                size = os.fstat(file.fileno()).st_size
                at = 0
                while at < size:
                    starts.append(at)
                    where = f"{path} record {len(starts) - 1 - begins[-1]}"
                    head, at = _record(file.fileno(), at, size, where)
                    ends.append(at)
                    labels.append(_label(head, where))
        except OSError as error:
            raise PathError(
                path, f"cannot be read ({error.strerror})", "a RecordIO file, .rec", "check the path and its rights"
            ) from None
        if len(starts) == begins[-1]:
            raise DataError(path, "no record", "a RecordIO file as im2rec writes it", "make it again")
    records = Records(paths, tuple(begins), np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64))
    return records, _whole(records, np.array(labels, dtype=np.float32))


def _record(file: int, at: int, size: int, where: str) -> tuple[bytes, int]:
    """The first HEAD bytes of the record at `at`, its parts joined, and where the next one starts."""
    head, first = b"", True
    while True:
        content = os.pread(file, 8 + HEAD, at)
        if len(content) < 8:
            raise _damaged(where, f"{len(content)} bytes at {at}, where a record should start", "8 at least")
        if content[:4] != MAGIC:
            raise _damaged(where, f"{content[:4].hex(' ')} at {at}, where it should start", MAGIC.hex(" "))
        mark, length = _word(content)
        if mark not in ((WHOLE, FIRST) if first else (MIDDLE, LAST)):
            told = "a later part of a record without its first" if first else "a record that goes on in no other part"
            raise _damaged(where, f"{told}, at {at}", "all parts of a record one after another")
        after = at + 8 + length + -length % 4
        if after > size:
            raise _damaged(where, f"truncated: {length} bytes from {at + 8} on in a file of {size}", "a whole record")
        if len(head) < HEAD:
            head += (b"" if first else MAGIC) + content[8 : 8 + min(length, HEAD)]
        at, first = after, False
        if mark in (WHOLE, LAST):
            return head[:HEAD], at


def _join(content: bytes) -> bytes:
    """A record's parts as one."""
    parts, at = [], 0
    while at < len(content):
        _, length = _word(content[at : at + 8])
        parts.append(content[at + 8 : at + 8 + length])
        at += 8 + length + -length % 4
    return MAGIC.join(parts)


def _word(content: bytes) -> tuple[int, int]:
    """Mark and length of a part, from its first eight bytes."""
    (word,) = struct.unpack_from("<I", content, 4)
    return word >> LENGTH_BITS, word & ((1 << LENGTH_BITS) - 1)


def _label(head: bytes, where: str) -> float:
    if len(head) < HEADER.size:
        raise _damaged(where, f"{len(head)} bytes", f"{HEADER.size} and an image after them")
    count, label, *_ = HEADER.unpack_from(head)
    if count > 1:
        raise FitError(where, f"{count} labels", "one label a record", "make the file with one label each")
    if count == 1:
        if len(head) < HEAD:
            raise _damaged(where, f"{len(head)} bytes", f"{HEAD} and an image after them")
        (label,) = LABEL.unpack_from(head, HEADER.size)
    return float(label)


def _whole(records: Records, labels: np.ndarray) -> np.ndarray:
    """Labels as int32."""
    with np.errstate(invalid="ignore"):
        wrong = np.flatnonzero(~((labels >= 0) & (labels < MOST) & (labels == np.floor(labels))))
    if len(wrong):
        index = int(wrong[0])
        raise DataError(
            records.name(index),
            f"label {labels[index]:g}",
            "whole numbers from 0",
            "number the classes in the list that im2rec reads",
        )
    return labels.astype(np.int32)


def _damaged(where: str, given: str, expected: str) -> DataError:
    return DataError(where, given, expected, "make the file again")
