"""MXNet's symbol files, checked before MXNet reads one: a network as a graph of operators, in JSON.

MXNet follows what such a file says without a look: an output that an operator has not, or a number that it takes for
the address of code, ends the process or worse. So every reader of such files comes through this door, and MXNet is
given a text written anew from what was checked.

Source: src/nnvm/legacy_json_util.cc and 3rdparty/tvm/nnvm/src/pass/saveload_json.cc of MXNet 1.9.1.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from .backend import mx, quiet
from .errors import DataError, PathError, reason

VARIABLE = "null"
# Operators that give other numbers each time.
CHANCE = re.compile("random|sample|shuffle")
# Operators that take an address in memory or call back into Python, and gradients, which are no network.
NEVER = ("_Native", "_NDArray", "Custom", "_CustomFunction", "_npi_Custom")
GRADIENT = "_backward"
# Options that say how many inputs or outputs an operator has: MXNet makes as many without asking.
COUNTS = ("num_outputs", "num_args", "num_arrays", "num_weights", "sections")
MOST = 4096
LARGEST_BYTES = 256 * 1024 * 1024
# Where older releases kept a node's options.
OPTIONS = ("attrs", "attr", "param")


@dataclass(frozen=True)
class Node:
    """One step of a network, or one of its arguments.

    Args:
        op: name of the operator; VARIABLE for an argument.
        name: of the node.
        inputs: (node, output) of each input; nodes are counted from 0 and stand before this one.
        options: of the operator, as text.
    """

    op: str
    name: str
    inputs: tuple[tuple[int, int], ...] = ()
    options: tuple[tuple[str, str], ...] = ()

    def flag(self, key: str, default: bool = False) -> bool:
        """An option that is yes or no; the default where it is not given."""
        text = dict(self.options).get(key)
        return default if text is None else text.lower() in ("true", "1")


@dataclass(frozen=True)
class Graph:
    """A network.

    Args:
        where: the file, for messages.
        nodes: each after those it reads.
        heads: (node, output) of each result.
        version: of the MXNet that wrote it, 10901 for 1.9.1; 0 where it does not say.
    """

    where: str
    nodes: tuple[Node, ...]
    heads: tuple[tuple[int, int], ...]
    version: int = 0

    @property
    def arguments(self) -> list[str]:
        """Names of inputs and parameters, in order."""
        return [node.name for node in self.nodes if node.op == VARIABLE]

    @property
    def edges(self) -> list[tuple[int, int]]:
        """(node, output) of all that is read: by results, and by each node."""
        return [*self.heads, *(one for node in self.nodes for one in node.inputs)]

    def text(self) -> str:
        """The graph as MXNet reads it."""
        return self._text([node.name for node in self.nodes], self.heads)

    def renamed(self, names: Mapping[str, str]) -> Graph:
        """The same with other names for some arguments."""
        nodes = [
            replace(node, name=names.get(node.name, node.name)) if node.op == VARIABLE else node for node in self.nodes
        ]
        return replace(self, nodes=tuple(nodes))

    def ending(self, heads: Sequence[tuple[int, int]]) -> Graph:
        """The part of it that other results need."""
        needed = {at for at, _ in heads}
        for at in reversed(range(len(self.nodes))):
            needed |= {given for given, _ in self.nodes[at].inputs} if at in needed else set()
        places = {old: new for new, old in enumerate(sorted(needed))}
        nodes = [
            replace(self.nodes[at], inputs=tuple((places[one], output) for one, output in self.nodes[at].inputs))
            for at in places
        ]
        return replace(self, nodes=tuple(nodes), heads=tuple((places[at], output) for at, output in heads))

    def outline(self) -> str:
        """The same with safe results, the first output of each node, and the nodes called by their numbers."""
        return self._text([str(at) for at in range(len(self.nodes))], [(at, 0) for at in range(len(self.nodes))])

    def _text(self, names: Sequence[str], heads: Sequence[tuple[int, int]]) -> str:
        document: dict[str, Any] = {
            "nodes": [
                {"op": node.op, "name": name, "attrs": dict(node.options), "inputs": [[*one, 0] for one in node.inputs]}
                for node, name in zip(self.nodes, names)
            ],
            "arg_nodes": [at for at, node in enumerate(self.nodes) if node.op == VARIABLE],
            "heads": [[*one, 0] for one in heads],
        }
        if self.version:
            document["attrs"] = {"mxnet_version": ["int", self.version]}
        return json.dumps(document, ensure_ascii=False)  # MXNet's reader knows no \u


def numbered(base: str, between: str = "_") -> Iterator[str]:
    """The name, then others made of it: conv, conv_2, conv_3 ..."""
    yield base
    for number in itertools.count(2):
        yield f"{base}{between}{number}"


def free(base: str, taken: Container[str], between: str = "_") -> str:
    """The first of these names that is not taken."""
    return next(one for one in numbered(base, between) if one not in taken)


def load(path: str | Path) -> Any:
    """The network of a file as a Symbol.

    Raises:
        PathError: when the file cannot be read.
        DataError: when it is no such file, or holds what only a file made to do harm would.
    """
    return symbol(read(path))


def symbol(graph: Graph) -> Any:
    """A graph as a Symbol.

    Raises:
        DataError: as `load` does.
    """
    for node in graph.nodes:
        if node.op in NEVER or node.op.startswith(GRADIENT):
            raise _broken(graph.where, f"{node.name} is a {node.op}, which no network that was written to a file has")
        for key, value in node.options:
            if key in COUNTS and not (value.isascii() and value.isdigit() and int(value) <= MOST):
                raise _broken(graph.where, f"{node.name} has {key}={value[:20]}")
    try:
        with quiet():  # it tells of each older file that it reads it
            outline = mx.sym.load_json(graph.outline())
        outputs = Counter(one.name for one in outline.get_internals())
        for at, output in graph.edges:
            if output >= outputs[str(at)]:
                given = f"output {output} of {graph.nodes[at].name}, which has {outputs[str(at)]}"
                raise _broken(graph.where, given)
        # As MXNet has made it: graphs of older releases get the inputs that they left out.
        for node in parse(graph.where, outline.tojson()).nodes:
            if node.op != VARIABLE and (wanted := _inputs(node.op, node.options, len(node.inputs))) > len(node.inputs):
                name = graph.nodes[int(node.name)].name
                raise _broken(graph.where, f"{len(node.inputs)} inputs of {name}, which has {wanted}")
        with quiet():
            return mx.sym.load_json(graph.text())
    except (mx.base.MXNetError, ValueError) as error:
        raise _broken(graph.where, reason(error)) from None


def roles(node: Node) -> tuple[str, ...]:
    """What an operator's own inputs are called, in order: data, weight, bias ..."""
    made: list[str] = _step(node.op, node.options, 0).list_inputs()
    return tuple(name.removeprefix("step_") for name in made)


