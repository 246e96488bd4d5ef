"""Made-up samples in memory, a data set for the benchmarks: `data.name=benchmarks._synthetic`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gluon_ref.records import Data, Facts
from gluon_ref.samples import ArraySamples

LABELS = tuple("0123456789")
VOCAB = 10_000
HELD_OUT = 2048


def arrays(kind: str, samples: int, steps: int = 64, features: int = 784) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and labels, the same for the same arguments: vectors, images of bytes, or texts all of `steps` tokens."""
    random = np.random.RandomState(0)
    targets = random.randint(0, len(LABELS), samples).astype(np.int32)
    if kind == "text":
        return random.randint(1, VOCAB, (samples, steps)).astype(np.int32), targets
    if kind == "image":
        return random.randint(0, 256, (samples, 1, 28, 28)).astype(np.uint8), targets
    return random.random_sample((samples, features)).astype(np.float32), targets


def load(
    path: str,
    known: Facts | None = None,
    *,
    kind: str = "image",
    samples: int = 61_440,
    steps: int = 64,
    features: int = 784,
) -> Data:
    """Noise with labels.

    Args:
        path: not read.
        known: not needed.
        kind: vector, image or text.
        samples: of the training part.
        steps: of each text.
        features: of each vector.
    """
    inputs, targets = arrays(kind, samples + HELD_OUT, steps, features)
    facts = {
        "vector": Facts("vector", "label", (features,), mean=(0.5,) * features, std=(0.3,) * features),
        "image": Facts("image", "label", (1, 28, 28), mean=(127.5,), std=(73.9,)),
        "text": Facts("text", "label", (-1,), vocab=tuple(map(str, range(VOCAB))), split="word"),
    }[kind]
    facts = replace(facts, labels=LABELS, counts=tuple(np.bincount(targets[:samples], minlength=10).tolist()))
    if kind == "text":
        ragged = np.empty(len(inputs), dtype=object)
        ragged[:] = list(inputs)
        inputs = ragged
    parts = (slice(None, samples), slice(samples, None))
    return Data(facts, *(ArraySamples(inputs[part], targets[part], kind == "text") for part in parts))
