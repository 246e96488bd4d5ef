"""ONNX Runtime's own format, for phones and edge devices: model.ort, read without ONNX and not optimized anew.

Beside it lies required_operators.config, from which a runtime of these operators alone can be built.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..records import Field, Source
from . import _onnx

# Largest accepted difference between a score of the artefact and of the imperative network, absolute plus relative: as
# for ONNX, whose kernels answer.
TOLERANCE = 1e-4
MODEL = "model.ort"
lacks = _onnx.lacks
OPERATORS = "required_operators.config"


def write(
    source: Source,
    folder: Path,
    *,
    level: Literal["basic", "extended"] = "extended",
    opset: int = 13,
    probabilities: bool = True,
) -> dict[str, Any]:
    """Write the network into a folder; the batch, and a text's length, stay free.

    The runtime takes the graph as it lies in the file, so whatever optimizing is done here is what the device runs.
    Layouts that ONNX Runtime would choose for this machine's processor are left out: the file answers on any.

    Args:
        source: the network.
        folder: an existing, empty folder.
        level: extended fuses steps into operators of ONNX Runtime's own, which its processor kernels have everywhere;
            basic keeps to ONNX's, which NNAPI and Core ML can take over.
        opset: version of ONNX's operators, 13 to 17.
        probabilities: add the softmax of a classifier's scores as a second output.
    Returns:
        what the manifest tells: level, opset and names of the outputs.
    Raises:
        ConversionError: when ONNX has no counterpart for an operator or an option of one.
        OptionError: for an opset out of range.
    """
    from ..conversion.graph import to_onnx
    from ..conversion.operators import required

    model = to_onnx(source, opset, probabilities and source.classes)
    content = model.SerializeToString(deterministic=True)
    _optimize(content, folder / MODEL, level, "ORT")
    with tempfile.TemporaryDirectory(prefix="gluonref-") as scratch:
        _optimize(content, Path(scratch, "model.onnx"), level, "ONNX")
        lines = required(Path(scratch, "model.onnx"))
    (folder / OPERATORS).write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
    return {"level": level, "opset": opset, "outputs": [one.name for one in model.graph.output]}


def _optimize(content: bytes, path: Path, level: str, kind: str) -> None:
    """Save a model as ONNX Runtime makes it.

    Args:
        content: of an .onnx file.
        path: of the file to write.
        level: of optimizing.
        kind: "ORT" or "ONNX".
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(path)
    options.add_session_config_entry("session.save_model_format", kind)
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, f"ORT_ENABLE_{level.upper()}")
    onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def open(folder: Path, fields: Sequence[Field]) -> Callable[..., tuple[np.ndarray, ...]]:
    """The artefact as a function of numpy arrays, in the order of `fields`.

    Raises:
        PathError, DataError: when the model is missing, or is none, or takes other inputs.
    """
    from ..conversion.session import open_model

    return open_model(folder / MODEL, fields)
