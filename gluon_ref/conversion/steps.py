"""What our converters are written with: one of MXNet's nodes, and the ONNX nodes that do the same."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from .shapes import Value


class Steps:
    """One of MXNet's nodes while it is converted.

    Args:
        node: as the graph's file has it, its options complete.
        given: what mx2onnx hands to converters.
    """

    def __init__(self, node: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        edges = [given["outputs_lookup"][at][number] for at, number, *_ in node["inputs"]]
        self.inputs: list[str] = [edge.name for edge in edges]
        self.dtypes: list[np.dtype[Any]] = [edge.dtype for edge in edges]
        self.shapes: list[tuple[int, ...]] = [edge.shape for edge in edges]
        self.results: Sequence[Value] = given["results"]
        self.opset: int = given["opset_version"]
        self.edges: Sequence[Sequence[int]] = node["inputs"]
        self.graph: Sequence[Mapping[str, Any]] = given["mx_graph"]
        self.weights: Mapping[str, np.ndarray] = given["weights"]
        self.nodes: list[Any] = []
        self._name: str = node["name"]
        self._options: Mapping[str, str] = node["attrs"]
        self._initializers: list[Any] = given["initializer"]
        self._count = 0

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the first input."""
        return self.dtypes[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the first input; -1 where an axis varies."""
        return self.shapes[0]

    @property
    def rank(self) -> int:
        """Number of axes of the first input."""
        return len(self.shapes[0])

    def option(self, key: str, default: Any = None) -> Any:
        """An option as a number, tuple, bool, None or word, whatever it says."""
        text = self._options.get(key)
        if text is None:
            return default
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            words = {"true": True, "false": False, "inf": np.inf, "-inf": -np.inf, "nan": np.nan}
            return words.get(text.lower(), text)
        return tuple(value) if isinstance(value, list) else value

    def flag(self, key: str) -> bool:
        """An option that is yes or no; no where it is not given."""
        return bool(self.option(key, False))

    def number(self, key: str, default: float | None = None) -> float:
        """An option that is a number, also where it is written as an integer."""
        return float(self.option(key, default))

    def integers(self, key: str, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """An option of several integers, also where one stands alone."""
        value = self.option(key)
        if value is None or value == ():
            return default
        return value if isinstance(value, tuple) else (value,)

    def axis(self, key: str = "axis", default: int | None = None, rank: int | None = None) -> int:
        """An option that names an axis, counted from the front."""
        value = int(self.option(key, default))
        return value + (self.rank if rank is None else rank) if value < 0 else value

    def refuse(self, given: str) -> NotImplementedError:
        """What to raise for an option that ONNX has nothing for."""
        return NotImplementedError(given)

    def constant(self, value: Any, dtype: Any = np.int64) -> str:
        """A constant; int64, as ONNX has shapes and axes, unless another dtype is named."""
        name = self._new()
        self._initializers.append(onnx.numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def like(self, value: Any, number: int = 0) -> str:
        """A constant in the dtype of an input."""
        return self.constant(value, self.dtypes[number])

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """A node of one output; gives the output's name."""
        return self.several(op, 1, *inputs, **attributes)[0]

    def several(self, op: str, count: int, *inputs: str, **attributes: Any) -> list[str]:
        """A node of several outputs; gives their names."""
        names = [self._new() for _ in range(count)]
        self.nodes.append(onnx.helper.make_node(op, list(inputs), names, name=names[0], **attributes))
        return names

    def cast(self, value: str, dtype: Any) -> str:
        """A value in another dtype."""
        return self.add("Cast", value, to=onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def reshape(self, value: str, shape: Sequence[int]) -> str:
        """A value in a shape of which at most one axis, -1, varies."""
        if list(shape).count(-1) > 1:
            raise self.refuse("more than one axis that varies")
        return self.add("Reshape", value, self.constant(list(shape)))

    def size(self, value: str, axis: int, count: int = 1) -> str:
        """The sizes of some axes in a row, int64 (count,), as they are when the model runs."""
        return self.add("Gather", self.add("Shape", value), self.constant(range(axis, axis + count)))

    def count(self, value: str, axis: int) -> str:
        """The size of one axis as a scalar, int64, as it is when the model runs."""
        return self.add("Gather", self.add("Shape", value), self.constant(axis))

    def positions(self, value: str, axis: int) -> str:
        """0, 1, 2 ... along one axis, int64, as many as there are when the model runs."""
        return self.add("Range", self.constant(0), self.count(value, axis), self.constant(1))

    def _new(self) -> str:
        self._count += 1
        return f"{self._name}_{self._count}"

    def finish(self, made: Sequence[str]) -> tuple[list[Any], tuple[Any, ...]]:
        """The nodes, the values that they end in called as the driver expects."""
        called = [self._name] if len(made) == 1 else [f"{self._name}{at}" for at in range(len(made))]
        call(self.nodes, made, called)
        return self.nodes, tuple(result.dtype for result in self.results[: len(made)])


def call(nodes: list[Any], values: Sequence[str], names: Sequence[str]) -> None:
    """Give values names; by a copy where no node makes it, or where it has been given one before."""
    made = {output for node in nodes for output in node.output}
    called: dict[str, str] = {}
    for value, name in zip(values, names):
        if value in made and value not in called:
            rename(nodes, value, name)
        else:
            nodes.append(onnx.helper.make_node("Identity", [called.get(value, value)], [name], name=name))
        called.setdefault(value, name)


def rename(nodes: Iterable[Any], old: str, new: str) -> None:
    """Give a value another name, wherever nodes make or read it."""
    for node in nodes:
        for names in (node.input, node.output):
            for at, name in enumerate(names):
                if name == old:
                    names[at] = new


Converter = Callable[..., tuple[list[Any], tuple[Any, ...]]]


def converters(functions: Mapping[str, Callable[[Steps], str | Sequence[str]]]) -> dict[str, Converter]:
    """Functions from Steps to the values that they end in, as converters with mx2onnx's signature.

    Args:
        functions: by operator.
    """
    return {op: _converter(function) for op, function in functions.items()}


def _converter(function: Callable[[Steps], str | Sequence[str]]) -> Converter:
    def convert(node: Mapping[str, Any], **given: Any) -> tuple[list[Any], tuple[Any, ...]]:
        steps = Steps(node, given)
        made = function(steps)
        return steps.finish([made] if isinstance(made, str) else made)

    return convert
