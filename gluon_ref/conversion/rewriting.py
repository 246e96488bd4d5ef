"""What quantizing needs changed in an ONNX model, before it and after, so that ONNX Runtime answers fast.

Source of each rule: profiles of ONNX Runtime 1.32; docs/int8.md has the figures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from .. import graphs
from .graph import MARK, needed
from .steps import rename

# Operators whose weights are rounded when answers are rounded step by step, and those of recurrent nets.
STATIC = ("Conv", "ConvTranspose", "Gemm", "MatMul")
DYNAMIC = ("LSTM", "MatMul", "Gemm", "Gather")
RECURRENT = ("LSTM", "GRU", "RNN")
NARROW = 3  # channels
# Through which ONNX Runtime moves the rounding of a value up to where it is made.
PASSING = ("Reshape", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Flatten")
# Steps that ONNX Runtime computes in 8 bits.
TAKING = (
    *STATIC,
    *PASSING,
    *("Relu", "Clip", "LeakyRelu", "Sigmoid", "Add", "Mul", "Concat", "Pad", "Resize"),
    *("MaxPool", "AveragePool", "GlobalAveragePool"),
)
QUANTIZE, DEQUANTIZE = "QuantizeLinear", "DequantizeLinear"


def read(path: Path) -> onnx.ModelProto:
    """A model that ONNX Runtime has written just now."""
    return onnx.load(str(path))


def copied(model: onnx.ModelProto) -> onnx.ModelProto:
    """A model for the quantizer to change, marked as prepared: it would advise that otherwise."""
    other = onnx.ModelProto()
    other.CopyFrom(model)
    other.metadata_props.add(key="onnx.quant.pre_process", value="onnxruntime.quant")
    return other


def named(model: onnx.ModelProto) -> onnx.ModelProto:
    """Name the nodes that have no name after their first result: quantizing tells nodes by their names."""
    for node in model.graph.node:
        node.name = node.name or node.output[0]
    return model


def unpadded(model: onnx.ModelProto) -> onnx.ModelProto:
    """Let poolings by maximum leave out a border of minus infinity rather than read it: no range of 8 bits holds it."""
    makers, readers = _edges(model)
    values = {one.name: one for one in model.graph.initializer}
    results = {one.name for one in model.graph.output}
    for pool in [node for node in model.graph.node if node.op_type == "MaxPool"]:
        pad = makers.get(pool.input[0])
        if pad is None or len(readers[pool.input[0]]) > 1 or pool.input[0] in results:
            continue
        border = _border(pad, values)
        options = {one.name: one for one in pool.attribute}
        sizes = list(options["kernel_shape"].ints) * 2
        own = list(options["pads"].ints) if "pads" in options else [0] * len(sizes)
        pads = [one + more for one, more in zip(own, border)]
        if border and all(0 <= one < size for one, size in zip(pads, sizes)):
            kept = [one for one in pool.attribute if one.name != "pads"]
            del pool.attribute[:]
            pool.attribute.extend([*kept, onnx.helper.make_attribute("pads", pads)])
            pool.input[0] = pad.input[0]
            model.graph.node.remove(pad)
    used = {name for node in model.graph.node for name in node.input} | results
    for one in [one for one in model.graph.initializer if one.name not in used]:  # ONNX Runtime would tell of each
        model.graph.initializer.remove(one)
    return model


def _border(pad: Any, values: Mapping[str, Any]) -> list[int]:
    """The widths of a border of minus infinity around images, as a pooling has them; empty for any other."""
    given = [onnx.numpy_helper.to_array(values[name]) for name in pad.input[1:3] if name in values]
    if pad.op_type != "Pad" or len(pad.input) != 3 or len(given) != 2 or given[1] != -np.inf:
        return []
    starts, ends = np.split(given[0], 2)  # of each axis
    return [*starts[2:].tolist(), *ends[2:].tolist()] if not any((*starts[:2], *ends[:2])) else []


def recurrent(model: onnx.ModelProto) -> bool:
    """Whether a model has recurrent layers."""
    return any(node.op_type in RECURRENT for node in model.graph.node)


def layers(model: onnx.ModelProto) -> dict[str, str]:
    """Layers with weights that can be rounded, in order: what a person calls each -> name of its node."""
    weights = {one.name for one in model.graph.initializer if one.data_type == onnx.TensorProto.FLOAT}
    kinds = DYNAMIC if recurrent(model) else STATIC
    steps = [node.name for node in model.graph.node if node.op_type in kinds and weights & set(node.input)]
    found: dict[str, str] = {}
    for name in steps:
        base = name.partition(MARK)[0]
        found[graphs.free(base, found)] = name
    return found


def narrow(model: onnx.ModelProto) -> set[str]:
    """Nodes of convolutions over so few channels that ONNX Runtime is no faster in 8 bits: it copies byte by byte."""
    shapes = {one.name: list(one.dims) for one in model.graph.initializer}
    return {
        node.name
        for node in model.graph.node
        if node.op_type == "Conv" and shapes.get(node.input[1], [0, NARROW + 1])[1] <= NARROW and not _grouped(node)
    }


def _grouped(conv: Any) -> bool:
    return any(one.name == "group" and one.i > 1 for one in conv.attribute)


def wide(model: onnx.ModelProto) -> onnx.ModelProto:
    """Keep all bits of products that no step in 8 bits reads, such as the scores."""
    makers, readers = _edges(model)
    results = {one.name for one in model.graph.output}
    for quantize in [node for node in model.graph.node if node.op_type == QUANTIZE]:
        maker = makers.get(quantize.input[0])
        back = readers[quantize.output[0]]
        users = [node for one in back for node in readers[one.output[0]]]
        if maker is None or maker.op_type not in ("Gemm", "MatMul") or any(one.op_type in TAKING for one in users):
            continue
        product = quantize.input[0]
        for one in back:
            _replace(readers[one.output[0]], one.output[0], product)
            model.graph.node.remove(one)
        model.graph.node.remove(quantize)
        for name in results & {one.output[0] for one in back}:  # a result keeps its name
            rename(model.graph.node, product, name)
    return model


def barred(model: onnx.ModelProto) -> onnx.ModelProto:
    """Keep the rounding of what a pooling in float32 gives below it: in 8 bits, and not laid out for it, it is slow.

    ONNX Runtime would move the rounding up through the pooling; a maximum of one value stops that.
    """
    makers, readers = _edges(model)
    for at, node in reversed(list(enumerate(model.graph.node))):
        maker = makers.get(node.input[0]) if node.op_type == "MaxPool" else None
        if maker is None or maker.op_type == DEQUANTIZE or not _rounded(readers, node.output[0]):
            continue
        result = f"{node.output[0]}kept"
        _replace(readers[node.output[0]], node.output[0], result)
        model.graph.node.insert(at + 1, onnx.helper.make_node("Max", [node.output[0]], [result], name=result))
    return model


def _rounded(readers: dict[str, list[Any]], value: str) -> bool:
    """Whether a value is rounded, as it is or in another shape."""
    return any(
        one.op_type == QUANTIZE or (one.op_type in PASSING and _rounded(readers, one.output[0]))
        for one in readers[value]
    )


def tidy(model: onnx.ModelProto, about: onnx.ModelProto) -> onnx.ModelProto:
    """Drop what nothing reads, and put the header of the model it was made from on it.

    Args:
        model: to be written.
        about: the one before quantizing.
    """
    results = [one.name for one in model.graph.output]
    steps = needed(model.graph.node, results)
    used = {*results, *(name for step in steps for name in step.input)}
    kept = [one for one in model.graph.initializer if one.name in used]
    domains = {node.domain for node in steps}
    graph = onnx.helper.make_graph(steps, "gluon_ref", model.graph.input, model.graph.output, kept)
    opsets = [*about.opset_import, *(onnx.helper.make_opsetid(one, 1) for one in sorted(domains - {"", "ai.onnx"}))]
    made = onnx.helper.make_model(
        graph, opset_imports=opsets, ir_version=about.ir_version, producer_name=about.producer_name
    )
    onnx.helper.set_model_props(made, {one.key: one.value for one in about.metadata_props})
    onnx.checker.check_model(made)
    return made


def _edges(model: onnx.ModelProto) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """The node that makes each value, and those that read it."""
    readers: dict[str, list[Any]] = defaultdict(list)
    for node in model.graph.node:
        for name in node.input:
            readers[name].append(node)
    return {name: node for node in model.graph.node for name in node.output}, readers


def _replace(nodes: list[Any], name: str, other: str) -> None:
    """Let nodes read another value."""
    for node in nodes:
        for at, given in enumerate(node.input):
            if given == name:
                node.input[at] = other
