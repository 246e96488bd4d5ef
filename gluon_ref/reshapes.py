"""Reshapes keep the number of elements: MXNet 1.9.1 has its own check of that switched off, and reads past the end.

Source: src/operator/tensor/matrix_op-inl.h of MXNet 1.9.1, InferReshapeShape.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from . import graphs
from .backend import mx
from .errors import FitError

RESHAPES = ("Reshape", "reshape")


class Guard:
    """Looks once at each new set of shapes that a network is given.

    Args:
        symbol: the network.
        known: shapes of its arrays.
    """

    def __init__(self, symbol: Any, known: Mapping[str, tuple[int, ...]]) -> None:
        self._symbol, self._known = symbol, known
        self._any = any(node.op in RESHAPES for node in graphs.parse("the network", symbol.tojson()).nodes)
        self._seen: set[tuple[tuple[int, ...], ...]] = set()

    def look(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Check the shapes of its inputs.

        Raises:
            FitError: as `check` does.
        """
        key = tuple(shapes.values())
        if self._any and key not in self._seen:
            check(self._symbol, {**self._known, **shapes})
            self._seen.add(key)


def check(symbol: Any, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse shapes with which some reshape would need more or fewer elements than it gets.

    Args:
        symbol: the network.
        shapes: of its arguments, by name.
    Raises:
        FitError: for the first such reshape.
        MXNetError: when shapes cannot be inferred.
    """
    graph = graphs.parse("the network", symbol.tojson())
    given = {str(at): shapes[node.name] for at, node in enumerate(graph.nodes) if node.name in shapes}
    found = mx.sym.load_json(graph.outline()).infer_shape(**given)[1]  # of each node
    for node, shape in zip(graph.nodes, found):
        if node.op not in RESHAPES or node.inputs[0][1]:
            continue
        before = found[node.inputs[0][0]]
        if prod(before) != prod(shape):
            raise FitError(
                f"reshape {node.name}",
                f"{'x'.join(map(str, before))} to {'x'.join(map(str, shape))}",
                "as many elements after it as before",
                "pass shapes that the network was made for",
            )
