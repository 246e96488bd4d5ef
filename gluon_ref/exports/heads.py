"""Heads of old symbols, which compute a loss while training and wait for labels: what they answer in use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .. import graphs
from ..graphs import Graph, Node

# Operator -> what it answers: the same, the sigmoid, or the softmax.
SAME = ("LinearRegressionOutput", "MAERegressionOutput", "SVMOutput")
SOFTMAX = ("SoftmaxOutput", "Softmax")
LOGISTIC = "LogisticRegressionOutput"
# Of a plugin, which no wheel of MXNet's has: the softmax of each row. Source: plugin/warpctc/warpctc-inl.h.
PLUGIN = "WarpCTC"
HEADS = (*SAME, *SOFTMAX, LOGISTIC, PLUGIN)


def built_in(graph: Graph) -> Graph:
    """The graph with heads of plugins as what they answer, since MXNet cannot read them; their labels go unread."""
    nodes = [
        replace(node, op="softmax", inputs=node.inputs[:1], options=(("axis", "-1"),)) if node.op == PLUGIN else node
        for node in graph.nodes
    ]
    return replace(graph, nodes=tuple(nodes))


def labels(graph: Graph) -> tuple[str, ...]:
    """Arguments that only such heads read, as the labels they would learn from; in another shape perhaps."""
    return tuple(graph.nodes[at].name for at in sorted(training(graph)) if graph.nodes[at].op == graphs.VARIABLE)


def training(graph: Graph) -> set[int]:
    """Nodes that matter to labels only: the labels, and what is made of them alone."""
    readers: dict[int, list[tuple[int, bool]]] = {at: [] for at in range(len(graph.nodes))}
    for at, node in enumerate(graph.nodes):
        for place, (given, _) in enumerate(node.inputs):
            readers[given].append((at, node.op in HEADS and place == 1))
    results = {at for at, _ in graph.heads}
    found: set[int] = set()
    for at in reversed(range(len(graph.nodes))):
        if readers[at] and at not in results and all(label or reader in found for reader, label in readers[at]):
            found.add(at)
    return found


def without_labels(symbol: Any) -> Any:
    """A network with its heads replaced by what they answer, so that it needs no label.

    Args:
        symbol: as MXNet has it, all inputs given.
    """
    graph = graphs.parse("the network", symbol.tojson())
    gone = training(graph)
    nodes: list[Node] = []
    places: list[int] = []  # of each old node among the new ones
    for number, node in enumerate(graph.nodes):
        inputs = tuple((places[at], output) for at, output in node.inputs)
        if number in gone:
            places.append(-1)
            continue
        if node.op in HEADS:
            for step in _answer(node, inputs[0], len(nodes)):
                nodes.append(step)
        else:
            nodes.append(replace(node, inputs=inputs))
        places.append(len(nodes) - 1)
    heads = tuple((places[at], output) for at, output in graph.heads)
    return graphs.symbol(replace(graph, nodes=tuple(nodes), heads=heads))


def _answer(node: Node, given: tuple[int, int], start: int) -> list[Node]:
    """What a head answers, as nodes that begin at `start`."""
    if node.op in SAME:
        return [Node("_copy", node.name, (given,))]
    if node.op == LOGISTIC:
        return [Node("sigmoid", node.name, (given,))]
    if node.flag("multi_output"):
        return [Node("softmax", node.name, (given,), (("axis", "1"),))]
    if node.flag("preserve_shape"):
        return [Node("softmax", node.name, (given,), (("axis", "-1"),))]
    return [
        Node("Flatten", f"{node.name}_flat", (given,)),
        Node("softmax", f"{node.name}_shares", ((start, 0),), (("axis", "-1"),)),
        Node("reshape_like", node.name, ((start + 1, 0), given)),
    ]
