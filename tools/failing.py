"""The digits, of which one read fails; a data set of one's own: `--set data.name=tools.failing`.

As soon as a file is there, whoever reads next removes it and fails, as one does whose disk is gone.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from gluon_ref.data import digits
from gluon_ref.records import Data
from gluon_ref.samples import ArraySamples


@dataclass(frozen=True)
class Failing(ArraySamples):
    """Samples that fail once.

    Args:
        once: path of the file that says when.
    """

    once: str = ""

    def take(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As in ArraySamples.

        Raises:
            RuntimeError: once.
        """
        with suppress(FileNotFoundError):
            os.unlink(self.once)
            raise RuntimeError("the disk is gone")
        return super().take(indices)


def load(path: str, *, once: str) -> Data:
    """The digits.

    Args:
        path: empty.
        once: path of the file whose being there makes one read fail.
    """
    data = digits.load(path)
    assert isinstance(data.train, ArraySamples)
    return replace(data, train=Failing(data.train.inputs, data.train.targets, once=once))
