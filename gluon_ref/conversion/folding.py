"""What is known of a network's values whatever it is given: those that are constant, zeros, or never infinite."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import graphs
from ..backend import mx

VERSION = 10901  # MXNet mends graphs of older releases, and tells of it
ZEROS = ("_zeros", "zeros_like")
# Operators that give zeros for zeros: they only move, repeat or leave out elements.
MOVES = (
    *("Reshape", "Flatten", "transpose", "SwapAxis", "expand_dims", "squeeze", "slice_axis", "slice", "slice_like"),
    *("broadcast_axis", "broadcast_to", "broadcast_like", "tile", "repeat", "Cast", "BlockGrad", "_copy", "identity"),
)
# Operators that give no other numbers than those of their inputs, or of their first input; but for what masks put in.
GATHERS, KEEPS = ("Concat", "stack"), (*MOVES, "Dropout", "SequenceReverse", "SequenceMask")


def constant(nodes: Sequence[Mapping[str, Any]], weights: Mapping[str, np.ndarray], edge: Sequence[int]) -> Any:
    """A value that is computed from weights alone, as MXNet computes it; None where an input or chance comes in.

    Args:
        nodes: of the graph, as its file has them.
        weights: by name.
        edge: node and output of the value.
    """
    if nodes[edge[0]]["op"] == graphs.VARIABLE:
        return weights.get(nodes[edge[0]]["name"])
    steps = tuple(
        graphs.Node(one["op"], one["name"], tuple((at, k) for at, k, *_ in one["inputs"]), tuple(one["attrs"].items()))
        for one in nodes
    )
    part = graphs.Graph("parameters", steps, (), VERSION).ending([(edge[0], edge[1])])
    if any(
        one.name not in weights if one.op == graphs.VARIABLE else graphs.CHANCE.search(one.op) for one in part.nodes
    ):
        return None
    symbol = graphs.symbol(part)
    arguments, others = (
        {name: mx.nd.array(weights[name], dtype=weights[name].dtype) for name in names}
        for names in (symbol.list_arguments(), symbol.list_auxiliary_states())
    )
    return symbol.bind(mx.cpu(), arguments, grad_req="null", aux_states=others).forward()[0].asnumpy()


def zeros(nodes: Sequence[Mapping[str, Any]], edge: Sequence[int]) -> bool:
    """Whether a value is zeros whatever the inputs are, as a recurrent net's initial states mostly are.

    Args:
        nodes: of the graph, as its file has them.
        edge: node and output of the value.
    """
    at = edge[0]
    while nodes[at]["op"] in MOVES:
        at = nodes[at]["inputs"][0][0]
    return nodes[at]["op"] in ZEROS


def states(nodes: Sequence[Mapping[str, Any]], edge: Sequence[int]) -> bool:
    """Whether a value is the states of recurrent nets, at most moved and masked: minus infinity is not among them.

    Args:
        nodes: of the graph, as its file has them.
        edge: node and output of the value.
    """
    seen: set[int] = set()
    left = [edge[0]]
    while left:
        at = left.pop()
        node = nodes[at]
        if at in seen or node["op"] == "RNN":
            continue
        seen.add(at)
        endless = node["op"] == "SequenceMask" and not math.isfinite(float(node["attrs"].get("value", 0)))
        count = len(node["inputs"]) if node["op"] in GATHERS else int(node["op"] in KEEPS)
        if endless or not count:
            return False
        left.extend(one[0] for one in node["inputs"][:count])
    return True
