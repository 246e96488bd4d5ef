"""to_onnx(source): a network's graph, node by node, as an ONNX model that its checker passes.

Each operator is turned by a converter from MXNet's own register, mxnet.onnx.mx2onnx, where ours take the places of
those that are missing or wrong. Walking the graph is done here, for MXNet's walk confuses outputs with nodes whose
names end in a digit, makes inputs of parameters, and lets a label be an input.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from .. import graphs
from ..backend import mx
from ..errors import ConversionError, OptionError, reason
from ..records import Field, Source
from .defaults import complete
from .shapes import Value, values
from .steps import call

OPSET = 13  # ReduceSum's axes became an input with it, as the converters here write them
NEWEST = 17  # of those that ONNX Runtime 1.20 and all later ones run, and whose operators are as in 13
IR_VERSION = 8
# Ends a node's name, so that no output "conv" + "1" of one node is another's name.
MARK = ":"
PROBABILITIES = "probabilities"
BATCH = "batch"


class Output:
    """What converters ask of an edge: the ONNX name of a value, its dtype, and its shape with -1 where that varies."""

    def __init__(self, name: str, dtype: Any, shape: tuple[int, ...]) -> None:
        self.name, self.dtype, self.shape = name, np.dtype(dtype), shape


def to_onnx(
    source: Source, opset: int = OPSET, probabilities: bool = False, pixels: str = "float32"
) -> onnx.ModelProto:
    """A network as an ONNX model.

    Args:
        source: the network; axis 0 of every input and output, and axes of -1, stay free.
        opset: version of ONNX's operators, 13 to 17.
        probabilities: add the softmax of the first output as a last one.
        pixels: dtype that inputs of float32 are taken in, and cast from.
    Raises:
        ConversionError: when an operator, or an option of one, has no counterpart; names the nodes.
        OptionError: for an opset out of range.
    """
    if not OPSET <= opset <= NEWEST:
        raise OptionError("format onnx", f"opset={opset}", f"{OPSET} to {NEWEST}", f"pass --set opset={OPSET}")
    document = json.loads(source.symbol.tojson())
    nodes = _named(document["nodes"])
    _refuse_unknown(nodes)
    walk = _Walk(source, nodes, opset)
    heads = [walk.outputs(at)[number] for at, number, *_ in document["heads"]]
    steps = walk.steps
    call(steps, [head.name for head in heads], [field.name for field in source.outputs])
    results = [_value(field, head.dtype) for field, head in zip(source.outputs, heads)]
    if probabilities:
        steps.append(onnx.helper.make_node("Softmax", [source.outputs[0].name], [PROBABILITIES], name=PROBABILITIES))
        results.append(_value(replace(source.outputs[0], name=PROBABILITIES), heads[0].dtype))
    inputs = [_value(field, np.dtype(field.dtype)) for field in source.inputs]
    if pixels != "float32":
        inputs, casts = _cast(source.inputs, np.dtype(pixels))
        for step in steps:
            step.input[:] = [casts[name].output[0] if name in casts else name for name in step.input]
        steps = [*casts.values(), *steps]
    return _model(source, needed(steps, [one.name for one in results]), inputs, results, walk.initializers, opset)


def unknown(operators: Iterable[str]) -> set[str]:
    """Those of some operators that no converter is for."""
    known = register()
    return {op for op in operators if op not in known}


def _refuse_unknown(nodes: Sequence[Mapping[str, Any]]) -> None:
    lacking = unknown(node["op"] for node in nodes)
    if lacking:
        first = {node["op"]: node["name"].removesuffix(MARK) for node in reversed(nodes)}
        raise ConversionError(
            "format onnx",
            f"no counterpart for {', '.join(f'{op} ({first[op]})' for op in sorted(lacking))}",
            "operators that ONNX has or can be made of, listed in docs/zoo.md",
            "export to symbol or npz, or name steps before it with --output, of a model in files",
        )


@lru_cache(maxsize=1)
def register() -> frozenset[str]:
    """Put our converters into MXNet's register; returns all operators that can be converted."""
    graph = _converters()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        module = importlib.import_module(f"{__package__}.{path.stem}") if not path.stem.startswith("_") else None
        for op, converter in getattr(module, "CONVERTERS", {}).items():
            graph.register(op, opset_version=OPSET)(converter)
    return frozenset(op for operators in graph.registry_.values() for op in operators)


def _converters() -> Any:
    return mx.onnx.mx2onnx._export_onnx.MXNetGraph


