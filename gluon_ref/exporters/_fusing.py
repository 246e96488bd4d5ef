"""Layers with what follows them as single steps of oneDNN's, where MXNet 1.9.1 joins them rightly.

It looks for other readers of what lies in between neither among steps that have been joined before nor among the
results. These are given the end of the joined step then, or a step is left out altogether: a convolution whose output a
rectifier and a later sum read is seen by the sum as rectified, or by what follows the rectifier as it was.

And a sum that is part of a convolution is written over what is added. In 8 bits that goes wrong where one is signed and
the other is not, as in the blocks of a residual net that make it narrower: the sum is rectified, the shortcut is not.

Source: SgMKLDNNConvSelector and ConnectSubgraphOutputs in src/operator/subgraph/mkldnn/mkldnn_conv_property.h, and
IsOutputUInt8 in mkldnn_conv-inl.h.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .. import graphs
from ..graphs import Graph, Node

BACKEND = "MKLDNN_QUANTIZE"
IDLE = ("_copy", "Dropout")  # MXNet takes them out too, but then mistakes an input for a copy of itself
COPY = "BlockGrad"  # gives what it is given, and MXNet leaves it where it is
ADD, SUM = "elemwise_add", "broadcast_add"  # of two arrays of one shape the same, and MXNet leaves the second alone
DENSE = "_sg_mkldnn_fully_connected"
KEEPING = ("Pooling", "Flatten", COPY, *IDLE)  # results are signed as what they read is
Steps = Sequence[Mapping[str, Any]]  # nodes of a graph's JSON


def joined(symbol: Any) -> Any:
    """The graph with layers, normalizations and activations that oneDNN computes at once as steps of one operator.

    Args:
        symbol: a graph without such steps.
    """
    graph = graphs.parse("the network", symbol.tojson())
    graph = _rewritten(graph, idle=_idle(graph))
    apart: set[str] = set()
    while True:
        made = graphs.symbol(graph).get_backend_symbol(BACKEND)
        steps = json.loads(made.tojson())["nodes"]
        alone, sums = (_mixed(graph, steps) | _dense(graph, steps)) - apart, _unlike(graph, steps)
        if not alone and not sums:
            return made
        apart |= alone
        graph = _rewritten(graph, apart=alone, sums=sums)


def _idle(graph: Graph) -> set[int]:
    """Nodes that give what they are given, and of which nothing else is read."""
    return {at for at, node in enumerate(graph.nodes) if node.op in IDLE} - {at for at, output in graph.edges if output}


def _mixed(graph: Graph, steps: Steps) -> set[str]:
    """Nodes whose output is read by others than MXNet has thought of.

    Args:
        graph: before.
        steps: of the graph after.
    """
    home: dict[str, str] = {}  # of each node before -> the step it is part of
    for step in steps:
        home |= {node["name"]: step["name"] for part in step.get("subgraphs", ()) for node in part["nodes"]}
        home[step["name"]] = step["name"]
    ends = {*_ends(steps), *(step["name"] for step in steps)}  # whose outputs leave theirs
    found = {at for at, _ in graph.heads if graph.nodes[at].name not in ends}
    for node in graph.nodes:
        own = home.get(node.name)
        for at, times in Counter(at for at, _ in node.inputs).items():
            name = graph.nodes[at].name
            theirs = home.get(name)
            if own is None or (theirs == own and times > 1) or (theirs not in (None, own) and name not in ends):
                found.add(at)
    return {graph.nodes[at].name for at in found if graph.nodes[at].op != graphs.VARIABLE}


def _ends(steps: Steps) -> dict[str, Mapping[str, Any]]:
    """The last node of each joined step -> the step."""
    return {
        part["nodes"][at]["name"]: step
        for step in steps
        for part in step.get("subgraphs", ())
        for at, *_ in part["heads"]
    }


def _dense(graph: Graph, steps: Steps) -> set[str]:
    """Nodes of dense layers that MXNet fails on in 8 bits: it ends the process where several steps read one.

    And one that a leaky rectifier follows is taken for unsigned.

    Args:
        graph: before.
        steps: of the graph after.
    """
    readers = Counter(graph.nodes[at].name for at, _ in graph.edges)
    found = set()
    for end, step in _ends(steps).items():
        if step["op"] == DENSE:
            inner = {node["op"]: node["name"] for part in step["subgraphs"] for node in part["nodes"]}
            found |= {inner["FullyConnected"]} if "LeakyReLU" in inner else set()
            found |= {end} if readers[end] > 1 else set()
    return found


def _unlike(graph: Graph, steps: Steps) -> set[str]:
    """Sums within steps that are signed where what is added is not, or may not be, or the other way round.

    Args:
        graph: before.
        steps: of the graph after.
    """
    ends = _ends(steps)
    signed: list[bool | None] = []  # None where the samples decide
    for node in graph.nodes:
        if _rectifies(node):
            signed.append(False)
        elif node.op in KEEPING:
            signed.append(signed[node.inputs[0][0]])
        else:
            signed.append(True if node.name in ends else None)
    known = {node.name: at for at, node in enumerate(graph.nodes)}
    found = set()
    for step in steps:
        for part in step.get("subgraphs", ()):
            inner = {node["name"] for node in part["nodes"]}
            last = graph.nodes[known[part["nodes"][part["heads"][0][0]]["name"]]]
            for node in (graph.nodes[known[one["name"]]] for one in part["nodes"] if one["op"] == ADD):
                added = next((at for at, _ in node.inputs if graph.nodes[at].name not in inner), None)
                if added is not None and signed[added] is not (not _rectifies(last)):
                    found.add(node.name)
    return found


def _rectifies(node: Node) -> bool:
    options = dict(node.options)
    least = options.get("a_min") if node.op == "clip" else None
    return (node.op, options.get("act_type")) == ("Activation", "relu") or (least is not None and float(least) >= 0)


def _rewritten(
    graph: Graph, idle: Collection[int] = (), apart: Collection[str] = (), sums: Collection[str] = ()
) -> Graph:
    """The graph without some nodes, and with others that no step is joined across.

    Args:
        graph: as it is.
        idle: nodes to leave out, whose input is read instead.
        apart: names of nodes whose first output is copied, and the copy read by all.
        sums: names of sums to be made otherwise.
    """
    taken = {node.name for node in graph.nodes}
    nodes: list[Node] = []
    own: list[int] = []  # of each old node among the new ones
    first: list[tuple[int, int]] = []  # what is read now for the first output of each

    def edge(at: int, output: int) -> tuple[int, int]:
        return (own[at], output) if output else first[at]

    for at, node in enumerate(graph.nodes):
        inputs = tuple(edge(*one) for one in node.inputs)
        own.append(len(nodes))
        if at in idle:
            first.append(inputs[0])
            continue
        first.append((len(nodes), 0))
        op = SUM if node.name in sums and node.op == ADD else node.op  # others may be called so too
        nodes.append(replace(node, op=op, inputs=inputs))
        if node.name in apart:
            name = graphs.free(f"{node.name}_copy", taken)
            taken.add(name)
            nodes.append(Node(COPY, name, (first[at],)))
            first[at] = (len(nodes) - 1, 0)
    return replace(graph, nodes=tuple(nodes), heads=tuple(edge(*one) for one in graph.heads))
