"""Small idx files, as MNIST's."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np


def idx(array: np.ndarray) -> bytes:
    """An array of bytes as the contents of an idx file."""
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write(folder: Path, train: int = 5, held_out: int = 3, height: int = 2, width: int = 7) -> Path:
    """The four files; images count up from 0, labels too; the training part is gzipped."""
    for stem, count in (("train", train), ("t10k", held_out)):
        images = np.arange(count * height * width, dtype=np.uint8).reshape(count, height, width)
        for name, array in (("images-idx3", images), ("labels-idx1", np.arange(count, dtype=np.uint8))):
            if stem == "train":
                (folder / f"{stem}-{name}-ubyte.gz").write_bytes(gzip.compress(idx(array), mtime=0))
            else:
                (folder / f"{stem}-{name}-ubyte").write_bytes(idx(array))
    return folder
