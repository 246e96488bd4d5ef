"""What the formats of 8-bit integers share: layers that stay as they are, and samples to find ranges by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..errors import ConversionError, OptionError, UnknownNameError
from ..records import Source

Arrays = dict[str, np.ndarray]
# Of inputs in a batch: all values within the network are held at once, hundreds of times as many.
MOST_BYTES = 1 << 20


def rounded(where: str, known: Sequence[str], leave_out: Iterable[str]) -> list[str]:
    """The layers to quantize.

    Args:
        where: the format, for messages ("format int8").
        known: all that can be.
        leave_out: those that stay in float32.
    Raises:
        ConversionError: when there are none to begin with.
        UnknownNameError: when one to leave out is none of them.
    """
    if not known:
        raise ConversionError(
            where,
            "no layer that can be computed in 8 bits",
            "a network with convolutions or dense layers of fixed weights",
            "export to onnx or symbol",
        )
    for name in leave_out:
        if name not in known:
            raise UnknownNameError(f"{where}: leave_out", name, known)
    gone = set(leave_out)
    return [name for name in known if name not in gone]


def batches(where: str, source: Source) -> list[Arrays]:
    """Samples of the inputs to find ranges by: arrays by name, batch by batch.

    Args:
        where: the format, for messages.
        source: the network.
    Raises:
        OptionError: when there are none, or they are not what the network takes.
    """
    do = "pass --calibration FILE.npz with a few hundred real samples, an array for each input"
    if not source.calibration:
        raise OptionError(where, "no samples to find the ranges of values by", "real inputs of the network", do)
    found: list[Arrays] = []
    for arrays in source.calibration:
        given = {field.name: np.asarray(one, field.dtype) for field, one in zip(source.inputs, arrays)}
        for field in source.inputs:
            array = given.get(field.name)
            wanted = "x".join(("batch", *("any" if size == -1 else str(size) for size in field.shape)))
            if array is None or not _fits(array, field.shape):
                told = "no array" if array is None else f"an array {'x'.join(map(str, array.shape))}"
                raise OptionError(where, f"{told} for {field.name}", wanted, do)
            if not np.isfinite(array).all():
                raise OptionError(where, f"NaN or infinity in samples of {field.name}", "finite numbers", do)
        found.extend(_split(given, source.batch))
    if not found:
        raise OptionError(where, "fewer samples than a batch", f"{source.batch} or more", do)
    return found


def _fits(array: np.ndarray, shape: tuple[int, ...]) -> bool:
    given = array.shape[1:]
    return bool(array.size) and len(given) == len(shape) and all(b in (-1, a) for a, b in zip(given, shape))


def _split(given: Arrays, batch: int) -> list[Arrays]:
    """Samples as batches of the size that a network takes, where it takes but one, or of no more than is sensible.

    What is left over of a size that is fixed is dropped.
    """
    count = min(len(array) for array in given.values())
    size = batch or max(1, MOST_BYTES * count // sum(array.nbytes for array in given.values()))
    stop = count // batch * batch if batch else count
    return [{name: one[at : at + size] for name, one in given.items()} for at in range(0, stop, size)]
