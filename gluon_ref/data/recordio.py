"""Your own images in one file: the RecordIO (.rec) that MXNet's im2rec writes; read as they are needed.

    im2rec.py reads images.lst, with tabs between     0   1.0   dog/001.jpg
    number, label and path, and writes images.rec:    1   0.0   cat/001.jpg

    gluonref train cnn --data recordio:images.rec --set data.labels=cat,dog

One image in five of each class is held out, always the same ones, or those of another file: --set data.test=OTHER.rec.
The .idx file beside it is not needed. Each record has one label, a whole number from 0. The images in it are PNG or
JPEG, are all read once at the start, and are treated as in image_folder.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..errors import DataError, FitError, RequestError, require
from ..records import Data, Facts
from . import _images
from ._records import Records, scan
from ._survey import Look


def load(
    path: str,
    known: Facts | None = None,
    *,
    labels: tuple[str, ...] = (),
    size: tuple[int, ...] = (),
    channels: int = 0,
    background: Literal["refuse", "white", "black"] = "refuse",
    depth: int = 8,
    skip_corrupt: bool = False,
    test: str = "",
    held_out: float = 0.2,
) -> Data:
    """Images as uint8 (channel, height, width) with the labels of their records.

    Args:
        path: the .rec file.
        known: of the images a network was trained on: then all images are held out, with its labels, size and
            channels.
        labels: names of the classes, in the order of their numbers; empty to call them 0, 1 ...
        size: height,width to resize to, bilinear; where it is empty, all images must have one size.
        channels: 1 for grey, 3 for colour, or 0 for 1 if every image is grey, else 3.
        background: what is put behind transparent pixels; refuse names the images that have any.
        depth: 16 takes images of 16 bits per channel by their upper eight; 8 refuses them.
        skip_corrupt: leave out damaged images, if at least half are whole; a warning counts and names them.
        test: another .rec file to hold out instead.
        held_out: share of each class held out, in (0, 1).
    Raises:
        OptionError, PathError, DataError, FitError: for an option, a file or an image that is not as described.
    """
    if not path:
        raise RequestError("data recordio", "no file", "a .rec file as im2rec writes it", "pass --data recordio:FILE")
    require(0 < held_out < 1, "data recordio", "held_out", held_out, "a share above 0 and below 1", 0.2)
    look = Look(size, channels, background, depth, skip_corrupt)
    look.check("data recordio")
    records, targets = scan((path, test) if test and not known else (path,))
    names = known.labels if known else _names(path, records, targets, labels)
    _check(records, targets, len(names))
    apart = np.arange(len(records)) >= records.begins[-1] if len(records.begins) > 1 else None
    return _images.data(path, records, targets, names, look, apart=apart, share=held_out, known=known)


def _names(path: str, records: Records, targets: np.ndarray, labels: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the classes: those given, or the numbers of the first file's labels."""
    if len(set(labels)) != len(labels):
        twice = next(name for name in labels if labels.count(name) > 1)
        raise FitError("option data.labels", f"{twice} twice", "a name for each class", "name each class once")
    found = np.unique(targets[: records.begins[1]] if len(records.begins) > 1 else targets)
    if len(found) < 2:
        raise FitError(path, f"one class only, label {found[0]}", "at least two labels", "add another class")
    gaps = np.flatnonzero(found != np.arange(len(found)))
    if not labels and len(gaps):
        raise DataError(
            path,
            f"labels up to {found[-1]} but no record with label {gaps[0]}",
            "labels 0, 1 and so on, each with images",
            "number the classes without gaps",
        )
    return labels or tuple(map(str, found))


def _check(records: Records, targets: np.ndarray, count: int) -> None:
    """Refuse a label that is no class."""
    for index in np.flatnonzero(targets >= count)[:1].tolist():
        raise DataError(
            records.name(index),
            f"label {targets[index]}",
            f"labels 0 to {count - 1}, the classes there are",
            "leave the record out, or name all classes: --set data.labels=NAME,NAME",
        )
