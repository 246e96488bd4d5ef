"""ONNX Runtime's side: a model file as a function of arrays. The door to onnxruntime; needs no MXNet."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as states

from ..errors import DataError, PathError, reason
from ..machine import threads
from ..records import Field

# ONNX Runtime's errors, which have no base of their own.
ERRORS = (
    states.Fail,
    states.InvalidArgument,
    states.InvalidGraph,
    states.InvalidProtobuf,
    states.NoSuchFile,
    states.NotImplemented,
    states.RuntimeException,
)
# ONNX Runtime's names of types, as far as inputs of networks have them.
KINDS = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}
# Steps of sequences that a run takes for each thread: of more, what a recurrent layer keeps leaves the core's cache.
# And sequences, by as many rows of a matrix as ONNX Runtime multiplies at a time on AVX-512, twice those on AVX2.
# Figures: docs/exports.md.
STEPS, ROWS = 1536, 12


def open_model(
    path: str | Path, fields: Sequence[Field], content: bytes | None = None
) -> Callable[..., tuple[np.ndarray, ...]]:
    """A model as a function of numpy arrays, in the order of `fields`; on the CPU, with OMP_NUM_THREADS threads.

    Sequences are run some at a time, as many as are quickest.

    Args:
        path: of an .onnx or .ort file.
        fields: its inputs; arrays are given to it in the dtypes that it asks for.
        content: of the model, where it lies in a larger file.
    Raises:
        PathError: when there is no such file.
        DataError: when it is no model, or has other inputs; and from the function, when it cannot take the arrays.
    """
    if content is None and not Path(path).is_file():
        raise PathError(str(path), "no such file", "a model", "check the path, or export again")
    model = str(path) if content is None else content
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads()
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except ERRORS as error:
        raise _broken(path, reason(error)) from None
    kinds = {one.name: KINDS.get(one.type, "") for one in session.get_inputs()}
    if set(kinds) != {field.name for field in fields}:
        raise _broken(path, f"inputs {', '.join(kinds)} instead of {', '.join(field.name for field in fields)}")

    results = [one.name for one in session.get_outputs()]
    long = next((field for field in fields if -1 in field.shape), None)

    def run(given: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        try:
            made: list[np.ndarray] = session.run(results, given)
        except ERRORS as error:
            told = " ".join(str(error).split())  # the size that is wrong stands on a line amid others
            raise DataError(
                str(path), told, "arrays that the model takes", "give them in the shapes that its inputs have"
            ) from None
        return made

    def answer(*inputs: np.ndarray) -> tuple[np.ndarray, ...]:
        given = {field.name: np.asarray(one, dtype=kinds[field.name]) for field, one in zip(fields, inputs)}
        cuts = _cuts(given[long.name].shape, 1 + long.shape.index(-1)) if long else []
        if len(cuts) <= 2:
            return tuple(run(given))
        parts = [run({name: one[start:end] for name, one in given.items()}) for start, end in itertools.pairwise(cuts)]
        return tuple(np.concatenate(made) for made in zip(*parts))

    return answer


def _cuts(shape: Sequence[int], axis: int) -> list[int]:
    """Where to cut a batch of sequences, which do not depend on each other, from 0 to its end.

    Args:
        shape: of the batch.
        axis: that of the steps.
    """
    if len(shape) <= axis:
        return []
    size = threads() * ROWS * max(1, STEPS // (ROWS * max(1, shape[axis])))
    return [*range(0, max(1, shape[0] - size // 2), size), shape[0]]  # a small rest goes with the part before it


def _broken(path: str | Path, given: str) -> DataError:
    return DataError(str(path), given, "a model of the inputs that its manifest names", "export again")
