"""ONNX, float32: model.onnx, which ONNX Runtime and most other runtimes answer with."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from ..errors import OptionError
from ..records import Source
from . import _onnx

# Largest accepted difference between a score of the artefact and of the imperative network, absolute plus relative:
# sums of a few thousand float32 products in another order differ by this much, a wrong operator by far more.
TOLERANCE = 1e-4
MODEL, lacks, open = _onnx.MODEL, _onnx.lacks, _onnx.open


def write(
    source: Source,
    folder: Path,
    *,
    opset: int = 13,
    probabilities: bool = True,
    pixels: Literal["float32", "uint8"] = "float32",
) -> dict[str, Any]:
    """Write the network into a folder; the batch, and a text's length, stay free.

    Args:
        source: the network.
        folder: an existing, empty folder.
        opset: version of ONNX's operators, 13 to 17.
        probabilities: add the softmax of a classifier's scores as a second output.
        pixels: type of the numbers 0 to 255 that an image comes in.
    Returns:
        what the manifest tells: opset, dtypes of the inputs and names of the outputs.
    Raises:
        ConversionError: when ONNX has no counterpart for an operator or an option of one.
        OptionError: for an opset out of range, or pixels where the network reads no images.
    """
    from ..conversion.graph import to_onnx

    if pixels != "float32" and source.about.get("takes") != "image":
        raise OptionError(
            "format onnx", f"pixels={pixels} for a network that reads no images", "a run on images", "leave it out"
        )
    model = to_onnx(source, opset, probabilities and source.classes, pixels)
    (folder / MODEL).write_bytes(model.SerializeToString(deterministic=True))
    inputs = {field.name: pixels if field.dtype == "float32" else field.dtype for field in source.inputs}
    return {"opset": opset, "inputs": inputs, "outputs": [one.name for one in model.graph.output]}