def _named(nodes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The nodes with all options, and with names no two of which can be mistaken."""
    taken: set[str] = {node["name"] for node in nodes if node["op"] == graphs.VARIABLE}
    found = []
    for node in nodes:
        name = node["name"]
        if node["op"] != graphs.VARIABLE:
            base = name.replace(MARK, "_")
            name = next(f"{one}{MARK}" for one in graphs.numbered(base) if f"{one}{MARK}" not in taken)
            taken.add(name)
        found.append({**node, "attrs": complete(node["op"], node.get("attrs", {})), "name": name})
    return found


class _Walk:
    """The nodes, converted in order.

    Args:
        source: the network.
        nodes: of its graph, with names as `_named` gives them.
        opset: version of ONNX's operators.
    """

    def __init__(self, source: Source, nodes: list[dict[str, Any]], opset: int) -> None:
        self.steps: list[Any] = []
        self.initializers: list[Any] = []
        self._opset, self._nodes = opset, nodes
        self._weights = {name: array.asnumpy() for name, array in source.arrays.items()}
        self._inputs = {field.name: np.dtype(field.dtype) for field in source.inputs}
        self._lookup: list[list[Output]] = []
        for at, (node, results) in enumerate(zip(nodes, values(source))):
            is_variable = node["op"] == graphs.VARIABLE
            self._lookup.append(
                [self._variable(node["name"], results[0])] if is_variable else self._convert(at, node, results)
            )

    def outputs(self, at: int) -> list[Output]:
        """The values of a node."""
        return self._lookup[at]

    def _variable(self, name: str, value: Value) -> Output:
        if name in self._inputs:
            return Output(name, self._inputs[name], value.shape)
        if name in self._weights:
            self.initializers.append(onnx.numpy_helper.from_array(self._weights[name], name))
        # Else a label, which no answer depends on; anything else the checker finds missing.
        return Output(name, value.dtype, value.shape)

    def _convert(self, at: int, node: dict[str, Any], results: Sequence[Value]) -> list[Output]:
        name = node["name"]
        try:
            converted, dtypes = _converters().convert_layer(
                node,
                is_input=False,
                mx_graph=self._nodes,
                weights=self._weights,
                proc_nodes=self.steps,
                initializer=self.initializers,
                outputs_lookup=self._lookup,
                idx=at,
                opset_version=self._opset,
                results=results,
            )
        # Whatever a converter of MXNet's trips over: they assert, index and unpack options as they find them.
        except (
            NotImplementedError,
            AssertionError,
            AttributeError,
            ValueError,
            KeyError,
            IndexError,
            TypeError,
        ) as error:
            raise ConversionError(
                "format onnx",
                f"{node['op']} {name.rstrip(MARK)} cannot be converted ({reason(error)})",
                "options that ONNX has a counterpart for",
                "export to symbol or npz, or report the operator with its options",
            ) from None
        self.steps.extend(converted)
        made = {output for step in converted for output in step.output}
        given = [one for one in [name, *(f"{name}{number}" for number in range(len(made)))] if one in made]
        names = given or [converted[-1].output[0]]
        kinds = [one.dtype for one in results] if dtypes is None else dtypes
        return [Output(name, kind, one.shape) for name, kind, one in zip(names, kinds, results)]


def needed(steps: Sequence[Any], results: Iterable[str]) -> list[Any]:
    """The steps that some result depends on."""
    wanted, kept = set(results), []
    for step in reversed(steps):
        if wanted & set(step.output):
            kept.append(step)
            wanted |= set(step.input)
    return kept[::-1]


def _value(field: Field, dtype: np.dtype[Any]) -> Any:
    """An input or output; a batch of 0 is free, and so are axes of -1."""
    axes = [f"{field.name}_{at}" if size == -1 else size for at, size in enumerate(field.shape, 1)]
    kind = onnx.helper.np_dtype_to_tensor_dtype(dtype)
    return onnx.helper.make_tensor_value_info(field.name, kind, [field.batch or BATCH, *axes])


def _cast(fields: Sequence[Field], dtype: np.dtype[Any]) -> tuple[list[Any], dict[str, Any]]:
    """Inputs of another dtype where they are float32, and the casts by the name of the input."""
    inputs, casts = [], {}
    for field in fields:
        floating = field.dtype == "float32"
        inputs.append(_value(field, dtype if floating else np.dtype(field.dtype)))
        if floating:
            name = f"{field.name}{MARK}cast"
            casts[field.name] = onnx.helper.make_node(
                "Cast", [field.name], [name], name=name, to=onnx.TensorProto.FLOAT
            )
    return inputs, casts


def _model(
    source: Source, steps: list[Any], inputs: list[Any], results: list[Any], initializers: list[Any], opset: int
) -> onnx.ModelProto:
    used = {name for step in steps for name in step.input}
    kept = {one.name: one for one in initializers if one.name in used}
    graph = onnx.helper.make_graph(steps, "gluon_ref", inputs, results, list(kept.values()))
    opsets = [onnx.helper.make_opsetid("", opset)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="gluon_ref")
    onnx.helper.set_model_props(model, dict(source.about))
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ConversionError(
            "format onnx",
            f"the model is not valid ONNX ({reason(error)})",
            "a model that ONNX's checker passes",
            "report this with the network's symbol file",
        ) from None
    return model
