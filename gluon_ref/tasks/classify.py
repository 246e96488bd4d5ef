"""Classification: cross-entropy over labels; accuracy, macro F1 and the confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from .. import answers
from ..errors import FitError, require
from ..losses import Loss
from ..records import Facts, Objective, Task


def build(
    facts: Facts,
    *,
    label_smoothing: float = 0.0,
    class_weights: Literal["none", "balanced"] | tuple[float, ...] = "none",
) -> Task:
    """Classification of samples that carry a label.

    Args:
        facts: of the data.
        label_smoothing: share of each target spread evenly over all labels while training, in [0, 1).
        class_weights: what a sample of each label counts in the loss, in the labels' order, or balanced for the inverse
            of how often the label occurs; scaled so that samples count 1 on average.
    Raises:
        OptionError: for an option out of range.
    Source: label smoothing is Szegedy et al., 2015, https://arxiv.org/abs/1512.00567, section 7.
    """
    require(
        0 <= label_smoothing < 1, "task classify", "label_smoothing", label_smoothing, "a share from 0 to below 1", 0.1
    )

    weights = _weights(facts, class_weights)
    constants = () if weights is None else (weights,)  # (labels,)

    def smoothed(F: Any, logs: Any, hit: Any) -> Any:
        return (1 - label_smoothing) * hit - label_smoothing * F.mean(logs, axis=-1) if label_smoothing else hit

    def labelled(F: Any, scores: Any, targets: Any, *weights: Any) -> Any:
        logs = F.log_softmax(scores, axis=-1)  # (batch, labels)
        hit = smoothed(F, logs, -F.pick(logs, targets, axis=-1))  # (batch,)
        return hit * F.take(weights[0], targets) if weights else hit

    def mixed(F: Any, scores: Any, shares: Any, *weights: Any) -> Any:
        logs = F.log_softmax(scores, axis=-1)
        hit = smoothed(F, logs, -F.sum(logs * shares, axis=-1))
        return hit * F.dot(shares, weights[0]) if weights else hit

    losses = {1: Loss(labelled, constants), 2: Loss(mixed, constants)}  # targets are (batch,) or (batch, labels)

    return Task(
        reads=("label",),
        needs="scores",
        objectives=(Objective("cross_entropy", lambda net, batch: losses[batch.targets.ndim](net, batch)),),
        measure=measure,
        metrics=metrics,
        decode=lambda scores: answers.labels([scores], facts.labels),
        watch=("accuracy", "max"),
    )


def _weights(facts: Facts, given: str | tuple[float, ...]) -> np.ndarray | None:
    if given == "none":
        return None
    if len(facts.counts) != len(facts.labels):
        raise FitError(
            "task classify",
            f"class_weights={given} for data that does not count its labels",
            "data of a training part",
            "pass --set task.class_weights=none",
        )
    counts = np.asarray(facts.counts, dtype=np.float64)
    weights = 1 / np.maximum(counts, 1) if given == "balanced" else np.asarray(given, dtype=np.float64)
    require(
        len(weights) == len(counts) and bool((weights >= 0).all()) and float((counts * weights).sum()) > 0,
        "task classify",
        "class_weights",
        given if isinstance(given, str) else ",".join(f"{one:g}" for one in given),
        f"{len(counts)} numbers of 0 or more, for {', '.join(facts.labels)}",
        "balanced",
    )
    scaled: np.ndarray = (weights * counts.sum() / (counts * weights).sum()).astype(np.float32)
    return scaled


def measure(scores: np.ndarray, targets: np.ndarray) -> dict[str, np.ndarray]:
    """Sums of a batch.

    Args:
        scores: float32 (batch, labels), logits.
        targets: int (batch,).
    Returns:
        "confusion": int64 (labels, labels), rows are true, columns predicted; "cross_entropy": their sum.
    """
    labels = scores.shape[1]
    pairs = targets.astype(np.int64) * labels + scores.argmax(axis=1)
    logs = np.log(np.maximum(answers.softmax(scores)[np.arange(len(targets)), targets.astype(np.int64)], 1e-30))
    return {"confusion": np.bincount(pairs, minlength=labels**2).reshape(labels, labels), "cross_entropy": -logs.sum()}


def metrics(sums: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Accuracy, macro F1 (mean over labels that occur or were predicted), cross-entropy and confusion matrix."""
    confusion = sums["confusion"]
    count = max(1, int(confusion.sum()))
    hits, true, predicted = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    seen = (true + predicted) > 0
    f1 = 2 * hits[seen] / (true + predicted)[seen]
    return {
        "accuracy": float(hits.sum() / count),
        "macro_f1": float(f1.mean()) if seen.any() else 0.0,
        "cross_entropy": float(sums["cross_entropy"] / count),
        "confusion": confusion.tolist(),
    }
