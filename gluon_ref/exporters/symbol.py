"""MXNet's own format: model-symbol.json and model-0000.params, loadable by SymbolBlock.imports anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .. import arrays, graphs, reshapes
from ..backend import mx
from ..errors import DataError, FitError, reason
from ..records import Field, Source
from ._blocks import answering

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
    guard = reshapes.Guard(symbol, {name: one.shape for name, one in stored.items()})
    return answering(symbol, called, params, guard, _told)


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
