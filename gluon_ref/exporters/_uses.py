"""What the arrays of a network are for: which operators read each one, in which role, and how it is laid out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

from .. import graphs
from ..conversion.defaults import complete
from ..graphs import Graph, Node

# Operators that hand numbers on as they are, perhaps in another shape, or one after another.
PASSING = ("Reshape", "Flatten", "expand_dims", "squeeze", "_copy", "BlockGrad", "Cast", "amp_cast")
JOINING = ("Concat", "_rnn_param_concat")
# Beginnings of options that say how to compute, not what.
ASIDE = ("__", "cudnn_", "workspace")
KERNEL = "kernel"
NORM = dict.fromkeys(("gamma", "beta", "moving_mean", "moving_var"), ("channel",))
AXES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "FullyConnected": {"weight": ("out", "in"), "bias": ("out",)},
    "Convolution": {"weight": ("out", "in / groups", KERNEL), "bias": ("out",)},
    "Deconvolution": {"weight": ("in", "out / groups", KERNEL), "bias": ("out",)},
    "Embedding": {"weight": ("vocab", "width")},
    "BatchNorm": NORM,
    "_contrib_SyncBatchNorm": NORM,
    "InstanceNorm": NORM,
    "GroupNorm": NORM,
    "LayerNorm": NORM,
    "LeakyReLU": {"gamma": ("channel",)},
}
SIDES = ("depth", "height", "width")
# Whose rows follow each other in each of a recurrent layer's arrays.
GATES = {"lstm": ["input", "forget", "candidate", "output"], "gru": ["reset", "update", "candidate"]}
ROWS = "gates * units"
RECURRENT = {
    "i2h_weight": (ROWS, "in"),
    "h2h_weight": (ROWS, "units"),
    "h2r_weight": ("projection", "units"),
    "i2h_bias": (ROWS,),
    "h2h_bias": (ROWS,),
}
Steps = tuple[tuple[Node, int], ...]


def uses(graph: Graph, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, list[dict[str, Any]]]:
    """What reads each array: operator, node, role and options; axes where they are known.

    Args:
        graph: of the network.
        shapes: argument -> shape of its array.
    """
    readers: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for at, node in enumerate(graph.nodes):
        for place, (source, _) in enumerate(node.inputs):
            readers[source].append((at, place))
    return {
        node.name: [_use(*end, shapes[node.name]) for end in _ends(graph, readers, at)]
        for at, node in enumerate(graph.nodes)
        if node.op == graphs.VARIABLE and node.name in shapes
    }


def _ends(graph: Graph, readers: Mapping[int, list[tuple[int, int]]], start: int) -> Iterator[tuple[Node, int, Steps]]:
    """Where an argument's numbers are computed with: node, place among its inputs, and what handed them on to it."""
    waiting: list[tuple[int, Steps]] = [(start, ())]
    seen = set()
    while waiting:
        source, through = waiting.pop(0)
        for edge in readers[source]:
            if edge in seen:
                continue
            seen.add(edge)
            node, place = graph.nodes[edge[0]], edge[1]
            if node.op in PASSING or node.op in JOINING:
                waiting.append((edge[0], (*through, (node, place))))
            else:
                yield node, place, through


def _use(node: Node, place: int, through: Steps, shape: tuple[int, ...]) -> dict[str, Any]:
    roles, options = graphs.roles(node), complete(node.op, dict(node.options))
    role = roles[place] if place < len(roles) else str(place)
    found: dict[str, Any] = {"operator": node.op, "node": node.name, "role": role}
    found["options"] = {key: value for key, value in options.items() if not key.startswith(ASIDE)}
    if through:
        found["through"] = [one.name for one, _ in through]
    joined = [(at, len(one.inputs)) for one, at in through if one.op in JOINING]
    if (node.op, role) == ("RNN", "parameters"):
        found.update(_recurrent(options, prod(shape), joined))
    elif not joined:
        found.update(_axes(node.op, role, options, len(shape)))
    return found


def _axes(op: str, role: str, options: Mapping[str, str], count: int) -> dict[str, Any]:
    named = AXES.get(op, {}).get(role)
    if not named:
        return {}
    axes = [one for name in named for one in (SIDES[2 - count :] if name == KERNEL else [name])]
    if options.get("layout", "None").endswith("C") and KERNEL in named:  # NHWC: the second axis comes last
        axes.append(axes.pop(1))
    return {"axes": axes}


def _recurrent(options: Mapping[str, str], size: int, joined: list[tuple[int, int]]) -> dict[str, Any]:
    """One of the arrays that an RNN operator's flat one is joined from, or the places of all in it."""
    names = parts(options)
    gates = {"gates": GATES[options["mode"]]} if options["mode"] in GATES else {}
    if not joined:
        return {"parts": _places(options, names, size), **gates}
    if len(joined) > 1 or joined[0][1] != len(names):
        return gates
    part = names[joined[0][0]]
    return {"part": part, "axes": list(RECURRENT[part.partition("_")[2]]), **gates}


def parts(options: Mapping[str, str]) -> list[str]:
    """Names of what an RNN operator's flat array is joined from, in order; l0 is the first layer, r0 its reverse.

    Source: gluon/rnn/rnn_layer.py of MXNet 1.9.1.
    """
    sides = [f"{side}{layer}" for layer in range(int(options["num_layers"])) for side in _directions(options)]
    projected = options.get("projection_size", "None") != "None"
    kinds = [kind for kind in RECURRENT if projected or kind != "h2r_weight"]
    return [f"{side}_{kind}" for ending in ("weight", "bias") for side in sides for kind in kinds if ending in kind]


def _directions(options: Mapping[str, str]) -> str:
    return "lr" if options.get("bidirectional", "False") in ("True", "1") else "l"


def _places(options: Mapping[str, str], names: list[str], size: int) -> list[dict[str, Any]]:
    """Where each part begins in a flat array of that size, and its shape; the input's width is what the size leaves."""
    units, both = int(options["state_size"]), len(_directions(options))
    state = int(options["projection_size"]) if any("h2r" in name for name in names) else units
    rows = len(GATES.get(options["mode"], [""])) * units

    def shape(name: str, width: int) -> tuple[int, ...]:
        side, _, kind = name.partition("_")
        widths = {"i2h_weight": width if side[1:] == "0" else both * state, "h2h_weight": state}
        if kind == "h2r_weight":
            return state, units
        return (rows, widths[kind]) if kind in widths else (rows,)

    width = (size - sum(prod(shape(name, 0)) for name in names)) // (both * rows)
    places, begin = [], 0
    for name in names:
        places.append({"part": name, "begin": begin, "shape": list(shape(name, width))})
        begin += prod(shape(name, width))
    return places
