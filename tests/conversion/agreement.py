"""One symbol in MXNet and as an ONNX model in ONNX Runtime: answers to the same inputs, for batches of two sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime

from gluon_ref.backend import mx
from gluon_ref.conversion.graph import to_onnx
from gluon_ref.exports import sources
from gluon_ref.records import Field, Source

BATCHES = (2, 5)


def make_source(symbol: Any, fields: Sequence[Field], arrays: Mapping[str, np.ndarray] | None = None) -> Source:
    """A symbol with its parameters: those given, else random ones, positive where they are variances.

    Args:
        symbol: of one operator or a few.
        fields: its inputs.
        arrays: parameters by name.
    """
    inputs = {field.name: field for field in fields}
    given = {name: mx.nd.array(array, dtype=array.dtype) for name, array in (arrays or {}).items()}
    known = {name: field.sized(2, 7) for name, field in inputs.items()}
    known |= {name: array.shape for name, array in given.items()}
    shapes, _, states = symbol.infer_shape(**known)
    for name, shape in zip(symbol.list_inputs(), (*shapes, *states)):
        if name not in inputs and name not in given and not name.endswith("label"):
            values = np.random.normal(size=shape)
            given[name] = mx.nd.array(np.abs(values) + 0.5 if name.endswith("var") else values)
    return Source(symbol, given, tuple(fields), sources.outputs(symbol, fields, given), {})


def answers(
    source: Source, batch: int, values: Mapping[str, np.ndarray] | None = None
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """MXNet's answers and ONNX Runtime's."""
    drawn = {field.name: _draw(field, batch) for field in source.inputs}
    given = {**drawn, **(values or {})}
    return imperative(source, given), runtime(source, given)


def imperative(source: Source, given: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """MXNet's answers."""
    arguments = {name: mx.nd.array(array, dtype=array.dtype) for name, array in given.items()}
    shapes, _, _ = source.symbol.infer_shape(
        **{
            name: one.shape
            for name, one in {**arguments, **source.arrays}.items()
            if name in source.symbol.list_inputs()
        }
    )
    labels = {
        name: mx.nd.zeros(shape)
        for name, shape in zip(source.symbol.list_arguments(), shapes)
        if name not in arguments and name not in source.arrays
    }
    states = {name: source.arrays[name] for name in source.symbol.list_auxiliary_states()}
    executor = source.symbol.bind(
        mx.cpu(), {**arguments, **source.arrays, **labels}, aux_states=states, grad_req="null"
    )
    return [one.asnumpy() for one in executor.forward(is_train=False)]


def runtime(source: Source, given: Mapping[str, np.ndarray], opset: int = 13) -> list[np.ndarray]:
    """ONNX Runtime's answers."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    content = to_onnx(source, opset).SerializeToString()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    wanted = {one.name for one in session.get_inputs()}
    return list(session.run(None, {name: array for name, array in given.items() if name in wanted}))


def disagreement(
    symbol: Any,
    fields: Sequence[Field],
    arrays: Mapping[str, np.ndarray] | None = None,
    values: Mapping[str, np.ndarray] | None = None,
) -> float:
    """Largest |a - b| / (1 + |b|) over all outputs and both batches; shapes and dtypes are the same."""
    source = make_source(symbol, fields, arrays)
    largest = 0.0
    for batch in BATCHES if values is None else (0,):
        ours, theirs = answers(source, batch, values)
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs):
            assert (one.shape, one.dtype) == (other.shape, other.dtype)
            with np.errstate(invalid="ignore"):
                gaps = np.abs(one.astype(np.float64) - other) / (1 + np.abs(one.astype(np.float64)))
            gaps = np.where((one == other) | (np.isnan(one) & np.isnan(other)), 0, gaps)
            largest = max(largest, float(np.nan_to_num(gaps, nan=np.inf).max(initial=0)))
    return largest


def _draw(field: Field, batch: int) -> np.ndarray:
    """Random numbers; integers from 0 to 4."""
    shape = field.sized(batch, 7)
    if np.dtype(field.dtype).kind in "iub":
        return np.random.randint(0, 5, shape).astype(field.dtype)
    return np.random.normal(size=shape).astype(field.dtype)
