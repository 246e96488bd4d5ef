"""Shapes and dtypes of every value of a network, as MXNet infers them, for converters that need to know its axes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import graphs
from ..backend import mx
from ..records import Source


@dataclass(frozen=True)
class Value:
    """One output of one node; axes that vary with the batch or an input's are -1."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def values(source: Source) -> list[list[Value]]:
    """The outputs of each node of a network, in the order of its file.

    Raises:
        MXNetError: when shapes or dtypes do not fit.
    """
    document = json.loads(source.symbol.tojson())
    for at, node in enumerate(document["nodes"]):
        if node["op"] != graphs.VARIABLE:
            node["name"] = f"{at}:"
    places = {node["name"]: at for at, node in enumerate(document["nodes"])}
    inside = mx.sym.load_json(json.dumps(document, ensure_ascii=False)).get_internals()
    used = set(inside.list_inputs())
    arrays = {name: array for name, array in source.arrays.items() if name in used}
    fields = [field for field in source.inputs if field.name in used]
    shapes = []
    for batch, steps in source.probes:  # an axis that comes out alike is the same for all
        given = {field.name: field.sized(batch, steps) for field in fields}
        shapes.append(inside.infer_shape(**given, **{name: array.shape for name, array in arrays.items()})[1])
    kinds = {field.name: np.dtype(field.dtype) for field in fields}
    dtypes = inside.infer_type(**kinds, **{name: array.dtype for name, array in arrays.items()})[1]
    found: list[list[Value]] = [[] for _ in places]
    for one, small, large, dtype in zip(inside, *shapes, dtypes):
        free = tuple(a if a == b else -1 for a, b in zip(small, large))
        found[places[one.name]].append(Value(free, np.dtype(dtype)))
    return found
