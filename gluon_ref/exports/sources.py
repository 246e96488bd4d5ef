"""What is exported: a network of this package's, or anyone's symbol and params files, as one record."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import arrays, graphs, reshapes
from ..backend import mx, quiet
from ..errors import ConversionError, DataError
from ..layers import zeros
from ..records import Field, Source

SCORES, OUTPUT = "scores", "output"


def from_net(
    net: Any,
    fields: Sequence[Field],
    classes: bool = False,
    about: Mapping[str, str] | None = None,
    calibration: Sequence[tuple[np.ndarray, ...]] = (),
) -> Source:
    """A network of this package's; it is hybridized and run once.

    Args:
        net: an initialized HybridBlock of one output.
        fields: its declared inputs, in order; the graph's inputs are named after them.
        classes: whether it gives logits of classes.
        about: what to tell of it inside an artefact.
        calibration: inputs to find ranges by.
    Raises:
        ConversionError: when it holds loops or branches.
    """
    net.hybridize()
    net(*(mx.nd.array(array, dtype=array.dtype) for array in zeros(fields)))
    with tempfile.TemporaryDirectory(prefix="gluonref-") as folder:
        net.export(f"{folder}/model", epoch=0)
        try:
            graph = graphs.read(f"{folder}/model-symbol.json")
        except DataError as error:
            raise ConversionError(
                f"export of {net.prefix.rstrip('_')}",
                error.given,
                "a network without loops and branches of its own",
                "build it of operators that hold no graphs, such as F.RNN in place of F.contrib.foreach",
            ) from None
        known = arrays.bare(folder, arrays.load(f"{folder}/model-0000.params"))
    given = ["data"] if len(fields) == 1 else [f"data{at}" for at in range(len(fields))]  # as Gluon calls them
    symbol = graphs.symbol(graph.renamed(dict(zip(given, (field.name for field in fields)))))
    structure = {param.name: name for name, param in net._collect_params_with_prefix().items()}
    return Source(
        symbol,
        known,
        tuple(fields),
        outputs(symbol, fields, known, [SCORES]),
        structure,
        classes,
        dict(about or {}),
        calibration,
    )


def outputs(
    symbol: Any,
    fields: Sequence[Field],
    given: Mapping[str, Any],
    names: Sequence[str] = (),
    probes: Sequence[tuple[int, int]] = Source.probes,
) -> tuple[Field, ...]:
    """The results of a network; axes that vary with the inputs' are -1.

    Args:
        symbol: its graph.
        fields: its inputs.
        given: its arrays, by argument.
        names: what to call the results; as the graph does when there are not as many.
        probes: as in Source.
    Raises:
        MXNetError: when shapes or dtypes do not fit.
        FitError: when a reshape would need more elements than it gets, which MXNet would read past the end of.
    """
    known = {name: array.shape for name, array in given.items()}
    kinds = {name: array.dtype for name, array in given.items()}
    needed = set(symbol.list_inputs())
    found = []
    for batch, steps in probes:
        shapes = {field.name: field.sized(batch, steps) for field in fields if field.name in needed}
        every = {**shapes, **{name: known[name] for name in known if name in needed}}
        with quiet():  # it prints what it failed on
            found.append(symbol.infer_shape(**every)[1])
            reshapes.check(symbol, every)
    types = {field.name: np.dtype(field.dtype) for field in fields if field.name in needed}
    with quiet():
        dtypes = symbol.infer_type(**types, **{name: kinds[name] for name in kinds if name in needed})[1]
    called = list(names) if len(names) == len(found[0]) else _called(symbol)
    return tuple(
        Field(
            name,
            tuple(a if a == b else -1 for a, b in zip(small[1:], large[1:])),
            np.dtype(dtype).name,
            small[0] if small[:1] == large[:1] else 0,
        )
        for name, small, large, dtype in zip(called, *found, dtypes)
    )


def _called(symbol: Any) -> list[str]:
    """Names of the results, no two alike: the graph's, without the ending that all of MXNet's have."""
    inputs = set(symbol.list_inputs())
    short = [name.removesuffix(f"_{OUTPUT}") for name in symbol.list_outputs()]
    found: list[str] = []
    for name in short:
        long = f"{name}_{OUTPUT}"
        numbered = (f"{long}{number}" for number in range(1, len(short) + len(inputs) + 2))
        free = (one for one in (name, long, *numbered) if one not in inputs and one not in found)
        found.append(next(one for one in free if one != name or short.count(name) == 1))
    return found
