"""Handwritten digits, 8x8 grey, 10 classes: 1,797 images that come with scikit-learn; the test part of UCI's optdigits.

The UCI file holds 0..16 per pixel; here they are scaled to whole numbers 0..255, as any image has.
One sample in five is held out, stratified, always the same.
"""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from ..records import Data, Facts
from ..samples import ArraySamples, split, statistics, verify
from ._scikit import SOURCE, no_path

CHECKSUM = "f6d9e39f37dc45d327f6db33428ee58970ccceabb2535a5c179de35886b70443"


def load(path: str, *, held_out: float = 0.2) -> Data:
    """The digits, as uint8 images (1, 8, 8) with labels 0 to 9.

    Args:
        path: empty; the images come with scikit-learn.
        held_out: share of each digit's images held out, in (0, 1).
    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998, https://doi.org/10.24432/C50P49.
    """
    no_path("digits", path)
    bunch = load_digits()
    verify(
        "data digits",
        (bunch.images.astype(np.float64).tobytes(), bunch.target.astype(np.int64).tobytes()),
        CHECKSUM,
        SOURCE,
    )
    images = np.rint(bunch.images * 255 / 16).astype(np.uint8)[:, None]  # (samples, 1, 8, 8)
    targets = bunch.target.astype(np.int32)
    train, rest = split(targets, held_out, stratify=True)
    mean, std = statistics(images[train], axis=(0, 2, 3))
    facts = Facts("image", "label", (1, 8, 8), labels=tuple("0123456789"), mean=mean, std=std)
    return Data(facts, ArraySamples(images[train], targets[train]), ArraySamples(images[rest], targets[rest]))
