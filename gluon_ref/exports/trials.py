"""Made-up inputs for a network whose data nobody knows: which sizes it can take, and what to compare on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from .. import graphs, machine
from ..backend import mx, quiet
from ..errors import FitError, OptionError, reason
from ..records import Field
from .counting import counting
from .sources import outputs
from .subjects import Arrays, Case

BATCHES = (1, 2, 7)
# Of axes that vary: the first that the network can take are used.
SIZES = ((16, 33), (64, 97), (224, 257), (512, 545))
LARGE = 100.0
LOW = {"zeros": 0.0, "small": 0.01}
# Operators that divide the channels of a sample by their own deviation.
OWN = ("InstanceNorm", "GroupNorm")
ELEMENT, GB = 4, 1e9  # bytes
LARGEST = 2**31 - 1  # MXNet takes no longer axis

Probes = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Fit:
    """What a network can take.

    Args:
        fields: its inputs; an axis 0 that is not free has its size as `batch`.
        probes: two pairs of sizes, of the batch and of axes that vary.
        results: what it gives.
        cases: inputs that it was run with, and its answers.
    """

    fields: tuple[Field, ...]
    probes: Probes
    results: tuple[Field, ...]
    cases: list[Case]


def fit(
    symbol: Any,
    names: Sequence[str],
    known: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]],
    dtypes: Mapping[str, str],
    reference: Callable[[], Callable[..., Arrays]],
) -> Fit:
    """Find out what of the inputs is free: as much as the network can be run with.

    Axis 0 is free where the network allows it: of all inputs together; else of those with as many rows as the first;
    else of none.

    Args:
        symbol: the network.
        names: of its inputs.
        known: its arrays.
        shapes: of each input as given, -1 where an axis varies.
        dtypes: of inputs that are not float32.
        reference: makes the network as a function of arrays.
    Raises:
        OptionError: when the network can take no such inputs, or not within the memory of this machine.
    """
    fields = [Field(name, tuple(shapes[name][1:]), dtypes.get(name, "float32")) for name in names]
    rows = [shapes[name][0] for name in names]
    graph = graphs.parse("the network", symbol.tojson())
    counts, low = counting(graph), "small" if any(node.op in OWN for node in graph.nodes) else "zeros"
    why = "no input"
    for sizes in SIZES if any(-1 in field.shape for field in fields) else SIZES[:1]:
        for free in _freedoms(rows):
            inputs = tuple(replace(field, batch=0 if one else row) for field, one, row in zip(fields, free, rows))
            start = max(1, *rows)
            probes = ((start + 1, sizes[0]), (start + 2, sizes[1]))
            try:
                _weigh(symbol, inputs, known, _shapes(inputs, max(*BATCHES, start + 2), sizes[1]))
                results = outputs(symbol, inputs, known, probes=probes)
                with quiet():  # it prints what it failed on
                    made = cases(inputs, probes, rows[0], reference(), low, counts)
                return Fit(inputs, probes, results, made)
            except (mx.base.MXNetError, FitError) as error:
                why = reason(error)
    raise OptionError(
        "--shape",
        f"{_told({name: shapes[name] for name in names})} does not fit the network and its parameters ({why})",
        "shapes that it can take",
        _advice(fields, known),
    )


def _advice(fields: Sequence[Field], known: Mapping[str, Any]) -> str:
    kinds = {np.dtype(array.dtype).name for array in known.values()}
    if len(kinds) == 1 and kinds.isdisjoint(field.dtype for field in fields):
        return f"the parameters are {(kind := kinds.pop())}: pass --dtype {fields[0].name}={kind}, or other shapes"
    return "`gluonref inspect` names inputs and operators; pass other shapes, or the params that belong to it"


def _weigh(
    symbol: Any,
    fields: Sequence[Field],
    known: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]],
) -> None:
    """Refuse what takes more memory than this machine has: MXNet would end the process, or the system would.

    Args:
        symbol: the network.
        fields: its inputs.
        known: its arrays.
        shapes: of its inputs, in the largest batch that is tried.
    Raises:
        OptionError: when the inputs, or they and the network's largest value, take more.
    """
    needed = sum(prod(shapes[field.name]) * np.dtype(field.dtype).itemsize for field in fields)
    _afford("the inputs", needed, shapes)
    inside, used = symbol.get_internals(), set(symbol.list_inputs())
    every = {name: shape for name, shape in shapes.items() if name in used}
    every |= {name: array.shape for name, array in known.items() if name in used}
    with quiet():
        found = inside.infer_shape(**every)[1]
    name, largest = max(zip(inside.list_outputs(), map(prod, found)), key=lambda one: one[1])
    _afford(f"the inputs and {name}", needed + largest * ELEMENT, shapes)


def _afford(what: str, size_bytes: int, shapes: Mapping[str, tuple[int, ...]]) -> None:
    have = machine.memory()[0] or size_bytes
    if size_bytes > have or any(size > LARGEST for shape in shapes.values() for size in shape):
        raise OptionError(
            "--shape",
            f"{size_bytes / GB:,.1f} GB for {what} of {_told(shapes)}, the largest batch that is tried",
            f"at most {have / GB:,.1f} GB, the memory of this machine, and axes up to {LARGEST}",
            "pass smaller shapes; an axis that varies is -1",
        )


def _told(shapes: Mapping[str, tuple[int, ...]]) -> str:
    return " ".join(f"{name}={','.join(map(str, shape))}" for name, shape in shapes.items())


def _freedoms(rows: Sequence[int]) -> Iterator[tuple[bool, ...]]:
    """Which inputs' axis 0 may be free, the freest first; one given as -1 always is."""
    seen = set()
    for free in ([True] * len(rows), [row == rows[0] for row in rows], [False] * len(rows)):
        choice = tuple(one or row < 1 for one, row in zip(free, rows))
        if choice not in seen:
            seen.add(choice)
            yield choice


