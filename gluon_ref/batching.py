"""The order of an epoch: which samples form which batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import ModuleType

import numpy as np

from .augmentation import Arrange
from .backend import gluonnlp
from .records import Batch, Facts, Samples
from .workers import ALONE, Group

POOL = 100  # batches' worth of samples, drawn at random, that are sorted by length together
# A length counts up to a step and this share longer than it is: else the same texts would always meet.
JITTER = 0.05


def plan(samples: Samples, size: int, seed: int | None = None) -> list[np.ndarray]:
    """Indices of each batch of an epoch, every sample once; as many batches with one seed as with another.

    Inputs of varying length are put into batches of similar length: a pool of them, drawn at random, is roughly sorted
    and cut, and its batches are shuffled.

    Args:
        samples: which may vary in length.
        size: samples per batch; one batch may be smaller.
        seed: of the shuffling, or None to keep the order of the samples, or to have the longest first.
    """
    lengths = samples.lengths
    if lengths is None:
        order = np.arange(len(samples)) if seed is None else np.random.RandomState(seed).permutation(len(samples))
        return [order[start : start + size] for start in range(0, len(samples), size)]
    before = np.random.get_state()
    np.random.seed(seed)  # the sampler knows only numpy's global generator
    try:
        rough = lengths if seed is None else lengths + (1 + JITTER * lengths) * np.random.rand(len(lengths))
        pool = POOL if seed is not None else len(lengths)
        sampler = gluonnlp.data.SortedBucketSampler(rough.tolist(), size, mult=pool, shuffle=seed is not None)
        return [np.asarray(batch, dtype=np.int64) for batch in sampler]
    finally:
        np.random.set_state(before)


def recut(order: Sequence[np.ndarray], done: int, size: int) -> list[np.ndarray]:
    """A plan that goes on with batches of another size.

    Args:
        order: a plan.
        done: its first batches, which stay.
        size: samples of each batch after them; the last may be smaller.
    """
    rest = np.concatenate([np.zeros(0, dtype=np.int64), *order[done:]])
    return [*order[:done], *(rest[start : start + size] for start in range(0, len(rest), size))]


def batches(
    samples: Samples,
    order: Sequence[np.ndarray],
    form: ModuleType,
    facts: Facts,
    *,
    start: int = 0,
    arrange: Arrange | None = None,
    seed: int = 0,
    group: Group = ALONE,
) -> Iterator[Batch]:
    """The batches of a plan as numpy arrays, padded and typed by the input form.

    Args:
        samples: what the plan is of.
        order: the plan.
        form: input form of the facts.
        facts: of the data.
        start: the first batch that is wanted.
        arrange: augmentation; each batch has a generator of its own, so that it does not depend on those before it.
        seed: of those generators.
        group: the workers who share each batch; only this one's part is read.
    """
    for number, indices in enumerate(order[start:], start):
        own = group.share(indices)
        size = len(own) if group.served else len(indices)
        if not len(own):
            yield Batch((), np.zeros(0, dtype=np.int32), size)
            continue
        inputs, targets = samples.take(own)
        if arrange:
            inputs, targets = arrange(inputs, targets, np.random.RandomState([group.seed(seed), number]))
        yield Batch(form.collate(inputs, facts), targets, size)
