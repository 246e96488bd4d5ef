"""Inputs that count: numbers of rows, lengths. MXNet writes past its memory where they are made up at random."""

from __future__ import annotations

from .. import graphs
from ..graphs import Graph, Node

# Operator -> place of the input that it takes for whole numbers.
ROWS = {"Embedding": 0, "take": 1, "one_hot": 0, "pick": 1, "gather_nd": 1, "batch_take": 1, "_contrib_index_copy": 1}
LENGTHS = {"SequenceMask": 1, "SequenceLast": 1, "SequenceReverse": 1, "softmax": 1, "log_softmax": 1}
# Operators that give the numbers which they are given, in another place or type.
PASSING = (
    *("Cast", "Reshape", "Flatten", "expand_dims", "squeeze", "transpose", "SwapAxis", "_copy", "BlockGrad"),
    *("slice", "slice_axis", "slice_like", "SliceChannel", "_split_v2", "stack", "Concat", "repeat", "tile"),
    *("broadcast_axis", "broadcast_to", "broadcast_like", "reshape_like", "amp_cast", "clip", "floor", "round"),
)


def counting(graph: Graph) -> set[str]:
    """Names of the arguments that some step takes for rows of a table, places or lengths."""
    seen: set[int] = set()
    waiting = [at for node in graph.nodes for at in _counted(node)]
    while waiting:
        at = waiting.pop()
        if at not in seen:
            seen.add(at)
            node = graph.nodes[at]
            waiting += [one for one, _ in node.inputs] if node.op in PASSING else []
    return {graph.nodes[at].name for at in seen if graph.nodes[at].op == graphs.VARIABLE}


def _counted(node: Node) -> list[int]:
    """The nodes that a step takes for whole numbers."""
    if node.op == "RNN":  # its lengths stand last
        return [node.inputs[-1][0]] if node.flag("use_sequence_length") else []
    place = ROWS.get(node.op, LENGTHS.get(node.op, len(node.inputs)))
    return [node.inputs[place][0]] if place < len(node.inputs) else []
