"""What the formats that ONNX Runtime answers with have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from ..records import Field

MODEL = "model.onnx"


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
