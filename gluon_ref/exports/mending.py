"""Graphs that mean something and that MXNet 1.9.1 stumbles over, written so that it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .. import graphs
from ..errors import ConversionError, DataError, OptionError, nearest
from ..graphs import Graph, Node
from . import heads

MOST = 50_000
SHOWN = 4  # names in a message
DENSE, FLATTEN = "FullyConnected", "Flatten"
# Operators whose results oneDNN keeps in blocks of channels, and those that end this.
BLOCKED = ("Convolution", "Deconvolution", "Pooling")
PLAIN = (DENSE, FLATTEN, "Reshape", "transpose", "Embedding", "RNN", graphs.VARIABLE)


def completed(graph: Graph, outputs: Sequence[str] = ()) -> Graph:
    """A network with the inputs that files of older releases left out, and plugins' heads as built in.

    Args:
        graph: as a file has it.
        outputs: nodes to take as its results, by name; those of the file when empty. What they do not need is not read.
    Raises:
        DataError: as `graphs.symbol` does, and when it has more steps than MXNet walks in a minute.
        OptionError: when it has no node of such a name.
    """
    if outputs:
        graph = graph.ending([_node(graph, name) for name in outputs])
    if (count := len(graph.nodes)) > MOST:
        raise DataError(
            graph.where,
            f"{count:,} steps",
            f"at most {MOST:,}",
            "cut the network into parts, each with a file of its own",
        )
    return graphs.parse(graph.where, graphs.symbol(heads.built_in(graph)).tojson())


def _node(graph: Graph, name: str) -> tuple[int, int]:
    """A node and one of its outputs; MXNet calls them NAME_output, or NAME_output0, NAME_output1 ... of several."""
    known = {node.name: at for at, node in enumerate(graph.nodes)}
    base, _, number = name.rpartition("_output")
    if name in known:
        return known[name], 0
    if base in known and (not number or (number.isascii() and number.isdigit())):
        return known[base], int(number or 0)
    near = nearest(name, [node.name for node in graph.nodes if node.op != graphs.VARIABLE])
    raise OptionError(
        "--output",
        f"{graph.where} has no node called {name}",
        "the name of a step of it",
        f"did you mean {near}?" if near else "the file names them all",
    )


def refuse_chance(graph: Graph) -> None:
    """Refuse a network whose answers differ each time: nothing could be held against them.

    Raises:
        ConversionError: names the steps.
    """
    odd = [f"{node.op} ({node.name})" for node in graph.nodes if _by_chance(node)]
    if odd:
        raise ConversionError(
            graph.where,
            f"answers by chance, of {', '.join(odd[:SHOWN])}",
            "a network that answers alike each time",
            "make what is drawn an input: cut the network after it, and give it with --shape",
        )


def _by_chance(node: Node) -> bool:
    always = node.op == "Dropout" and dict(node.options).get("mode") == "always"
    return always or bool(graphs.CHANCE.search(node.op))


def mended(graph: Graph) -> Graph:
    """The same network.

    A dense layer right behind convolutions gets the Flatten that it would do itself: where the image has shrunk to one
    place, MXNet's own hands blocks of channels to a product that cannot read them, and ends the process. A step that
    is called like an argument gets a name of its own: shapes are found by names. A head whose label is made of others,
    reshaped mostly, gets one of its own, whose shape can be found.
    """
    taken = {node.name for node in graph.nodes}
    arguments, training = set(graph.arguments), heads.training(graph)
    nodes: list[Node] = []
    places: list[int] = []  # of each old node among the new ones
    for node in graph.nodes:
        inputs = tuple((places[at], output) for at, output in node.inputs)
        name = node.name
        if node.op != graphs.VARIABLE and name in arguments:
            name = _free(f"{name}_step", taken)
        if node.op == DENSE and node.flag("flatten", True) and _blocked(graph.nodes, node):
            nodes.append(Node(FLATTEN, _free(f"{name}_flat", taken), inputs[:1]))
            inputs = ((len(nodes) - 1, 0), *inputs[1:])
        if node.op in heads.HEADS and node.inputs[1][0] in training and nodes[inputs[1][0]].op != graphs.VARIABLE:
            nodes.append(Node(graphs.VARIABLE, _free(f"{name}_label", taken)))
            inputs = (inputs[0], (len(nodes) - 1, 0))
        nodes.append(replace(node, name=name, inputs=inputs))
        places.append(len(nodes) - 1)
    return replace(graph, nodes=tuple(nodes), heads=tuple((places[at], output) for at, output in graph.heads))


def _blocked(nodes: Sequence[Node], dense: Node) -> bool:
    """Whether what a dense layer reads was last given its form by a convolution or a pooling."""
    node = nodes[dense.inputs[0][0]]
    while node.op not in (*BLOCKED, *PLAIN) and node.inputs:
        node = nodes[node.inputs[0][0]]
    return node.op in BLOCKED


def _free(base: str, taken: set[str]) -> str:
    """A name that no node has; it is taken then."""
    name = graphs.free(base, taken, "")
    taken.add(name)
    return name
