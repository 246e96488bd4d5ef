"""MNIST: handwritten digits, 28x28 grey, 10 classes, 60,000 for training and 10,000 held out; idx files in a folder."""

from __future__ import annotations

from ..records import Data
from ._idx import folder

LABELS = tuple("0123456789")


def load(path: str) -> Data:
    """Images as uint8 (1, 28, 28) with labels 0 to 9.

    Args:
        path: a folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
            t10k-labels-idx1-ubyte, each gzipped (.gz) or not.
    Raises:
        PathError, DataError: for files that are missing, unreadable, altered or do not belong together.
    Source: Y. LeCun, C. Cortes and C. Burges, The MNIST database of handwritten digits, 1998.
    """
    return folder("mnist", path, LABELS)
