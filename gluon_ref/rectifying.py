"""Graphs that rectify after a pooling by maximum rather than before it: the same numbers for a part of the work.

The largest of rectified numbers is the largest of the numbers, rectified, and no gradient passes where that is 0 either
way; but poolings leave a quarter of the numbers, or fewer. `docs/speed.md` has what it saves.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from .backend import mx

WHAT = ("op", "name", "attrs")  # of a node, what it does


def after_pooling(symbol: Any) -> Any:
    """A graph in which rectifiers and the poolings that alone read them have changed places.

    Args:
        symbol: any; given back as it is where there is nothing to change.
    """
    document = json.loads(symbol.tojson(remove_amp_cast=False))
    nodes = document["nodes"]
    edges = [edge for node in nodes for edge in node["inputs"]] + document["heads"]
    readers = Counter(at for at, *_ in edges)
    changed = False
    for node in nodes:
        if _pools(node):
            at = node["inputs"][0][0]
            before = nodes[at]
            if _rectifies(before) and readers[at] == 1:
                _exchange(node, before)
                changed = True
    return mx.sym.load_json(json.dumps(document)) if changed else symbol


def _exchange(node: dict[str, Any], other: dict[str, Any]) -> None:
    """Let two nodes do what the other did."""
    one, two = ({key: each.pop(key) for key in WHAT if key in each} for each in (node, other))
    node.update(two)
    other.update(one)


def _pools(node: Mapping[str, Any]) -> bool:
    """By maximum, in windows of which none lies outside of the image."""
    options = node.get("attrs") or {}
    kind, convention = options.get("pool_type", "max"), options.get("pooling_convention", "valid")
    return bool(node["op"] == "Pooling" and kind == "max" and convention == "valid")


def _rectifies(node: Mapping[str, Any]) -> bool:
    options = node.get("attrs") or {}
    return node["op"] == "relu" or (node["op"], options.get("act_type")) == ("Activation", "relu")
