"""Samples that are encoded images, decoded batch by batch, and the facts of their training part."""

from __future__ import annotations

import re
import sys
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import DataError, FitError
from ..inputs import _native, _odd, _pixels
from ..records import Data, Facts
from ..samples import split
from ._survey import Look, Source, Survey, many, one_size, spread, threads, usable

# Bytes of an average file from which on threads pay: Pillow lets go of Python's lock only while it unpacks.
LARGE = 8192


@dataclass(frozen=True)
class EncodedSamples:
    """Images of a source, decoded when they are taken.

    Args:
        source: of the images.
        rows: int32 (samples,), their numbers in it.
        labels: int32 (samples,).
        look: how they are taken.
        shape: (channel, height, width) of a sample.
        survey: of the whole source.
    """

    source: Source
    rows: np.ndarray
    labels: np.ndarray
    look: Look
    shape: tuple[int, ...]
    survey: Survey

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Images and labels of the samples at `indices`, in that order: uint8 (batch, channel, height, width).

        Raises:
            DataError: for an image that is gone or changed since the data was loaded.
        """
        rows = self.rows[indices]
        pixels = np.empty((len(rows), *self.shape), dtype=np.uint8)

        def fill(places: range) -> None:
            for place in places:
                pixels[place] = self._one(int(rows[place]))

        with _pixels.guarded():
            spread(fill, len(rows), threads() if self.survey.size_bytes >= LARGE else 1)
        return pixels, self.labels[indices]

    @property
    def targets(self) -> np.ndarray:
        """int32 (samples,), the labels."""
        return self.labels

    @property
    def lengths(self) -> None:
        """None: images are all alike."""
        return None

    def _one(self, row: int) -> np.ndarray:
        try:
            content = self.source.read(row)
        except OSError as error:
            raise self._changed(row, f"cannot be read any more ({error.strerror or error})") from None
        except _odd.OddError as odd:
            raise self._changed(row, f"is now {odd.given}") from None
        if zlib.crc32(content) != self.survey.checksums[row]:
            raise self._changed(row, "changed since the data was loaded")
        if self.survey.native[row]:
            return _pixels.fitted(_native.decode(content, bool(self.survey.grey[row])), *self.shape)
        return _pixels.array(_pixels.fit(self.look.decode(content), *self.shape))

    def _changed(self, row: int, given: str) -> DataError:
        return DataError(self.source.name(row), given, "the image that was there", "put it back, or start again")


def data(
    where: str,
    source: Source,
    labels: np.ndarray,
    names: tuple[str, ...],
    look: Look,
    *,
    apart: np.ndarray | None = None,
    share: float = 0.2,
    known: Facts | None = None,
) -> Data:
    """A source's images as Data; all are read once.

    Args:
        where: the files, for messages.
        source: of the images.
        labels: int32 (images,), indices into `names`.
        names: of the classes.
        look: how images are taken, checked.
        apart: bool (images,), the held-out ones; None to hold out a share of each class.
        share: that share.
        known: facts of the training part of a network: then all images are held out, and made what it reads.
    Raises:
        PathError, DataError, FitError: for images that cannot be taken.
    """
    asked = look.size
    if known:
        look = replace(look, size=known.shape[1:], channels=known.shape[0])
    survey = Survey(source, look)
    rows = usable(where, source, survey, look)
    targets = labels[rows]
    if known:
        _tell(where, survey, rows, known.shape, bool(asked))
        parts = (EncodedSamples(source, rows[at], targets[at], look, known.shape, survey) for at in (slice(0), ...))
        return Data(known, *parts)
    height, width = look.size or one_size(where, source, survey, rows)
    channels = look.channels or (1 if survey.grey[rows].all() else 3)
    if apart is None:
        here, there = split(targets, share, stratify=True)
    else:
        here, there = np.flatnonzero(~apart[rows]), np.flatnonzero(apart[rows])
    _check_classes(where, targets, here, there, names)
    mean, std = moments(survey.sums[rows[here], :, :channels].sum(axis=0), len(here) * height * width)
    survey.sums = survey.sums[:0]
    shape = (channels, height, width)
    facts = Facts("image", "label", shape, labels=names, mean=mean, std=std)
    return Data(facts, *(EncodedSamples(source, rows[at], targets[at], look, shape, survey) for at in (here, there)))


def ordered(names: Iterable[str]) -> list[str]:
    """Names of classes, sorted; as numbers where all are whole numbers."""
    found = sorted(set(names))
    return sorted(found, key=int) if all(re.fullmatch(r"-?[0-9]{1,18}", name) for name in found) else found


def moments(sums: np.ndarray, count: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation per channel from sums of pixels and of their squares, exactly; 1 for a deviation of 0."""
    mean, std = [], []
    for total, squares in zip(*sums.tolist()):
        mean.append(total / count)
        std.append(((count * squares - total * total) / count**2) ** 0.5 or 1.0)
    return tuple(mean), tuple(std)


def _check_classes(where: str, targets: np.ndarray, here: np.ndarray, there: np.ndarray, names: Sequence[str]) -> None:
    """Refuse a class without an image to train on, or nothing held out."""
    counts = np.bincount(targets[here], minlength=len(names))
    empty = [names[at] for at in np.flatnonzero(counts == 0)[:5]]
    if empty:
        raise DataError(
            where, f"no image to train on for {', '.join(empty)}", "images of each class", "add some, or leave it out"
        )
    if not len(there):
        raise FitError(where, "no held-out image", "at least one", "give more images, or name others in data.test")


def _tell(where: str, survey: Survey, rows: np.ndarray, shape: tuple[int, ...], asked: bool) -> None:
    """Say on standard error how many images are resized or recoloured for a trained network."""
    channels, height, width = shape
    resized = int((survey.sides[rows] != (height, width)).any(axis=1).sum())
    recoloured = int((survey.grey[rows] != (channels == 1)).sum())
    told = [f"{resized:,} resized to {height}x{width}"] if resized and not asked else []
    told += [f"{recoloured:,} made {'grey' if channels == 1 else 'colour'}"] if recoloured else []
    if told:
        print(f"warning: {where}: of {many(len(rows), 'image')}, {' and '.join(told)} for the network", file=sys.stderr)
