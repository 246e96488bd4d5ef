"""What the formats of 8-bit integers share: layers that stay as they are, and samples to find ranges by."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

from ..errors import ConversionError, OptionError, UnknownNameError
from ..records import Source

Arrays = dict[str, np.ndarray]
# Of inputs in a batch: all values within the network are held at once, hundreds of times as many.
MOST_BYTES = 1 << 20


def rounded(where: str, known: Collection[str], leave_out: Iterable[str], always: Collection[str] = ()) -> list[str]:
    """The layers to quantize.

    Args:
        where: the format, for messages ("format int8").
        known: all that have weights.
        leave_out: those that shall stay in float32.
        always: those that stay so anyway.
    Raises:
        ConversionError: when there are none to begin with.
        UnknownNameError: when one to leave out is none of them.
    """
    if not set(known) - set(always):
        raise ConversionError(
            where,
            "no layer that can be computed in 8 bits",
            "a network with convolutions or dense layers of fixed weights",
            "export to onnx or symbol",
        )
    for name in leave_out:
        if name not in known:
            raise UnknownNameError(f"{where}: leave_out", name, known)
    gone = {*leave_out, *always}
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
    rows = {field.name: field.batch for field in source.inputs if field.batch}
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
        found.extend(_split(given, rows))
    if not found:
        raise OptionError(where, "fewer samples than a batch", f"{max(rows.values())} or more", do)
    return found


def _fits(array: np.ndarray, shape: tuple[int, ...]) -> bool:
    given = array.shape[1:]
    return bool(array.size) and len(given) == len(shape) and all(b in (-1, a) for a, b in zip(given, shape))


def _split(given: Arrays, rows: dict[str, int]) -> list[Arrays]:
    """Samples as batches that the network takes, of no more than is sensible.

    Args:
        given: samples by input.
        rows: the only number that an input takes, where it takes but one; what is left over is dropped.
    """
    if not rows:
        count = min(len(array) for array in given.values())
        size = max(1, MOST_BYTES * count // sum(array.nbytes for array in given.values()))
        return [{name: one[at : at + size] for name, one in given.items()} for at in range(0, count, size)]
    count = min(len(given[name]) // size for name, size in rows.items())
    if len(rows) < len(given):  # beside inputs of any number, which are not to be told apart
        count = min(count, 1)
    return [
        {name: one[at * rows[name] : (at + 1) * rows[name]] if name in rows else one for name, one in given.items()}
        for at in range(count)
    ]
