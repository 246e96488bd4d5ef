"""ONNX models of a few steps, made by hand, and what ONNX Runtime answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

Arrays = dict[str, np.ndarray]
SCALES = {"scale": np.float32(0.05), "zero": np.uint8(100)}


def model(steps: Sequence[Any], arrays: Arrays, data: tuple[int, ...], rank: int = 0) -> onnx.ModelProto:
    """A model from `data`, float32 (batch, *data), to `result`, of as many axes unless `rank` says otherwise."""
    inputs = [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["batch", *data])]
    outputs = [helper.make_tensor_value_info("result", TensorProto.FLOAT, [None] * (rank or len(data) + 1))]
    stored = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph(list(steps), "test", inputs, outputs, stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="test")


def step(op: str, inputs: str, result: str, **options: Any) -> Any:
    return helper.make_node(op, inputs.split(), [result], name=options.pop("name", result), **options)


def rounding(value: str, name: str) -> list[Any]:
    """A value to 8 bits and back."""
    return [
        step("QuantizeLinear", f"{value} scale zero", f"{name}8"),
        step("DequantizeLinear", f"{name}8 scale zero", name),
    ]


def run(made: onnx.ModelProto, data: np.ndarray) -> np.ndarray:
    onnx.checker.check_model(made, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"data": data})[0]


def operators(made: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in made.graph.node]


def copy(made: onnx.ModelProto) -> onnx.ModelProto:
    other = onnx.ModelProto()
    other.CopyFrom(made)
    return other