@lru_cache(maxsize=1024)
def _inputs(op: str, options: tuple[tuple[str, str], ...], given: int) -> int:
    """How many inputs an operator has: MXNet makes arguments of those that it is not given.

    Raises:
        MXNetError: when it is given more.
    """
    return len(_step(op, options, given).list_inputs())


def _step(op: str, options: tuple[tuple[str, str], ...], given: int) -> Any:
    base, handle = mx.base, mx.base.OpHandle()
    base.check_call(base._LIB.NNGetOpHandle(base.c_str(op), ctypes.byref(handle)))
    variables = [mx.sym.var(str(at)) for at in range(given)]
    keys, values = [key for key, _ in options], [value for _, value in options]
    return mx._ctypes.symbol._symbol_creator(handle.value, variables, None, keys, values, "step", False)


def read(path: str | Path) -> Graph:
    """What a file says, without MXNet.

    Raises:
        PathError, DataError: as `load` does.
    """
    where = str(path)
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST_BYTES + 1)
        if len(content) > LARGEST_BYTES:
            raise ValueError(f"more than {LARGEST_BYTES:,} bytes")
        return parse(where, content.decode())
    except OSError as error:
        raise PathError(
            where, f"cannot be read ({error.strerror})", "NET-symbol.json as MXNet writes it", "check the path"
        ) from None
    except ValueError as error:
        raise _broken(where, f"{type(error).__name__}: {error}") from None


def parse(where: str, text: str) -> Graph:
    """What the text of such a file says.

    Args:
        where: the text came from, for messages.
        text: JSON.
    Raises:
        DataError: as `load` does.
    """
    try:
        document = json.loads(text)
        nodes = tuple(_node(one, at) for at, one in enumerate(document["nodes"]))
        heads = tuple(_edge(one, len(nodes)) for one in document["heads"])
        version = document.get("attrs", {}).get("mxnet_version", ["int", 0])[1]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise _broken(where, f"{type(error).__name__}: {error}") from None
    if not nodes or not heads or type(version) is not int or not 0 <= version < 2**31:
        raise _broken(where, f"{len(nodes)} nodes, {len(heads)} results, written by MXNet {version!r}")
    graph = Graph(where, nodes, heads, version)
    twice = [name for name, count in Counter(graph.arguments).items() if count > 1]
    if twice:
        raise _broken(where, f"two arguments called {twice[0]}")
    return graph


def _node(entry: Any, at: int) -> Node:
    options: dict[str, str] = {}
    for key in reversed(OPTIONS):  # files of 0.8 have two of them
        options |= entry.get(key, {})
    texts = (entry["op"], entry["name"], *options, *options.values())
    if not all(isinstance(one, str) and one.isprintable() for one in texts):
        raise ValueError(f"node {at} has a name or an option that is no text")
    if entry.get("subgraphs"):
        raise ValueError(f"{entry['name']} holds a graph of its own, as 8-bit graphs do: give the one it was made of")
    inputs = tuple(_edge(one, at) for one in entry["inputs"])
    if entry["op"] == VARIABLE and inputs:
        raise ValueError(f"{entry['name']} is an argument and has inputs")
    return Node(entry["op"], entry["name"], inputs, tuple(options.items()))


def _edge(entry: Any, limit: int) -> tuple[int, int]:
    """Node and output of an edge; of nodes below `limit` only."""
    node, output = entry[0], entry[1]
    if type(node) is not int or type(output) is not int or not (0 <= node < limit and 0 <= output < MOST):
        raise ValueError(f"an edge from output {output!r} of node {node!r}, where {limit} stand before")
    return node, output


def _broken(where: str, given: str) -> DataError:
    return DataError(
        where, f"not a symbol file ({given})", "NET-symbol.json as MXNet writes it", "check the path, or export again"
    )
