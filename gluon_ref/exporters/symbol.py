"""MXNet's own format: model-symbol.json and model-0000.params, loadable by SymbolBlock.imports anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .. import arrays, graphs, reshapes
from ..backend import mx, quiet
from ..errors import DataError, FitError, reason
from ..records import Field, Source

# Largest accepted difference between a score of the artefact and of the imperative network, absolute plus relative.
TOLERANCE = 1e-5


def write(source: Source, folder: Path) -> dict[str, Any]:
    """Write the network into a folder.

    Args:
        source: the network.
        folder: an existing, empty folder.
    Returns:
        what the manifest tells: names of the outputs.
    """
    source.symbol.save(str(folder / "model-symbol.json"))
    states = set(source.symbol.list_auxiliary_states())
    kinds = {name: "aux" if name in states else "arg" for name in source.arrays}
    mx.nd.save(str(folder / "model-0000.params"), {f"{kinds[name]}:{name}": one for name, one in source.arrays.items()})
    return {"outputs": [field.name for field in source.outputs]}


def open(folder: Path, fields: Sequence[Field]) -> Callable[..., tuple[np.ndarray, ...]]:
    """The artefact as a function of numpy arrays, in the order of `fields`.

    Raises:
        PathError, DataError: when graph or parameters are not what MXNet writes, or do not fit each other; the last
            also where the function is called.
    """
    symbol = graphs.load(folder / "model-symbol.json")
    params = folder / "model-0000.params"
    stored = arrays.bare(params, arrays.check(params))
    called = _called(symbol.list_inputs(), fields)
    names = [name for name in called if name]
    guard = reshapes.Guard(symbol, {name: one.shape for name, one in stored.items()})
    with _told(params), quiet():  # Gluon exports no types of inputs, and warns of it when it imports
        # As SymbolBlock.imports does, which reads the graph's file itself.
        net = mx.gluon.SymbolBlock(symbol, [mx.sym.var(name) for name in names])
        net.collect_params().load(str(params), ctx=mx.cpu(), cast_dtype=True, dtype_source="saved")
        net.hybridize(static_alloc=True)

    def answer(*inputs: np.ndarray) -> tuple[np.ndarray, ...]:
        with _told(params):
            given = {name: one for name, one in zip(called, inputs) if name}
            guard.look({name: one.shape for name, one in given.items()})
            outputs = net(*(mx.nd.array(one, dtype=one.dtype) for one in given.values()))
            return tuple(one.asnumpy() for one in (outputs if isinstance(outputs, (list, tuple)) else [outputs]))

    return answer


def _called(known: Sequence[str], fields: Sequence[Field]) -> list[str]:
    """What the graph calls each input; "" for those that it does not use. Manifests of format 1 count them."""
    return [next((name for name in (field.name, f"data{at}") if name in known), "") for at, field in enumerate(fields)]


@contextmanager
def _told(params: Path) -> Iterator[None]:
    """MXNet's and Gluon's errors as one of ours: the files are whole, but do not fit each other or the inputs."""
    try:
        yield
    except (mx.base.MXNetError, AssertionError, ValueError, FitError) as error:
        raise DataError(
            str(params),
            reason(error),
            "parameters of the graph beside them",
            "restore both from a copy, or export again",
        ) from None
