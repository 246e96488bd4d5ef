"""Groups of arrays in an .npz file, as processes hand them to each other: array 1 of group 0 is called "0.1"."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

Arrays = tuple[np.ndarray, ...]


def save(path: str | Path, groups: Sequence[Arrays]) -> None:
    """Write groups, which may differ in their number of arrays."""
    named = {f"{group}.{at}": one for group, arrays in enumerate(groups) for at, one in enumerate(arrays)}
    np.savez(path, **named)


def load(path: str | Path) -> list[Arrays]:
    """The groups of a file, in order; those without an array are left out."""
    found: dict[int, list[np.ndarray]] = {}
    with np.load(path, allow_pickle=False) as arrays:
        for name in sorted(arrays.files, key=lambda one: tuple(map(int, one.split(".")))):
            found.setdefault(int(name.split(".")[0]), []).append(arrays[name])
    return [tuple(one) for one in found.values()]
