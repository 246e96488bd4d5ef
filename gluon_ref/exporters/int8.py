"""MXNet with convolutions and dense layers in 8-bit integers, as oneDNN computes them on processors with VNNI.

The graph with 8-bit steps holds graphs of its own, which are read from no file here: a file could ask MXNet for what
ends the process. It is made again from the graph in float32 and the ranges beside it, and must be the one that was
written for others.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np

from .. import arrays, graphs, reshapes
from ..backend import mx, quiet
from ..errors import ConversionError, DataError, FitError, PathError, reason
from ..records import Field, Source
from ._blocks import answering
from ._fusing import BACKEND, joined
from ._quantizing import batches, rounded
from ._ranges import ranges

# Largest accepted |a - b| / (1 + the largest |b|) on held-out samples, of a score a and the network's b: a bound for
# sanity. Eight bits resolve 1/256 of a range, and errors of that size add up over the layers to some hundredths of the
# largest score, where a wrong scale gives differences of its own size. What is lost is judged by the task's metric.
TOLERANCE = 0.25
LOSSY = True
WHERE = "format int8"
SYMBOL, PARAMS, FLOAT, RANGES = "model-symbol.json", "model-0000.params", "float-symbol.json", "ranges.json"
LAYERS = ("Convolution", "FullyConnected")
RECURRENT = "RNN"
# Operators that are computed in 8 bits; others that MXNet offers to are left out: they need gradients, or fail.
STEPS = ("_sg_mkldnn_conv", "_sg_mkldnn_fully_connected", "Pooling", "Flatten", "Concat", "elemwise_add")
Ranges = Mapping[str, tuple[float, float]]


def layers(source: Source) -> list[str]:
    """Names of the layers that can be quantized, from input to output.

    Raises:
        ConversionError: for a recurrent net, and for a graph that MXNet cannot join.
    """
    return list(_layers(_fused(source), set(source.arrays)))


def write(
    source: Source,
    folder: Path,
    *,
    leave_out: tuple[str, ...] = (),
    calibration_method: Literal["minmax", "entropy"] = "minmax",
) -> dict[str, Any]:
    """Write the network into a folder.

    Args:
        source: the network.
        folder: an existing, empty folder.
        leave_out: names of layers that stay in float32; the manifest lists them all.
        calibration_method: how the range of a value is found on the samples: its extremes, or the range that changes
            the distribution least, which clips rare large values.
    Returns:
        what the manifest tells: layers in 8 bits and in float32, names of the outputs.
    Raises:
        ConversionError: when no layer can be quantized, or MXNet cannot; for a recurrent net.
        UnknownNameError: when a layer to leave out is none.
        OptionError: without samples to calibrate with.
    """
    fused = _fused(source)
    known = _layers(fused, set(source.arrays))
    inside = rounded(WHERE, known, leave_out)
    left_out = [name for name in known if name not in inside]
    samples = batches(WHERE, source)
    try:
        with quiet():
            rough, wanted = _rounded(fused, inside, set(source.arrays))
            found = ranges(source, fused, wanted, samples, calibration_method)
            made = _finished(rough, found)
    except (mx.base.MXNetError, ValueError) as error:
        raise _unable(error) from None
    made.save(str(folder / SYMBOL))
    source.symbol.save(str(folder / FLOAT))
    states = set(source.symbol.list_auxiliary_states())
    kinds = {name: "aux" if name in states else "arg" for name in source.symbol.list_inputs()}
    mx.nd.save(
        str(folder / PARAMS), {f"{kinds[name]}:{name}": one for name, one in source.arrays.items() if name in kinds}
    )
    document = {"layers": inside, "ranges": found}
    (folder / RANGES).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return {"layers": inside, "left_out": left_out, "outputs": [field.name for field in source.outputs]}


def lacks(operators: Iterable[str]) -> set[str]:
    """Those operators of MXNet's that cannot stand in a graph of 8 bits."""
    return set(operators) & {RECURRENT}


