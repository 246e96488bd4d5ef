"""The packaged tables of scikit-learn, as Data: what iris, wine, breast_cancer and diabetes share."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import RequestError
from ..records import Data, Facts
from ..samples import ArraySamples, split, statistics, verify

SOURCE = "scikit-learn 1.3 or later"


def table(name: str, bunch: Any, target: str, checksum: str, held_out: float) -> Data:
    """A scikit-learn bunch with a fixed split.

    Args:
        name: of the data set, for messages.
        bunch: what sklearn.datasets.load_* gave; features (rows, features).
        target: "label" or "value".
        checksum: SHA-256 of features and targets as float32 (releases differ in the last bit of float64).
        held_out: share of the rows held out; stratified for labels.
    """
    features, targets = np.asarray(bunch.data, dtype=np.float32), np.asarray(bunch.target, dtype=np.float32)
    verify(f"data {name}", (features.tobytes(), targets.tobytes()), checksum, SOURCE)
    train, rest = split(targets, held_out, stratify=target == "label")
    mean, std = statistics(features[train], axis=0)
    labels = tuple(str(label) for label in bunch.target_names) if target == "label" else ()
    values = targets[train] if target == "value" else np.array([0.0, 0.0])
    facts = Facts(
        "vector",
        target,
        (features.shape[1],),
        labels=labels,
        mean=mean,
        std=std,
        columns=tuple(str(column) for column in bunch.feature_names),
        target_mean=float(values.mean()),
        target_std=float(values.std()) if target == "value" else 1.0,
    )
    typed = targets.astype(np.int32) if target == "label" else targets
    return Data(facts, ArraySamples(features[train], typed[train]), ArraySamples(features[rest], typed[rest]))


def no_path(name: str, path: str) -> None:
    """Refuse a path for a data set that comes with a dependency."""
    if path:
        raise RequestError(
            f"data {name}",
            f"path {path!r}",
            "no path: it comes with the package's dependencies",
            f"pass --data {name}, or --data table:{path} for a file of your own",
        )
