"""One look at every image of a source: which are damaged or odd, their sizes, sums and checksums."""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..errors import DataError, FitError, PathError, require
from ..inputs import _native, _pixels
from ..inputs._odd import OddError
from ..machine import processors

# Images named in a message; the others are counted.
NAMED = 3
# Pixels a side: a larger image hardly fits a network.
LONGEST = 8192
MOST_THREADS = 4
CHUNK = 64
LEVELS = np.arange(256, dtype=np.int64)


class Source(Protocol):
    """Where encoded images are read from, by number."""

    def __len__(self) -> int: ...

    def read(self, index: int) -> bytes:
        """The bytes of an image; OSError when they cannot be read."""

    def name(self, index: int) -> str:
        """What to call it in a message, printable."""


@dataclass(frozen=True)
class Look:
    """How images are taken.

    Args:
        size: height and width to resize to; empty where all must have one size.
        channels: 1 or 3; 0 for 1 if every image is grey, else 3.
        background: what is put behind transparent pixels; refuse, white or black.
        depth: 16 takes images of 16 bits, by their upper eight; 8 refuses them.
        skip_corrupt: leave out what is no whole image.
    """

    size: tuple[int, ...] = ()
    channels: int = 0
    background: str = "refuse"
    depth: int = 8
    skip_corrupt: bool = False

    def check(self, where: str) -> None:
        """Refuse values out of range.

        Args:
            where: for the message ("data image_folder").
        Raises:
            OptionError: naming the first.
        """
        fits = len(self.size) in (0, 2) and all(1 <= side <= LONGEST for side in self.size)
        told = ",".join(map(str, self.size))
        require(fits, where, "size", told, f"height,width, each from 1 to {LONGEST}", "32,32")
        require(self.channels in (0, 1, 3), where, "channels", self.channels, "1 or 3, or 0 for what fits", 3)
        require(self.depth in (8, 16), where, "depth", self.depth, "8 or 16", 16)

    def decode(self, content: bytes) -> Any:
        """An image of mode L or RGB, in its own size; refusals are OddErrors."""
        return _pixels.decode(content, "" if self.background == "refuse" else self.background, self.depth)


class Survey:
    """What is seen of each image.

    Args:
        source: of the images; all are read and decoded.
        look: how they are taken.
    Attributes:
        sides: int32 (images, 2), height and width, upright.
        grey: bool (images,).
        native: bool (images,), those that OpenCV decodes to the same pixels.
        checksums: uint32 (images,), CRC-32 of the bytes.
        sums: int64 (images, 2, 3), sums of the pixels and of their squares per channel, resized where that is asked.
        size_bytes: of an average image.
        odd: index -> why it cannot be taken.
        unreadable: index -> what the system says.
    """

    def __init__(self, source: Source, look: Look) -> None:
        count = len(source)
        self.sides = np.zeros((count, 2), dtype=np.int32)
        self.grey = np.zeros(count, dtype=bool)
        self.native = np.zeros(count, dtype=bool)
        self.checksums = np.zeros(count, dtype=np.uint32)
        self.sums = np.zeros((count, 2, 3), dtype=np.int64)
        self.odd: dict[int, OddError] = {}
        self.unreadable: dict[int, str] = {}
        sizes = np.zeros(count, dtype=np.int64)

        def see(places: range) -> None:
            for index in places:
                sizes[index] = self._see(index, source, look)

        with _pixels.guarded():
            spread(see, count, threads())
        self.size_bytes = float(sizes.mean()) if count else 0.0

    def _see(self, index: int, source: Source, look: Look) -> int:
        try:
            content = source.read(index)
            image = look.decode(content)
        except OddError as odd:
            self.odd[index] = odd
            return 0
        except OSError as error:
            self.unreadable[index] = error.strerror or str(error)
            return 0
        self.checksums[index] = zlib.crc32(content)
        self.sides[index] = image.height, image.width
        self.grey[index] = grey = image.mode == "L"
        self.native[index] = _native.proven(content, np.asarray(image))
        channels = look.channels or (1 if grey else 3)
        fitted = _pixels.fit(image, channels, *(look.size or (image.height, image.width)))
        counts = np.array(fitted.histogram(), dtype=np.int64).reshape(channels, 256)
        self.sums[index] = counts @ LEVELS, counts @ LEVELS**2
        return len(content)


