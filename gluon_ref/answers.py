"""A network's outputs as answers, and answers as lines: of tasks, of `gluonref predict`, of the program in a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

SHOWN = 10  # numbers of an output that fit on a line


def softmax(scores: np.ndarray) -> np.ndarray:
    """Logits (batch, labels) to probabilities, float64, each row summing to 1."""
    powers = np.exp(scores.astype(np.float64) - scores.max(axis=1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return shares


def labels(outputs: Sequence[np.ndarray], names: Sequence[str]) -> list[dict[str, Any]]:
    """The likeliest label of each sample, its probability, and all probabilities by label.

    Args:
        outputs: the first is logits (batch, labels).
        names: of the labels.
    """
    answers = []
    for row in softmax(outputs[0]):
        best = int(row.argmax())
        shares = {label: float(share) for label, share in zip(names, row)}
        answers.append({"label": names[best], "probability": float(row[best]), "probabilities": shares})
    return answers


def value(outputs: Sequence[np.ndarray]) -> list[dict[str, Any]]:
    """One number of each sample: the first output is (batch, 1)."""
    return [{"value": float(one)} for one in outputs[0].reshape(-1)]


def plain(outputs: Sequence[np.ndarray], names: Sequence[str]) -> list[dict[str, Any]]:
    """All outputs of each sample, by name."""
    return [
        {"outputs": {name: output[at].tolist() for name, output in zip(names, outputs)}}
        for at in range(len(outputs[0]))
    ]


def line(answer: dict[str, Any], top: int) -> str:
    """An answer as a line of text, with the input first.

    Args:
        answer: of `labels`, `value` or `plain`, and "input".
        top: labels to name, or places of the largest numbers.
    """
    if "value" in answer:
        told = [f"{answer['value']:.6g}"]
    elif "outputs" in answer:
        told = [f"{name} {_short(np.asarray(one), top)}" for name, one in answer["outputs"].items()]
    else:
        best = sorted(answer["probabilities"].items(), key=lambda pair: -pair[1])[:top]
        told = [f"{label} {probability:.4f}" for label, probability in best]
    return "\t".join([answer["input"], *told])


def _short(output: np.ndarray, top: int) -> str:
    """An output: its numbers, or its shape and where the largest are."""
    flat = output.reshape(-1)
    if len(flat) <= SHOWN:
        return " ".join(f"{number:.6g}" for number in flat)
    order = np.argsort(-flat, kind="stable")[:top]
    shape = "x".join(map(str, output.shape))
    return f"{shape}, largest {', '.join(f'{flat[at]:.6g} at {at}' for at in order)}"
