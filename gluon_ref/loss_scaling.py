"""Loss scaling for float16, whose smallest number is 6e-8: gradients are those of a larger loss, divided again."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from .backend import mx

START, MOST, PATIENCE = 2.0**16, 2.0**24, 2000


class Scale:
    """What the loss is multiplied by: half as much after gradients that overflowed, twice after PATIENCE good ones.

    Source: Micikevicius et al., Mixed Precision Training, 2018, https://arxiv.org/abs/1710.03740, section 3.2.

    Attributes:
        value: the factor, a power of two, so that multiplying and dividing by it rounds nothing.
        good: updates since it was changed.
    """

    def __init__(self) -> None:
        self.value, self.good = START, 0

    def holds(self, gradients: Iterable[Any]) -> bool:
        """Whether an update may be made by these gradients; waits for them."""
        arrays = list(gradients)
        by_device: dict[Any, list[Any]] = {}
        for one in arrays:
            by_device.setdefault(one.context, []).append(one)
        checks = [mx.nd.multi_all_finite(*own, num_arrays=len(own)) for own in by_device.values()]
        if not all(check.asscalar() for check in checks):
            self.value, self.good = max(1.0, self.value / 2), 0
            return False
        self.good += 1
        if self.good >= PATIENCE:
            self.value, self.good = min(MOST, self.value * 2), 0
        return True

    def kept(self) -> list[float]:
        """What a checkpoint keeps of it."""
        return [self.value, self.good]

    def restore(self, kept: Any) -> bool:
        """Put that back; False, and nothing is changed, where it is something else."""
        if not isinstance(kept, list) or len(kept) != 2 or any(type(one) not in (int, float) for one in kept):
            return False
        value, good = kept
        if not (1 <= value <= MOST and math.frexp(value)[0] == 0.5 and 0 <= good < PATIENCE and good == int(good)):
            return False
        self.value, self.good = float(value), int(good)
        return True
