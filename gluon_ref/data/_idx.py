"""The idx files of MNIST and its look-alikes, gzipped or not, as Data."""

from __future__ import annotations

import gzip
import io
import os
import struct
import zlib
from math import prod
from pathlib import Path

import numpy as np

from ..downloading import Remote, fetch
from ..errors import DataError, FitError, PathError, RequestError, require
from ..records import Data, Facts
from ..samples import ArraySamples, statistics

# Of the images of one file; a small gzip file may claim, and hold, any number of zeros.
LARGEST_BYTES = 4 * 1024**3
CHUNK_BYTES = 1 << 20
FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "held_out": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
FETCH = "have them fetched: --set data.download=true"


def folder(
    name: str,
    path: str,
    labels: tuple[str, ...],
    files: tuple[Remote, ...],
    *,
    download: bool = False,
    timeout_s: float = 0.0,
    mirror: bool = False,
) -> Data:
    """A folder of four idx files, train-* for training and t10k-* held out.

    Args:
        name: of the data set, for messages.
        path: the folder.
        labels: names of the classes, by index.
        files: where the four are published, gzipped.
        download: fetch those that are missing.
        timeout_s: most that each may take.
        mirror: an image mirrored left to right keeps its label.
    """
    if not path:
        raise RequestError(
            f"data {name}",
            "no folder",
            f"the folder with {FILES['train'][0]} and the other three files, .gz or not",
            f"pass --data {name}:DIR",
        )
    if download:
        require(timeout_s > 0, f"data {name}", "download_timeout_s", timeout_s, "above 0", 600)
        for remote in files:
            file = Path(path, os.path.basename(remote.url))
            if not file.with_suffix("").is_file():  # the same, unpacked
                fetch(remote, file, timeout_s)
    if not os.path.isdir(path):
        raise PathError(
            f"data {name}", f"{path} is no folder", "the folder with the four idx files", f"check the path, or {FETCH}"
        )
    parts = {}
    for part, (images, targets) in FILES.items():
        parts[part] = _pair(name, _find(name, Path(path), images), _find(name, Path(path), targets), len(labels))
    train, held_out = parts["train"], parts["held_out"]
    if train.inputs.shape[1:] != held_out.inputs.shape[1:]:
        raise FitError(
            f"data {name}",
            f"training images {train.inputs.shape[2:]} and held-out images {held_out.inputs.shape[2:]}",
            "one size",
            "check that all four files belong together",
        )
    mean, std = statistics(train.inputs, axis=(0, 2, 3))
    facts = Facts("image", "label", train.inputs.shape[1:], labels=labels, mean=mean, std=std, mirror=mirror)
    return Data(facts, train, held_out)


def read(path: Path, axes: int) -> np.ndarray:
    """An idx file of unsigned bytes with that many axes.

    Raises:
        PathError: when the file cannot be read.
        DataError: when it is not such a file, or shorter or longer than its header says.
    """
    where, start = str(path), 4 + 4 * axes
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            header = file.read(start)
            shape = _shape(where, header, axes)
            size = prod(shape)
            content = _take(file, size + 1)  # one more than there should be; a gzip's end is checked on the way
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            where, f"not a whole gzip file ({error})", "an idx file, gzipped", "fetch the file again"
        ) from None
    except OSError as error:
        raise PathError(
            where, f"cannot be read ({error.strerror})", "a readable file", "check the path and its rights"
        ) from None
    if len(content) != size or not size:
        raise DataError(
            where,
            f"{'more than ' if len(content) > size else ''}{min(len(content), size)} bytes after the header",
            f"{size}, as its header says ({'x'.join(map(str, shape))}), above 0",
            "fetch the file again",
        )
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def _shape(where: str, header: bytes, axes: int) -> tuple[int, ...]:
    if len(header) < 4 + 4 * axes or header[:4] != bytes([0, 0, 8, axes]):
        raise DataError(
            where,
            f"starts with {header[:4].hex(' ') or 'nothing'}",
            f"an idx file of bytes with {axes} axes (00 00 08 0{axes})",
            "fetch the file again",
        )
    shape = struct.unpack(f">{axes}I", header[4:])
    if prod(shape) > LARGEST_BYTES:
        raise DataError(
            where, f"{'x'.join(map(str, shape))} bytes", f"{LARGEST_BYTES:,} at most", "fetch the file again"
        )
    return shape


def _take(file: gzip.GzipFile | io.BufferedReader, size: int) -> bytes:
    """As much of a file as there is, up to a size; memory is not taken for more."""
    parts = []
    while size and (part := file.read(min(size, CHUNK_BYTES))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _find(name: str, path: Path, stem: str) -> Path:
    for candidate in (path / f"{stem}.gz", path / stem):
        if candidate.is_file():
            return candidate
    raise PathError(
        f"data {name}",
        f"{path} holds no {stem} and no {stem}.gz",
        "the four idx files",
        f"check the folder, or {FETCH}",
    )


def _pair(name: str, images_path: Path, targets_path: Path, labels: int) -> ArraySamples:
    images, targets = read(images_path, 3), read(targets_path, 1)
    if len(images) != len(targets):
        raise DataError(
            f"data {name}",
            f"{len(images)} images in {images_path.name} and {len(targets)} labels in {targets_path.name}",
            "a label for each image",
            "check that the files belong together",
        )
    if targets.max() >= labels:
        raise DataError(str(targets_path), f"label {targets.max()}", f"labels 0 to {labels - 1}", "check the file")
    return ArraySamples(images[:, None], targets.astype(np.int32))  # (samples, 1, height, width)
