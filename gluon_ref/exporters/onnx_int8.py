"""ONNX with weights and products of 8-bit integers: a quarter of the size, and faster where it has VNNI or the like.

Ranges of all values are found on samples beforehand, except for recurrent nets: there each batch tells its own.
"""

from __future__ import annotations

import io
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Literal

from ..errors import ConversionError, reason
from ..records import Source
from . import _onnx
from ._quantizing import Arrays, batches, rounded

# Largest accepted |a - b| / (1 + the largest |b|) on held-out samples, of a score a and the network's b: a bound for
# sanity. Eight bits resolve 1/256 of a range, and errors of that size add up over the layers to some hundredths of the
# largest score, where a wrong scale gives differences of its own size. What is lost is judged by the task's metric.
TOLERANCE = 0.25
LOSSY = True
MODEL, lacks, open = _onnx.MODEL, _onnx.lacks, _onnx.open
WHERE = "format onnx-int8"
# Steps that are computed in 8 bits where their input already is; pooling and sums between layers among them.
STEPS = (
    *("Conv", "ConvTranspose", "Gemm", "MatMul", "Gather", "Relu", "Clip", "LeakyRelu", "Add", "Mul", "Concat"),
    *("MaxPool", "AveragePool", "GlobalAveragePool", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Pad"),
)
# What ONNX Runtime's quantizer stumbles with over a graph it is not made for; it has no error of its own.
STUMBLES = (ValueError, KeyError, IndexError, AssertionError, RuntimeError, TypeError, NotImplementedError)


def layers(source: Source) -> list[str]:
    """Names of the layers that can be quantized, from input to output.

    Raises:
        ConversionError: as `write` does.
    """
    from ..conversion import rewriting

    model = _prepared(source, 13, False)
    narrow = rewriting.narrow(model)
    return [layer for layer, name in rewriting.layers(model).items() if name not in narrow]


def write(
    source: Source,
    folder: Path,
    *,
    leave_out: tuple[str, ...] = (),
    calibration_method: Literal["minmax", "average"] = "minmax",
    per_channel: bool = True,
    opset: int = 13,
    probabilities: bool = True,
) -> dict[str, Any]:
    """Write the network into a folder; the batch, and a text's length, stay free.

    A convolution over one to three channels stays in float32, where it is as fast and exact.

    Args:
        source: the network.
        folder: an existing, empty folder.
        leave_out: names of layers that stay in float32; the manifest lists them all.
        calibration_method: how the range of a value is found on the samples: its extremes, or the average of each
            batch's, which clips rare large values; recurrent nets need none.
        per_channel: each output channel of a layer has a scale of its own.
        opset: version of ONNX's operators, 13 to 17.
        probabilities: add the softmax of a classifier's scores as a second output.
    Returns:
        what the manifest tells: kind of quantization, layers in 8 bits and in float32, names of the outputs.
    Raises:
        ConversionError: when ONNX has no counterpart for an operator or an option of one, or no layer can be quantized.
        UnknownNameError: when a layer to leave out is none.
        OptionError: for an opset out of range, or without samples to calibrate with.
    """
    from ..conversion import rewriting

    model = _prepared(source, opset, probabilities and source.classes)
    known, narrow = rewriting.layers(model), rewriting.narrow(model)
    inside = rounded(WHERE, known, leave_out, [layer for layer, name in known.items() if name in narrow])
    excluded = [name for layer, name in known.items() if layer not in inside]
    dynamic = rewriting.recurrent(model)
    if not dynamic:
        samples = batches(WHERE, source)
    with _quantizer(), tempfile.TemporaryDirectory(prefix="gluonref-") as scratch:
        target = Path(scratch, MODEL)
        if not inside:  # ONNX Runtime 1.23 would round what layers in float32 hand on
            made = model
        elif dynamic:
            made = _dynamic(model, target, excluded, per_channel)
        else:
            made = _static(model, target, excluded, samples, calibration_method, per_channel)
    made = rewriting.tidy(made, model)
    (folder / MODEL).write_bytes(made.SerializeToString(deterministic=True))
    return {
        "quantization": "dynamic" if dynamic else "static",
        "layers": inside,
        "left_out": [name for name in known if name not in inside],
        "opset": opset,
        "outputs": [one.name for one in made.graph.output],
    }


def _prepared(source: Source, opset: int, probabilities: bool) -> Any:
    """The float32 model as quantizing wants it: steps named, constants computed, normalizations within their layers."""
    import onnxruntime

    from ..conversion import rewriting
    from ..conversion.graph import to_onnx
    from ..conversion.session import ERRORS

    model = rewriting.named(to_onnx(source, opset, probabilities))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    with tempfile.TemporaryDirectory(prefix="gluonref-") as scratch:
        options.optimized_model_filepath = str(Path(scratch, MODEL))
        try:
            onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        except ERRORS as error:
            raise _unable(error) from None
        model.graph.CopyFrom(rewriting.read(Path(scratch, MODEL)).graph)
    return rewriting.unpadded(model)


def _static(
    model: Any, target: Path, excluded: list[str], samples: list[Arrays], method: str, per_channel: bool
) -> Any:
    from onnxruntime import quantization

    from ..conversion import rewriting

    class Reader(quantization.CalibrationDataReader):
        """Hands out the samples, then None."""

        def __init__(self) -> None:
            self._left = iter(samples)

        def get_next(self) -> Arrays | None:
            return next(self._left, None)

    try:
        quantization.quantize_static(
            rewriting.copied(model),
            target,
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=list(STEPS),
            per_channel=per_channel,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            nodes_to_exclude=excluded,
            calibrate_method=quantization.CalibrationMethod.MinMax,
            extra_options={"MatMulConstBOnly": True, "CalibMovingAverage": method == "average"},
        )
    except STUMBLES as error:
        raise _unable(error) from None
    return rewriting.barred(rewriting.wide(rewriting.read(target)))


def _dynamic(model: Any, target: Path, excluded: list[str], per_channel: bool) -> Any:
    from onnxruntime import quantization

    from ..conversion import rewriting

    try:
        quantization.quantize_dynamic(
            rewriting.copied(model),
            target,
            op_types_to_quantize=list(rewriting.DYNAMIC),
            per_channel=per_channel,
            weight_type=quantization.QuantType.QInt8,
            # A dense layer is taken apart first, and its product has a name of its own then.
            nodes_to_exclude=[*excluded, *(f"{name}_MatMul" for name in excluded)],
        )
    except STUMBLES as error:
        raise _unable(error) from None
    return rewriting.read(target)


@contextmanager
def _quantizer() -> Iterator[None]:
    """Keep ONNX Runtime's quantizer from printing, and from setting up logging for the whole program."""
    silent = logging.NullHandler()
    logging.getLogger().addHandler(silent)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.getLogger().removeHandler(silent)


def _unable(error: Exception) -> ConversionError:
    return ConversionError(
        WHERE,
        f"ONNX Runtime cannot quantize the network ({reason(error)})",
        "a graph that its quantizer carries",
        "leave layers out with --set leave_out=NAME, or export to onnx",
    )
