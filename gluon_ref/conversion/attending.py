"""Attention between two sequences, as GluonNLP's transformers have it: keys and values interleaved head by head."""

from __future__ import annotations

import math

from .steps import Steps, converters


def scores(steps: Steps) -> str:
    """(batch * heads, queries, keys) of queries (time, batch, units), and of keys and values side by side."""
    units = steps.shape[2] // steps.option("heads")
    queries = steps.add("Reshape", steps.inputs[0], steps.constant([0, -1, units]))  # (time, batch * heads, units)
    turned = steps.add("Transpose", queries, perm=[1, 0, 2])
    scaled = steps.add("Div", turned, steps.like(math.sqrt(units)))
    keys = steps.add("Transpose", _half(steps, steps.inputs[1], units, 0), perm=[1, 2, 0])
    return steps.add("MatMul", scaled, keys)


def means(steps: Steps) -> str:
    """(queries, batch, units) of keys and values, and of shares (batch * heads, queries, keys)."""
    heads = steps.option("heads")
    units = steps.shape[2] // heads // 2
    values = steps.add("Transpose", _half(steps, steps.inputs[0], units, 1), perm=[1, 0, 2])
    made = steps.add("Transpose", steps.add("MatMul", steps.inputs[1], values), perm=[1, 0, 2])
    return steps.add("Reshape", made, steps.constant([0, -1, heads * units]))


def _half(steps: Steps, both: str, units: int, at: int) -> str:
    """Keys or values of each head, (time, batch * heads, units)."""
    parts = steps.add("Reshape", both, steps.constant([0, -1, 2, units]))
    return steps.add("Gather", parts, steps.constant(at), axis=2)


CONVERTERS = converters(
    {
        "_contrib_interleaved_matmul_encdec_qk": scores,
        "_contrib_interleaved_matmul_encdec_valatt": means,
    }
)
