"""Whole epochs of Fashion-MNIST: `python benchmarks/_epochs.py KIND NET DIR EPOCHS`; prints a JSON object.

KIND is package (gluonref's training with all that a user gets: shuffling, log, figures of the held-out part, weights
kept), gluon or torch (loops as one writes them well by hand, arrays in memory, evaluation at the end of each epoch), or
gluon-set, with this package's settings in place of MXNet's own.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks._turns import peak_bytes, voice

BATCH, ANSWERED = 128, 256  # samples of a step, and of an evaluation's
DROPOUT = {"mlp": 0.1, "cnn": 0.2}  # what the recipes have
OPTIONS: dict[str, dict[str, Any]] = {"mlp": {"units": (256, 128)}, "cnn": {"filters": (32, 64, 128), "units": 128}}
RATE = 0.001


def package(net: str, folder: str, epochs: int) -> tuple[list[float], float]:
    """Seconds of each epoch by the run's log, and the last accuracy."""
    from gluon_ref import logs, recipe, train

    changes = {
        "data.name": "fashion_mnist",
        "data.path": folder,
        "model.dropout": DROPOUT[net],
        "augment.crop": 0.0,
        "optimizer.learning_rate": RATE,
        "optimizer.weight_decay": 0.0,
        "schedule.name": "constant",
        "train.batch_size": BATCH,
        "train.epochs": epochs,
    }
    with tempfile.TemporaryDirectory() as scratch:
        train(recipe.read(net).change(list(changes.items())), Path(scratch, "run"))
        found = [one for one in logs.read(Path(scratch, "run")) if one.get("event") == "epoch"]
    return [one["time_s"] for one in found], found[-1]["scores"]["accuracy"]


def arrays(folder: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Standardized pixels and labels of both parts."""
    from gluon_ref.data import fashion_mnist

    data = fashion_mnist.load(folder)
    mean, std = data.facts.mean[0], data.facts.std[0]
    parts = {"train": data.train, "held_out": data.held_out}
    return {name: ((one.inputs.astype(np.float32) - mean) / std, one.targets) for name, one in parts.items()}


def by_hand(epoch: Callable[[], float], accuracy: Callable[[], float], epochs: int) -> tuple[list[float], float]:
    """Seconds of each epoch with its evaluation and a line of its figures."""
    times, reached = [], 0.0
    for number in range(epochs):
        start = time.perf_counter()
        loss, reached = epoch(), accuracy()
        times.append(time.perf_counter() - start)
        print(f"epoch {number + 1}: loss {loss:.4f}, accuracy {reached:.4f}", file=sys.stderr)
    return times, reached


def gluon(net: str, folder: str, epochs: int) -> tuple[list[float], float]:
    """A hybridized loop in Gluon."""
    from benchmarks import _loops
    from gluon_ref.backend import mx

    held = arrays(folder)
    inputs, targets = (mx.nd.array(one, dtype=one.dtype) for one in held["train"])
    images, labels = mx.nd.array(held["held_out"][0]), held["held_out"][1]
    network = _loops.gluon_net(net, {**OPTIONS[net], "dropout": DROPOUT[net]})
    loop = _loops.Loop(network, [inputs], targets, BATCH)

    def epoch() -> float:
        sums = []
        for step, total in enumerate(loop.epoch(), 1):
            sums = [total]
            if step % _loops.LOOK == 0:
                total.wait_to_read()
        return float(sums[0].asscalar()) / len(targets)

    def accuracy() -> float:
        scores = np.concatenate(list(loop.answers([images], ANSWERED)))
        return float((scores.argmax(axis=1) == labels).mean())

    return by_hand(epoch, accuracy, epochs)


def torch(net: str, folder: str, epochs: int) -> tuple[list[float], float]:
    """A loop in PyTorch, eager, fused Adam."""
    import torch

    from benchmarks import _torches

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    held = arrays(folder)
    inputs, targets = (torch.from_numpy(one) for one in held["train"])
    images, labels = torch.from_numpy(held["held_out"][0]), held["held_out"][1]
    network = _torches.build(net, {**OPTIONS[net], "dropout": DROPOUT[net]})
    loop = _torches.Loop(network, [inputs], targets.long(), BATCH, "torch")

    def epoch() -> float:
        *_, total = loop.epoch()
        return float(total) / len(targets)

    def accuracy() -> float:
        scores = np.concatenate(list(loop.answers([images], ANSWERED)))
        return float((scores.argmax(axis=1) == labels).mean())

    return by_hand(epoch, accuracy, epochs)


def main() -> None:
    """Train once and tell."""
    kind, net, folder, epochs = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    tell = voice()
    if kind == "gluon":
        from benchmarks._loops import MXNETS_OWN

        os.environ.update(MXNETS_OWN)
    kinds = {"package": package, "gluon": gluon, "gluon-set": gluon, "torch": torch}
    times, accuracy = kinds[kind](net, folder, epochs)
    tell({"epochs_s": times, "accuracy": accuracy, "bytes": peak_bytes(), "processor": time.process_time()})


if __name__ == "__main__":
    main()
