"""Made-up inputs for a network whose data nobody knows: which sizes it can take, and what to compare on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..backend import mx
from ..errors import FitError, OptionError, reason
from ..records import Field
from .sources import outputs
from .subjects import Arrays, Case

BATCHES = (1, 2, 7)
# Of axes that vary: the first that the network can take are used.
SIZES = ((16, 33), (64, 97), (224, 257), (512, 545))
LARGE = 100.0

Probes = tuple[tuple[int, int], tuple[int, int]]


def fit(
    symbol: Any,
    names: Sequence[str],
    known: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]],
    dtypes: Mapping[str, str],
) -> tuple[tuple[Field, ...], Probes, tuple[Field, ...]]:
    """The inputs of a network with what is free in them, two pairs of sizes that it can take, and its results.

    Axis 0 is free where the network allows it: of all inputs together; else of those with as many rows as the first;
    else of none.

    Args:
        symbol: the network.
        names: of its inputs.
        known: its arrays.
        shapes: of each input as given, -1 where an axis varies.
        dtypes: of inputs that are not float32.
    Raises:
        OptionError: when the network can take no such inputs.
    """
    fields = [Field(name, tuple(shapes[name][1:]), dtypes.get(name, "float32")) for name in names]
    rows = [shapes[name][0] for name in names]
    why = "no input"
    for sizes in SIZES if any(-1 in field.shape for field in fields) else SIZES[:1]:
        for free in _freedoms(rows):
            inputs = tuple(replace(field, batch=0 if one else row) for field, one, row in zip(fields, free, rows))
            start = max(1, *rows)
            probes = ((start + 1, sizes[0]), (start + 2, sizes[1]))
            try:
                return inputs, probes, outputs(symbol, inputs, known, probes=probes)
            except (mx.base.MXNetError, FitError) as error:
                why = reason(error)
    told = " ".join(f"{name}={','.join(map(str, shapes[name]))}" for name in names)
    raise OptionError(
        "--shape",
        f"{told} does not fit the network and its parameters ({why})",
        "shapes that it can take",
        "`gluonref inspect` names inputs and operators; pass other shapes, or the params that belong to it",
    )


def _freedoms(rows: Sequence[int]) -> Iterator[tuple[bool, ...]]:
    """Which inputs' axis 0 may be free, the freest first; one given as -1 always is."""
    seen = set()
    for free in ([True] * len(rows), [row == rows[0] for row in rows], [False] * len(rows)):
        choice = tuple(one or row < 1 for one, row in zip(free, rows))
        if choice not in seen:
            seen.add(choice)
            yield choice


def cases(fields: Sequence[Field], probes: Probes, given: int, answer: Callable[..., Arrays]) -> list[Case]:
    """Random inputs in several batch sizes, and of several sizes where axes vary; zeros, and large numbers.

    Args:
        fields: the inputs.
        probes: as `fit` gives them.
        given: rows of the first input, as the person gave them.
        answer: the network.
    """
    random = np.random.RandomState(0)
    small, large = probes[0][1], probes[1][1]
    fixed = fields[0].batch
    batches = [fixed] if all(field.batch for field in fields) else sorted({*BATCHES, max(given, 1)})
    made = [(f"random, batch {size}", _made(fields, size, small, random)) for size in batches]
    if any(-1 in field.shape for field in fields):
        made.append((f"random, size {large}", _made(fields, batches[0], large, random)))
    plain = made[0][1]
    for name, scale in (("zeros", 0.0), ("large", LARGE)):
        made.append((name, tuple(one * one.dtype.type(scale) if one.dtype.kind == "f" else one for one in plain)))
    return [Case(name, [arrays], [answer(*arrays)]) for name, arrays in made]


def _made(fields: Sequence[Field], batch: int, steps: int, random: np.random.RandomState) -> Arrays:
    found = []
    for field in fields:
        shape = (field.batch or batch, *(steps if size == -1 else size for size in field.shape))
        whole = np.dtype(field.dtype).kind != "f"
        made = random.randint(1, 4, shape) if whole else random.normal(0, 1, shape)
        found.append(np.asarray(made, dtype=field.dtype))
    return tuple(found)
