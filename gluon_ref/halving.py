"""Numbers as halves that add up to the same bits in whatever order they come."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .backend import mx


def largest(arrays: Sequence[Any]) -> Any:
    """The largest absolute value of all, (1,), not yet computed."""
    return mx.nd.concat(*(one.abs().max() for one in arrays), dim=0).max()


def halves(arrays: Sequence[Any], top: Any, count: int) -> list[Any]:
    """Each array as a high and a low half, one after the other.

    All numbers of a half are multiples of one power of two, so few that float32 adds them without rounding.

    Args:
        arrays: float32.
        top: the largest absolute value in all that are to be added, (1,).
        count: of those who add.
    Source: Demmel and Nguyen, Fast Reproducible Floating-Point Summation, 2013; two levels of it. What lies below
        2^-40 of `top` is lost.
    """
    spare = math.ceil(math.log2(count)) + 1  # bits for the sum
    high_grid = 1.5 * 2.0 ** (mx.nd.ceil(mx.nd.log2(top)) + spare)
    low_grid = high_grid * 2.0 ** (spare - 24)
    found = []
    for one in arrays:
        high = mx.nd.broadcast_sub(mx.nd.broadcast_add(one, high_grid), high_grid)
        low = mx.nd.broadcast_sub(mx.nd.broadcast_add(one - high, low_grid), low_grid)
        found += [high, low]
    return found
