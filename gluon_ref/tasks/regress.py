"""Regression: mean squared error of one value; MSE, MAE and R2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import answers
from ..losses import Loss
from ..records import Facts, Objective, Task


def build(facts: Facts) -> Task:
    """Regression of samples that carry a value.

    Args:
        facts: of the data.
    """

    def squared(F: Any, values: Any, targets: Any) -> Any:
        error = (F.reshape(values, (-1,)) - targets) / facts.target_std  # (batch,)
        return F.square(error)  # in squared standard deviations, so that rates suit any unit

    return Task(
        reads=("value",),
        needs="scores",
        objectives=(Objective("squared_error", Loss(squared)),),
        measure=measure,
        metrics=metrics,
        decode=lambda values: answers.value([values]),
        watch=("mean_squared_error", "min"),
    )


def measure(values: np.ndarray, targets: np.ndarray) -> dict[str, np.ndarray]:
    """Sums of a batch: values float32 (batch, 1), targets float (batch,)."""
    true = targets.astype(np.float64)
    error = values.reshape(-1).astype(np.float64) - true
    return {
        "count": np.float64(len(true)),
        "squared": (error**2).sum(),
        "absolute": np.abs(error).sum(),
        "true": true.sum(),
        "true_squared": (true**2).sum(),
    }


def metrics(sums: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """MSE, MAE in the target's units, and R2; R2 is 0 where all true values are alike."""
    count = max(1.0, float(sums["count"]))
    spread = float(sums["true_squared"] - sums["true"] ** 2 / count)
    return {
        "mean_squared_error": float(sums["squared"] / count),
        "mean_absolute_error": float(sums["absolute"] / count),
        "r2": 1.0 - float(sums["squared"]) / spread if spread > 1e-12 else 0.0,
    }
