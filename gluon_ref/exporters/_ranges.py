"""Ranges of a network's inner values on samples, by which MXNet rounds them to 8 bits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..backend import mx
from ..records import Source
from ._quantizing import Arrays

BINS = 8001
LEAST = 1e-8  # half the width of a histogram: a value may always be 0


def ranges(
    source: Source, fused: Any, wanted: Sequence[str], samples: Sequence[Arrays], method: str
) -> dict[str, tuple[float, float]]:
    """The range of each value on the samples, by its name.

    Args:
        source: the network.
        fused: its graph, with layers fused.
        wanted: names of values; some may be none of its.
        samples: batch by batch.
        method: "minmax" or "entropy".
    Raises:
        ValueError: when a value is NaN or infinite.
    """
    internals = fused.get_internals()
    inner = set(internals.list_outputs())
    names = [name for name in wanted if name in inner]
    if not names:
        return {}
    values = mx.sym.Group([internals[name] for name in names])
    lowest, highest = dict.fromkeys(names, math.inf), dict.fromkeys(names, -math.inf)
    counts: dict[str, Any] = {}
    for arrays in _run(values, source, samples):
        for name, array in zip(names, arrays):
            lowest[name] = np.minimum(lowest[name], array.min()).item()  # which keeps a NaN
            highest[name] = np.maximum(highest[name], array.max()).item()
            if method == "entropy" and np.isfinite([lowest[name], highest[name]]).all():
                counts[name] = _counted(counts.get(name), array)
    found = {name: (lowest[name], highest[name]) for name in names}
    odd = next((name for name, pair in found.items() if not np.isfinite(pair).all()), None)
    if odd:
        raise ValueError(f"{odd} is NaN or infinite on the samples")
    if method == "entropy":
        best = mx.contrib.quantization._get_optimal_thresholds(counts, "auto", logger=None)
        found = {name: (float(pair[0]), float(pair[1])) for name, pair in best.items()}
    return found


def _run(values: Any, source: Source, samples: Sequence[Arrays]) -> Iterator[Iterator[np.ndarray]]:
    """What inner values each batch gives, one after another."""
    arguments, states = values.list_arguments(), values.list_auxiliary_states()
    bound: dict[tuple[tuple[int, ...], ...], Any] = {}
    for given in samples:
        inputs = {name: mx.nd.array(one, dtype=one.dtype) for name, one in given.items() if name in arguments}
        shapes = tuple(one.shape for one in inputs.values())
        if shapes not in bound:
            known = {**inputs, **source.arrays}
            bound[shapes] = values.bind(
                mx.cpu(),
                {name: known[name] for name in arguments},
                aux_states={name: known[name] for name in states},
                grad_req="null",
            )
        yield (one.asnumpy() for one in bound[shapes].forward(is_train=False, **inputs))


def _counted(before: Any, array: np.ndarray) -> Any:
    """A histogram, as MXNet's search for the best range wants it, with the values of one batch more."""
    low, high = float(array.min()), float(array.max())
    threshold = max(abs(low), abs(high), LEAST)
    if before is not None:
        return mx.contrib.quantization.combine_histogram(before, array, low, high, threshold)
    return (*np.histogram(array, bins=BINS, range=(-threshold, threshold)), low, high, threshold)
