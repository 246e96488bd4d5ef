"""ONNX, float32: model.onnx, which ONNX Runtime and most other runtimes answer with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..records import Field, Source

# Largest accepted difference between a score of the artefact and of the imperative network, absolute plus relative:
# sums of a few thousand float32 products in another order differ by this much, a wrong operator by far more.
TOLERANCE = 1e-4
MODEL = "model.onnx"


def write(source: Source, folder: Path, *, opset: int = 13, probabilities: bool = True) -> dict[str, Any]:
    """Write the network into a folder; the batch, and a text's length, stay free.

    Args:
        source: the network.
        folder: an existing, empty folder.
        opset: version of ONNX's operators, 13 to 17.
        probabilities: add the softmax of a classifier's scores as a second output.
    Returns:
        what the manifest tells: opset and names of the outputs.
    Raises:
        ConversionError: when ONNX has no counterpart for an operator or an option of one.
        OptionError: for an opset out of range.
    """
    from ..conversion.graph import to_onnx

    model = to_onnx(source, opset, probabilities and source.classes)
    (folder / MODEL).write_bytes(model.SerializeToString(deterministic=True))
    return {"opset": opset, "outputs": [one.name for one in model.graph.output]}


def lacks(operators: Iterable[str]) -> set[str]:
    """Those operators of MXNet's that ONNX has no counterpart for."""
    from ..conversion.graph import unknown

    return unknown(operators)


def open(folder: Path, fields: Sequence[Field]) -> Callable[..., tuple[np.ndarray, ...]]:
    """The artefact as a function of numpy arrays, in the order of `fields`.

    Raises:
        PathError, DataError: when the model is missing, or is none, or takes other inputs.
    """
    from ..conversion.session import open_model

    return open_model(folder / MODEL, fields)
