"""Samples in memory, fixed splits, statistics of the training part, and checksums of data sets."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from .errors import DataError, OptionError


@dataclass(frozen=True)
class ArraySamples:
    """Samples held in memory.

    Args:
        inputs: (samples, ...) array, or an object array of int32 token arrays.
        targets: int32 (samples,) labels, or float32 (samples,) values.
        ragged: inputs vary in length.
    """

    inputs: np.ndarray
    targets: np.ndarray
    ragged: bool = False

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets of the samples at `indices`, in that order."""
        return self.inputs[indices], self.targets[indices]

    @property
    def lengths(self) -> np.ndarray | None:
        """int64 (samples,), tokens in each input; None for inputs of one shape."""
        return np.array([len(one) for one in self.inputs], dtype=np.int64) if self.ragged else None


def split(targets: np.ndarray, share: float, *, stratify: bool, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Indices of a training and a held-out part, both sorted; the same for the same arguments, everywhere.

    Args:
        targets: (samples,), labels or values.
        share: of the samples held out, in (0, 1).
        stratify: hold out that share of each class, with at least one sample on either side where a class has two.
        seed: of the permutation.
    Raises:
        OptionError: when `share` is outside (0, 1).
        DataError: when one of the parts would be empty.
    """
    if not 0.0 < share < 1.0:
        raise OptionError("data", f"held_out={share}", "a share above 0 and below 1", "pass --set data.held_out=0.2")
    order = np.random.RandomState(seed).permutation(len(targets))
    if stratify:
        held_out = []
        for label in np.unique(targets):
            members = order[targets[order] == label]
            # At least one of each class on either side, where there are two.
            count = min(max(round(share * len(members)), 1), len(members) - 1)
            held_out.append(members[:count])
        chosen = np.concatenate(held_out) if held_out else order[:0]
    else:
        chosen = order[: round(share * len(targets))]
    rest = np.setdiff1d(order, chosen)
    if not len(chosen) or not len(rest):
        raise DataError(
            "data",
            f"{len(targets)} samples",
            "enough for a training and a held-out part",
            "give more rows or another data.held_out",
        )
    return rest, np.sort(chosen)


def statistics(inputs: np.ndarray, axis: int | tuple[int, ...]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation over `axis` (numpy axes), with 1 for a deviation of 0; for Facts."""
    mean = inputs.mean(axis=axis, dtype=np.float64)
    std = inputs.std(axis=axis, dtype=np.float64)
    std = np.where(std < 1e-12, 1.0, std)
    return tuple(float(m) for m in np.atleast_1d(mean)), tuple(float(s) for s in np.atleast_1d(std))


def verify(where: str, parts: tuple[bytes, ...], expected: str, source: str) -> None:
    """Refuse a packaged data set whose contents are not those the published numbers were measured on.

    Args:
        where: for the message ("data digits").
        parts: the contents, as bytes in a fixed order.
        expected: their SHA-256, hexadecimal.
        source: the package that ships it, with the versions that were seen to agree.
    Raises:
        DataError: when the checksum differs.
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    if digest.hexdigest() != expected:
        raise DataError(
            where,
            f"contents with checksum {digest.hexdigest()[:12]}",
            f"{expected[:12]}, as shipped by {source}",
            f"install {source}",
        )
