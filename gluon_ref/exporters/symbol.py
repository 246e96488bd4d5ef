"""MXNet's own format: model-symbol.json and model-0000.params, loadable by SymbolBlock.imports anywhere."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import mx
from ..layers import zeros
from ..records import Field

# Largest accepted difference between a score of the artefact and of the imperative network, absolute plus relative.
TOLERANCE = 1e-5


def write(net: Any, fields: Sequence[Field], folder: Path) -> None:
    """Write the network into a folder.

    Args:
        net: an initialized HybridBlock.
        fields: its declared inputs, in order.
        folder: an existing, empty folder.
    """
    net.hybridize()
    net(*(mx.nd.array(array, dtype=array.dtype) for array in zeros(fields)))
    net.export(str(folder / "model"), epoch=0)


def open(folder: Path, fields: Sequence[Field]) -> Callable[..., tuple[np.ndarray, ...]]:
    """The artefact as a function of numpy arrays, in the order of `fields`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Gluon exports no types of inputs, and warns of it when it imports
        net = mx.gluon.SymbolBlock.imports(
            str(folder / "model-symbol.json"), _names(folder, fields), str(folder / "model-0000.params"), ctx=mx.cpu()
        )
    net.hybridize(static_alloc=True)

    def answer(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
        outputs = net(*(mx.nd.array(array, dtype=array.dtype) for array in arrays))
        return tuple(one.asnumpy() for one in (outputs if isinstance(outputs, (list, tuple)) else [outputs]))

    return answer


def _names(folder: Path, fields: Sequence[Field]) -> list[str]:
    """The graph's inputs: Gluon calls a single one data, several data0, data1 ... and drops those it does not use."""
    wanted = ["data"] if len(fields) == 1 else [f"data{index}" for index in range(len(fields))]
    inputs = mx.sym.load(str(folder / "model-symbol.json")).list_inputs()
    return [name for name in wanted if name in inputs]