def cases(
    fields: Sequence[Field],
    probes: Probes,
    given: int,
    answer: Callable[..., Arrays],
    low: str = "zeros",
    counts: Collection[str] = (),
) -> list[Case]:
    """Random inputs in several batch sizes, and of several sizes where axes vary; zeros or small, and large numbers.

    Args:
        fields: the inputs.
        probes: as `fit` gives them.
        given: rows of the first input, as the person gave them.
        answer: the network.
        low: "small" for a network that divides by a sample's own deviation: of zeros that is nothing but rounding.
        counts: names of inputs that are whole numbers of rows or steps, whatever their type.
    """
    whole = [np.dtype(field.dtype).kind != "f" or field.name in counts for field in fields]
    random = np.random.RandomState(0)
    small, large = probes[0][1], probes[1][1]
    fixed = fields[0].batch
    batches = [fixed] if all(field.batch for field in fields) else sorted({*BATCHES, max(given, 1)})
    made = [(f"random, batch {size}", _made(fields, whole, size, small, random)) for size in batches]
    if any(-1 in field.shape for field in fields):
        made.append((f"random, size {large}", _made(fields, whole, batches[0], large, random)))
    plain = made[0][1]
    for name, scale in ((low, LOW[low]), ("large", LARGE)):
        made.append((name, tuple(one if fixed else one * one.dtype.type(scale) for one, fixed in zip(plain, whole))))
    return [Case(name, [arrays], [answer(*arrays)]) for name, arrays in made]


def _made(
    fields: Sequence[Field], whole: Sequence[bool], batch: int, steps: int, random: np.random.RandomState
) -> Arrays:
    found = []
    for field, counted, shape in zip(fields, whole, _shapes(fields, batch, steps).values()):
        made = random.randint(1, 4, shape) if counted else random.normal(0, 1, shape)
        found.append(np.asarray(made, dtype=field.dtype))
    return tuple(found)


def _shapes(fields: Sequence[Field], batch: int, steps: int) -> dict[str, tuple[int, ...]]:
    """Of each input, in a batch and with a size for what varies."""
    return {field.name: field.sized(batch, steps) for field in fields}