def open(folder: Path, fields: Sequence[Field]) -> Callable[..., tuple[np.ndarray, ...]]:
    """The artefact as a function of numpy arrays, in the order of `fields`.

    Raises:
        PathError, DataError: when a file is not what `write` makes, or they do not fit each other; the last also where
            the function is called.
    """
    symbol = graphs.load(folder / FLOAT)
    params = folder / PARAMS
    known = {name: one.shape for name, one in arrays.bare(params, arrays.check(params)).items()}
    guard = reshapes.Guard(symbol, known)
    inside, found = _read(folder / RANGES)
    with _told(folder / SYMBOL), quiet():
        made = _finished(_rounded(joined(symbol), inside, set(known))[0], found)
        if json.loads(made.tojson()) != json.loads((folder / SYMBOL).read_text(encoding="utf-8")):
            raise ValueError(f"another graph than {FLOAT} and {RANGES} give")
    used = symbol.list_inputs()
    called = [field.name if field.name in used else "" for field in fields]
    return answering(made, called, params, guard, _told)


def _fused(source: Source) -> Any:
    try:
        return joined(source.symbol)
    except mx.base.MXNetError as error:
        raise _unable(error) from None


def _unable(error: Exception) -> ConversionError:
    return ConversionError(
        WHERE,
        f"MXNet cannot quantize the network ({reason(error)})",
        "a graph that its quantization carries",
        "leave layers out with --set leave_out=NAME, or export to onnx-int8",
    )


def _layers(fused: Any, weights: set[str]) -> dict[str, str]:
    """Layers of fixed weights, in order: name of each in the network -> in the graph of `joined`."""
    found = {}
    nodes = json.loads(fused.tojson())["nodes"]
    for node in nodes:
        if node["op"] == RECURRENT:
            raise ConversionError(
                WHERE,
                f"{node['name']} is recurrent, and MXNet's 8-bit layer of that kind fails",
                "convolutions and dense layers",
                "export to onnx-int8, which carries LSTM",
            )
        given = [nodes[at]["name"] for at, *_ in node["inputs"]]  # the weight is the second
        for inner in (one for graph in node.get("subgraphs", ()) for one in graph["nodes"]):
            if inner["op"] in LAYERS and given[1] in weights:
                found[inner["name"]] = node["name"]
    return found


def _rounded(fused: Any, inside: Sequence[str], known: set[str]) -> tuple[Any, list[str]]:
    """The graph in 8 bits but for the ranges, and the values whose ranges it needs.

    Args:
        fused: as `joined` gives it.
        inside: layers to round.
        known: names of the network's arrays.
    """
    nodes = json.loads(fused.tojson())["nodes"]
    kept = {name for layer, name in _layers(fused, known).items() if layer in inside}
    rough, wanted = mx.contrib.quantization._quantize_symbol(  # what quantize_model does before it asks for a DataIter
        fused,
        mx.cpu(),
        excluded_symbols=[one["name"] for one in nodes if one["op"].startswith("_sg_") and one["name"] not in kept],
        excluded_operators=sorted({one["op"] for one in nodes} - {*STEPS, graphs.VARIABLE}),
        offline_params=[name for name in fused.list_arguments() if name in known],
        quantized_dtype="auto",
        quantize_mode="smart",
        quantize_granularity="channel-wise",
    )
    return rough, list(wanted)


def _finished(rough: Any, found: Ranges) -> Any:
    """The graph in 8 bits with its ranges, and with roundings joined to the steps before them."""
    return mx.contrib.quantization._calibrate_quantized_sym(rough, found).get_backend_symbol(BACKEND)


def _read(path: Path) -> tuple[list[str], Ranges]:
    """Layers in 8 bits, and ranges."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        inside, ranges = document["layers"], document["ranges"]
        if not all(isinstance(name, str) for name in (*inside, *ranges)):
            raise ValueError("a name that is no text")
        pairs = {name: (float(low), float(high)) for name, (low, high) in ranges.items()}
        if not all(math.isfinite(low) and math.isfinite(high) and low <= high for low, high in pairs.values()):
            raise ValueError("a range that is none")
        return list(inside), pairs
    except OSError as error:
        raise PathError(
            str(path), f"cannot be read ({error.strerror})", "ranges as the export wrote them", "check the path"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            str(path), f"{type(error).__name__}: {error}", "ranges as the export wrote them", "export again"
        ) from None


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """MXNet's and Gluon's errors as one of ours: the files are whole, but do not fit each other or the inputs."""
    try:
        yield
    except OSError as error:
        raise PathError(str(path), f"cannot be read ({error.strerror})", "a symbol file", "check the path") from None
    except (mx.base.MXNetError, AssertionError, ValueError, FitError) as error:
        raise DataError(
            str(path), reason(error), "a graph and parameters of one export", "restore all from a copy, or export again"
        ) from None
