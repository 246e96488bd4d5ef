"""Who is timed: a run's network as it can be executed in MXNet, and artefacts, each opened as a function of arrays."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .. import catalog
from ..answering import open_run, open_subject
from ..artefacts import MANIFEST, manifest
from ..artefacts import fields as declared
from ..backend import mx
from ..errors import RequestError
from ..loop import answering
from ..precision import fast, lowered
from ..records import Field
from ..runs import RECIPE, load, read_facts

Arrays = tuple[np.ndarray, ...]
ARTEFACT = "artefact"
STEPS = 32  # of axes that vary, of a model whose input form is not known


def imperative(net: Any, example: Arrays) -> Any:
    """Line by line, as Python calls it."""
    return net


def hybridized(net: Any, example: Arrays) -> Any:
    """As one graph."""
    net.hybridize()
    return net


def static(net: Any, example: Arrays) -> Any:
    """As one graph whose memory is laid out once."""
    net.hybridize(static_alloc=True)
    return net


def bfloat16(net: Any, example: Arrays) -> Any:
    """As one such graph with products in bfloat16.

    Raises:
        RequestError: on a processor that has no instructions for them.
    """
    if not fast():
        raise RequestError("benchmark", "bfloat16", "a processor that multiplies it", "leave it out")
    return static(lowered(net, lambda net: answering(net, mx.cpu())(*example)), example)


# Ways to run a network: what makes it so of an imperative one and an example of its inputs.
WAYS = {way.__name__: way for way in (imperative, hybridized, static, bfloat16)}


def entrants(path: str | Path) -> Iterator[tuple[str, str, str]]:
    """Label, folder and way of each that is timed for a subject: an artefact alone, or a run's ways and artefacts."""
    folder = Path(path)
    if os.path.isfile(folder / MANIFEST) or not os.path.isfile(folder / RECIPE):
        yield _format(folder), str(folder), ARTEFACT
        return
    for way in WAYS:
        yield way, str(folder), way
    for one in sorted(folder.iterdir()):
        if os.path.isfile(one / MANIFEST):
            yield _format(one), str(one), ARTEFACT


def _format(folder: Path) -> str:
    if not os.path.isfile(folder / MANIFEST):
        open_subject(folder)  # which says what is wrong with it
    return str(manifest(folder)["exporter"])


def inputs(path: str | Path, batch: int, seed: int = 0) -> Arrays:
    """Made-up inputs of a subject: what its data looks like where that is known, else random numbers."""
    folder, random = Path(path), np.random.RandomState(seed)
    if os.path.isfile(folder / MANIFEST):
        document = manifest(folder)
        if document.get("facts") is None:
            return tuple(_random(field, batch, random) for field in declared(document["fields"]))
        facts = read_facts(document["facts"], str(folder / MANIFEST))
    else:
        facts = load(folder).facts
    form = catalog.find("inputs", facts.takes)
    made: Arrays = form.collate(form.imagine(facts, batch, random), facts)
    return made


def _random(field: Field, batch: int, random: np.random.RandomState) -> np.ndarray:
    shape = field.sized(batch, STEPS)
    whole = not np.issubdtype(np.dtype(field.dtype), np.floating)
    return np.asarray(random.randint(1, 4, shape) if whole else random.normal(0, 1, shape), dtype=field.dtype)


def open_entrant(folder: str, way: str, example: Arrays) -> Callable[..., Arrays]:
    """An entrant as a function of numpy arrays."""
    if way == ARTEFACT:
        return open_subject(folder).answer
    return answering(WAYS[way](open_run(folder).assembly.net, example), mx.cpu())