def threads() -> int:
    """Threads that decode: as many as OMP_NUM_THREADS or the processors allow, and no more than four."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(int(asked) if asked.isdecimal() else processors(), MOST_THREADS))


def spread(work: Callable[[range], None], count: int, workers: int) -> None:
    """Do work on 0 to `count`, in pieces, in as many threads."""
    pieces = [range(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
    if workers == 1 or len(pieces) == 1:
        for piece in pieces:
            work(piece)
        return
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(work, pieces):
            pass


def usable(where: str, source: Source, survey: Survey, look: Look) -> np.ndarray:
    """int32, the numbers of the images that are taken.

    Args:
        where: the files, for messages.
        source: of the images.
        survey: of them.
        look: how they are taken.
    Raises:
        PathError: for images that cannot be read.
        DataError: for damaged ones, unless they are to be left out; for odd ones.
    """
    if survey.unreadable:
        raise PathError(
            where,
            f"{many(len(survey.unreadable), 'image')} cannot be read: {_listed(source, survey.unreadable)}",
            "readable files",
            "check their rights",
        )
    damaged = {index: odd.given for index, odd in survey.odd.items() if odd.damaged}
    if damaged:
        _damaged(where, source, damaged, look.skip_corrupt)
    odd = {index: one for index, one in survey.odd.items() if not one.damaged}
    if odd:
        raise _odd(where, source, odd)
    return np.setdiff1d(np.arange(len(source), dtype=np.int32), np.array(sorted(damaged), dtype=np.int32))


def one_size(where: str, source: Source, survey: Survey, rows: np.ndarray) -> tuple[int, int]:
    """The height and width that all these images have.

    Raises:
        FitError: naming the first two that differ.
    """
    sides = survey.sides[rows]
    other = np.flatnonzero((sides != sides[0]).any(axis=1))
    if len(other):
        first, second = (f"{source.name(int(rows[at]))} is {_size(sides[at])}" for at in (0, other[0]))
        raise FitError(
            where,
            f"images of different sizes, height x width: {first}, {second} ({len(other)} of {len(rows)} differ)",
            "one size",
            f"have them resized: --set data.size={','.join(map(str, sides[0]))}",
        )
    height, width = sides[0].tolist()
    return height, width


def many(count: int, noun: str) -> str:
    """A count with its noun: "1 image", "2,000 images"."""
    return f"{count:,} {noun}{'s' if count != 1 else ''}"


def _size(sides: Sequence[int]) -> str:
    return f"{sides[0]}x{sides[1]}"


def _listed(source: Source, reasons: dict[int, str]) -> str:
    first = [f"{source.name(index)} ({reasons[index]})" for index in sorted(reasons)[:NAMED]]
    return ", ".join(first) + (f" and {len(reasons) - NAMED:,} more" if len(reasons) > NAMED else "")


def _damaged(where: str, source: Source, reasons: dict[int, str], skip: bool) -> None:
    given = f"{len(reasons):,} of {many(len(source), 'image')} damaged: {_listed(source, reasons)}"
    if 2 * len(reasons) > len(source):
        raise DataError(where, given, "at least half of them whole", "check that these are images")
    if not skip:
        do = "mend or remove them, or leave them out with --set data.skip_corrupt=true"
        raise DataError(where, given, "whole images, PNG or JPEG", do)
    print(f"warning: {where}: {given}; left out", file=sys.stderr)


def _odd(where: str, source: Source, odd: dict[int, OddError]) -> DataError:
    kinds = {one.expected: one for _, one in sorted(odd.items(), reverse=True)}
    options = " ".join(f"--set {one.option}" for one in kinds.values() if one.option)
    mends = " and ".join(one.mend.replace("save it", "save them") for one in kinds.values())
    return DataError(
        where,
        f"{many(len(odd), 'image')} that cannot be taken as they are: "
        + _listed(source, {index: one.given for index, one in odd.items()}),
        " and ".join(kinds),
        f"pass {options}, or {mends}" if options else mends,
    )
