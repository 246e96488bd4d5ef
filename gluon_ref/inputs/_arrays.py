"""Arrays in numpy's files as a network's inputs, for models whose own form of input nobody knows."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import DataError, PathError
from ..records import Field

DO = "write it by numpy.savez(FILE, NAME=ARRAY) with a row per sample"


def refuse_special(path: str | Path) -> None:
    """Refuse pipes and devices, which are read once, without an end, or not at all.

    Raises:
        PathError: when it is one; of what is no file at all those who read it tell.
    """
    place = Path(path)
    if place.exists() and not (place.is_file() or place.is_dir()):
        raise PathError(str(path), "a pipe or a device", "a file on a disk", "write it to a file first")


def load(path: str | Path, fields: Sequence[Field], where: str) -> tuple[np.ndarray, ...]:
    """The inputs of a file, axis 0 the samples.

    Args:
        path: .npz with an array per input by name, or .npy of the only input.
        fields: the network's declared inputs.
        where: what reads it, for messages.
    Raises:
        PathError: when the file cannot be read.
        DataError: when it is no such file, or lacks an input, or has one of another shape or kind.
    """
    refuse_special(path)
    try:
        with open(path, "rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                found = {fields[0].name: loaded} if len(fields) == 1 else {}
            else:
                found = {field.name: loaded[field.name] for field in fields if field.name in loaded.files}
    except OSError as error:
        raise PathError(
            where, f"{path} cannot be read ({error.strerror or error})", "an .npz or .npy file", "check the path"
        ) from None
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(str(path), f"no arrays of numpy's ({error})", "an .npz or .npy file", DO) from None
    free = [field.name for field in fields if not field.batch] or [field.name for field in fields]
    counts = {len(found[name]) for name in free if name in found and found[name].ndim}
    for field in fields:
        array = found.get(field.name)
        wanted = "x".join("N" if size == -1 else str(size) for size in (-1, *field.shape))
        if array is None:
            raise DataError(str(path), f"no array {field.name}", f"{field.name} {wanted}", DO)
        given = f"{field.name} {'x'.join(map(str, array.shape))} {array.dtype}"
        fits = array.ndim == len(field.shape) + 1 and all(
            one in (-1, size) for one, size in zip(field.shape, array.shape[1:])
        )
        if not fits or not len(array) or len(counts) > 1:
            raise DataError(str(path), given, f"{field.name} {wanted}, with a row for each sample", DO)
        if array.dtype.kind not in "biuf" or (array.dtype.kind == "f" and np.dtype(field.dtype).kind in "iu"):
            raise DataError(str(path), given, f"numbers of {field.dtype}", DO)
    return tuple(_cast(str(path), field, found[field.name]) for field in fields)


def _cast(where: str, field: Field, array: np.ndarray) -> np.ndarray:
    """An array in the dtype of its input.

    Raises:
        DataError: when that holds no such number: 300 is none of uint8's, 1e300 none of float32's.
    """
    with np.errstate(all="ignore"):
        made = array.astype(field.dtype)
        lost = np.isfinite(array) & (~np.isfinite(made) if made.dtype.kind == "f" else made != array)
    if lost.any():
        raise DataError(where, f"{field.name} has {array[lost][0]}", f"numbers of {field.dtype}", DO)
    return made
