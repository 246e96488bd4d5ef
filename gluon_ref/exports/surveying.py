"""What anyone's symbol file is made of, and which formats can carry it; nothing in it is run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

from .. import arrays, catalog, graphs
from ..arrays import DTYPES, Stored
from ..backend import mx
from ..errors import DataError
from ..graphs import Graph, Node
from . import heads, naming

# What operators call inputs that are learned.
LEARNED = ("weight", "bias", "gamma", "beta", "moving_mean", "moving_var", "mean", "var", "parameters", "alpha")
ENDINGS = tuple(f"_{name}" for name in ("weight", "bias", "gamma", "beta", "running_mean", "running_var", "parameters"))
SIZES = dict(DTYPES.values())


def survey(path: Path) -> dict[str, Any]:
    """What a symbol file says.

    Args:
        path: NET-symbol.json; of a NET-NNNN.params beside it names, shapes and sizes are read, the newest one's.
    Returns:
        "kind", "version", "inputs", "labels", "outputs", "operators" with counts, "arguments", "formats" with what
        stops each, "warnings", and where params are known their "params", "parameters", "size_bytes" and "arrays".
    Raises:
        PathError, DataError: when it is no such file, or the params beside it are not whole.
    """
    graph = graphs.read(path)
    steps = [node for node in graph.nodes if node.op != graphs.VARIABLE]
    params = beside(path)
    stored = arrays.bare(params, arrays.check(params)) if params else {}
    waiting = heads.labels(graph)
    found: dict[str, Any] = {
        "kind": "symbol",
        "version": _version(graph.version),
        "inputs": [name for name in _inputs(graph, stored) if name not in waiting],
        "labels": list(waiting),
        "outputs": [graph.nodes[at].name for at, _ in graph.heads],
        "operators": dict(Counter(node.op for node in steps).most_common()),
        "arguments": graph.arguments,
        "formats": formats([node for node in heads.built_in(graph).nodes if node.op != graphs.VARIABLE]),
    }
    if params:
        read = {name: stored[name] for name in graph.arguments if name in stored}
        found |= {
            "params": params.name,
            "parameters": sum(prod(one.shape) for one in read.values()),
            "size_bytes": sum(prod(one.shape) * SIZES[one.dtype] for one in read.values()),
            "arrays": {name: list(one.shape) for name, one in read.items()},
        }
    return {**found, "warnings": _warnings(steps)}


def beside(path: Path) -> Path | None:
    """The newest params file of a symbol file's name: what MXNet writes beside it."""
    return max((one for one in path.parent.iterdir() if _belongs(one.name, naming.stem(path))), default=None)


def _belongs(name: str, stem: str) -> bool:
    number = name.removeprefix(f"{stem}-").removesuffix(".params")
    return name == f"{stem}-{number}.params" and number.isascii() and number.isdigit()


def formats(steps: list[Node]) -> dict[str, str]:
    """Each format: "can carry it", or the operators that it has no place for, with the first node of each."""
    return {name: _told(_stops(name, steps), steps) for name in catalog.names("exporters")}


def _stops(exporter: str, steps: list[Node]) -> set[str]:
    operators = {node.op for node in steps}
    never = {op for op in operators if _never(op)} | (operators - _known())
    lacks = getattr(catalog.find("exporters", exporter), "lacks", None)
    return never | (set(lacks(operators - never)) if lacks else set())


def _told(stops: set[str], steps: list[Node]) -> str:
    if not stops:
        return "can carry it"
    first = {node.op: node.name for node in reversed(steps)}
    return "stopped by " + ", ".join(f"{op} ({first[op]})" for op in sorted(stops))


def _never(op: str) -> bool:
    return op in graphs.NEVER or op.startswith(graphs.GRADIENT)


def _known() -> set[str]:
    """Names of all operators of MXNet's."""
    return set(mx.operator.get_all_registered_operators())


def _inputs(graph: Graph, stored: Mapping[str, Stored]) -> list[str]:
    """Arguments that a person must give: those without an array, or where no array is known those not learned."""
    if stored:
        return [name for name in graph.arguments if name not in stored]
    learned, known = set(), _known()
    roles: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[str, ...]] = {}  # a network repeats its steps
    for node in graph.nodes:
        kind = (node.op, node.options)
        if kind not in roles:
            roles[kind] = () if node.op == graphs.VARIABLE or node.op not in known else _roles(node)
        learned |= {graph.nodes[at].name for role, (at, _) in zip(roles[kind], node.inputs) if role in LEARNED}
    return [name for name in graph.arguments if name not in learned and not name.endswith(ENDINGS)]


def _roles(node: Node) -> tuple[str, ...]:
    """What an operator calls its inputs; nothing where it is refused, or its options are."""
    if _never(node.op):
        return ()
    try:
        return graphs.roles(node)
    except (mx.base.MXNetError, DataError):
        return ()


def _version(number: int) -> str:
    """10901 -> 1.9.1"""
    return f"{number // 10000}.{number // 100 % 100}.{number % 100}" if number else "not told (before 0.9)"


def _warnings(steps: list[Node]) -> list[str]:
    found, known = [], _known()
    for node in steps:
        if _never(node.op):
            found.append(
                f"{node.name} is a {node.op}, which calls code that is not in the file: here it is refused, "
                "and whoever runs it elsewhere runs that code"
            )
        elif node.op not in known:
            instead = "; exports have the softmax, which it answers" if node.op == heads.PLUGIN else ""
            found.append(f"{node.name} is a {node.op}, which MXNet 1.9.1 does not have{instead}")
    return list(dict.fromkeys(found))
