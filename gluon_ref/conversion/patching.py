"""Rounded convolutions over few channels, made products of patches in an ONNX model: ONNX Runtime is slow at them."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

from .rewriting import DEQUANTIZE, edges

# Of convolutions that are worth it: up to that many channels and window positions.
NARROW, POSITIONS = 3, 25
GROUP = 4  # channels that one 8-bit instruction adds up
END = np.iinfo(np.int64).max


def patched(model: onnx.ModelProto) -> onnx.ModelProto:
    """Make a convolution over few channels one over patches: windows laid beside each other as channels, 1x1 wide.

    The rounded answers are the same. ONNX Runtime copies windows of one to three channels byte by byte, which takes
    longer than all else in such a layer, and multiplies channels by fours.
    """
    makers, readers = edges(model)
    weights = {one.name: one for one in model.graph.initializer}
    for conv in [node for node in model.graph.node if node.op_type == "Conv"]:
        data, weight = (makers.get(name) for name in conv.input[:2])
        if data is None or weight is None or {data.op_type, weight.op_type} != {DEQUANTIZE}:
            continue
        stored = weights.get(weight.input[0])
        if stored is None or len(readers[weight.input[0]]) > 1 or len(weight.input) < 3 or len(data.input) < 3:
            continue
        window = _window(conv, list(stored.dims))
        if window is None or onnx.numpy_helper.to_array(weights[weight.input[2]]).any():
            continue
        _patch(model, conv, data, stored, window)
    return model


def _window(conv: Any, dims: list[int]) -> list[int] | None:
    """Padding of a convolution that is worth it; None for others."""
    options = {one.name: onnx.helper.get_attribute_value(one) for one in conv.attribute}
    axes = dims[2:]
    plain = all(set(options.get(name, [1])) == {1} for name in ("strides", "dilations"))
    if len(axes) != 2 or not plain or options.get("group", 1) != 1 or options.get("auto_pad", b"NOTSET") != b"NOTSET":
        return None
    if dims[1] > NARROW or not 1 < axes[0] * axes[1] <= POSITIONS:
        return None
    return list(options.get("pads", [0] * 4))


def _patch(model: onnx.ModelProto, conv: Any, data: Any, stored: Any, pads: list[int]) -> None:
    """One convolution.

    Args:
        model: it is in.
        conv: the node.
        data: the node that gives it its input from 8 bits.
        stored: its weights, int8 (filters, channels, rows, columns).
        pads: rows and columns before, then after.
    """
    array = onnx.numpy_helper.to_array(stored)
    filters, channels, rows, columns = array.shape
    width = channels * rows * columns
    filled = -(-width // GROUP) * GROUP - width
    laid = np.zeros((filters, width + filled, 1, 1), array.dtype)
    laid[:, :width, 0, 0] = array.transpose(0, 2, 3, 1).reshape(filters, width)
    stored.CopyFrom(onnx.numpy_helper.from_array(laid, stored.name))

    base, steps = conv.name, []

    def constant(name: str, values: list[int]) -> str:
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(values, np.int64), f"{base}{name}"))
        return f"{base}{name}"

    def step(op: str, name: str, *inputs: str, **options: Any) -> str:
        steps.append(onnx.helper.make_node(op, inputs, [f"{base}{name}"], name=f"{base}{name}", **options))
        return f"{base}{name}"

    axes = constant("axes", [2, 3])
    border = constant("border", [0, 0, *pads[:2], 0, 0, *pads[2:]])
    padded = step("Pad", "padded", data.input[0], border, data.input[2])  # the zero point is 0
    parts = [
        step(
            "Slice",
            f"window{row}_{column}",
            padded,
            constant(f"first{row}_{column}", [row, column]),
            constant(f"last{row}_{column}", [row - rows + 1 or END, column - columns + 1 or END]),
            axes,
        )
        for row in range(rows)
        for column in range(columns)
    ]
    if filled:  # any values, for their weights are 0
        ends = [constant(f"fill{at}", [at]) for at in (0, 1)]
        parts += [step("Slice", "fill", parts[0], *ends, ends[1])] * filled
    patches = step("Concat", "patches", *parts, axis=1)  # (batch, width + filled, height, width)
    conv.input[0] = step(DEQUANTIZE, "given", patches, *data.input[1:])
    _one_wide(conv)
    place = list(model.graph.node).index(conv)
    for at, node in enumerate(steps):
        model.graph.node.insert(place + at, node)


def _one_wide(conv: Any) -> None:
    kept = [one for one in conv.attribute if one.name not in ("kernel_shape", "pads", "auto_pad")]
    del conv.attribute[:]
    conv.attribute.extend([*kept, onnx.helper.make_attribute("kernel_shape", [1, 1])])
