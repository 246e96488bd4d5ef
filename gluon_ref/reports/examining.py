"""One pass over held-out samples: figures, confusion, calibration or values, and the worst mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..assembly import Assembly
from ..batching import batches, plan
from ..records import Samples
from .history import numbers

BATCH = 256
BINS = 10
# A probability of 0 would be an infinite loss.
LEAST = 1e-30


@dataclass(frozen=True)
class Calibration:
    """How often the likeliest label is right, by how likely the network calls it.

    Args:
        counts: int64 (bins,), samples whose answer's probability lies in the bin.
        sure: float64 (bins,), sum of those probabilities.
        hits: int64 (bins,), right answers among them.
    """

    counts: np.ndarray
    sure: np.ndarray
    hits: np.ndarray

    @property
    def edges(self) -> np.ndarray:
        """float64 (bins + 1,), from 0 to 1; a bin holds its upper edge."""
        return np.linspace(0, 1, len(self.counts) + 1)

    @property
    def width(self) -> float:
        """Of each bin."""
        return 1 / len(self.counts)

    @property
    def accuracy(self) -> np.ndarray:
        """float64 (bins,), share of right answers; 0 in an empty bin."""
        shares: np.ndarray = self.hits / np.maximum(1, self.counts)
        return shares

    @property
    def confidence(self) -> np.ndarray:
        """float64 (bins,), mean probability of the answers; 0 in an empty bin."""
        means: np.ndarray = self.sure / np.maximum(1, self.counts)
        return means

    @property
    def error(self) -> float:
        """Expected calibration error: mean distance of the two, weighted by samples.

        Source: Guo et al., 2017, https://arxiv.org/abs/1706.04599, section 2.
        """
        return float(np.abs(self.hits - self.sure).sum() / max(1, int(self.counts.sum())))


@dataclass(frozen=True)
class Values:
    """float64 (samples,) each, in the order of the samples."""

    true: np.ndarray
    predicted: np.ndarray


@dataclass(frozen=True)
class Mistake:
    """A sample that the network answered badly.

    Args:
        index: of the sample in its part.
        input: as `Samples.take` gives it.
        true: label, or value as text.
        predicted: likewise.
        right: whether both are the same label.
        probability: of the predicted label; None for values.
        likelihood: of the true label; None for values.
        loss: minus the logarithm of `likelihood`; for values the absolute error.
    """

    index: int
    input: Any
    true: str
    predicted: str
    right: bool
    probability: float | None
    likelihood: float | None
    loss: float


@dataclass(frozen=True)
class Findings:
    """What a network was found to do on some samples; None for what its answers do not hold.

    Args:
        samples: how many.
        metrics: the task's figures, numbers only, by name.
        confusion: int64 (labels, labels), rows are true, columns predicted.
        calibration: of answers with probabilities.
        values: of answers with values.
        mistakes: those of the highest loss, worst first.
    """

    samples: int
    metrics: Mapping[str, float]
    confusion: np.ndarray | None = None
    calibration: Calibration | None = None
    values: Values | None = None
    mistakes: tuple[Mistake, ...] = ()


def examine(
    answer: Callable[..., Sequence[np.ndarray]], assembly: Assembly, samples: Samples, worst: int = 24
) -> Findings:
    """Answer all samples once, in batches; only sums, values and the worst are kept.

    Args:
        answer: arrays of the inputs -> outputs, all numpy.
        assembly: the task and the input form.
        samples: what to answer.
        worst: mistakes to keep.
    """
    task, facts = assembly.task, assembly.facts
    order = plan(samples, BATCH)
    sums: dict[str, np.ndarray] = {}
    tally = _Tally(facts.labels, worst)
    for indices, batch in zip(order, batches(samples, order, assembly.form, facts)):
        outputs = answer(*batch.inputs)[0]
        for name, value in task.measure(outputs, batch.targets).items():
            sums[name] = sums[name] + value if name in sums else value
        tally.add(indices, task.decode(outputs), np.asarray(batch.targets))
    figures = task.metrics(sums)
    confusion = figures.get("confusion")
    square = confusion is not None and np.shape(confusion) == (len(facts.labels),) * 2
    return Findings(
        len(samples),
        dict(numbers(figures)),
        np.asarray(confusion, dtype=np.int64) if square else None,
        tally.calibration if tally.calibration.counts.any() else None,
        tally.values(),
        tally.mistakes(samples),
    )


@dataclass
class _Tally:
    """What is kept while the batches pass by; each answer is looked at for what it holds, not for what task gave it."""

    labels: tuple[str, ...]
    worst: int
    calibration: Calibration = field(
        default_factory=lambda: Calibration(np.zeros(BINS, np.int64), np.zeros(BINS), np.zeros(BINS, np.int64))
    )
    pairs: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    kept: list[tuple[float, int, str, str, float | None, float | None]] = field(default_factory=list)

    def add(self, indices: np.ndarray, answers: Iterable[Mapping[str, Any]], targets: np.ndarray) -> None:
        """Take in a batch."""
        answers = list(answers)
        if targets.ndim == 1 and all("probabilities" in one and "label" in one for one in answers):
            self._labelled(indices, answers, targets)
        elif targets.ndim == 1 and all("value" in one for one in answers):
            self._valued(indices, answers, targets)
        self.kept = sorted(self.kept, key=lambda row: (-row[0], row[1]))[: self.worst]

    def _labelled(self, indices: np.ndarray, answers: list[Mapping[str, Any]], targets: np.ndarray) -> None:
        for index, one, target in zip(indices, answers, targets):
            true = self.labels[int(target)]
            sure, likelihood = float(one["probability"]), float(one["probabilities"][true])
            at = min(BINS - 1, max(0, int(np.ceil(sure * BINS)) - 1))
            self.calibration.counts[at] += 1
            self.calibration.sure[at] += sure
            self.calibration.hits[at] += one["label"] == true
            loss = -float(np.log(max(likelihood, LEAST)))
            self.kept.append((loss, int(index), true, one["label"], sure, likelihood))

    def _valued(self, indices: np.ndarray, answers: list[Mapping[str, Any]], targets: np.ndarray) -> None:
        predicted = np.array([one["value"] for one in answers], dtype=np.float64)
        true = targets.astype(np.float64)
        self.pairs.append((indices, true, predicted))
        for index, is_, said in zip(indices, true, predicted):
            self.kept.append((abs(said - is_), int(index), f"{is_:.6g}", f"{said:.6g}", None, None))

    def values(self) -> Values | None:
        """All values in the order of the samples."""
        if not self.pairs:
            return None
        indices, true, predicted = (np.concatenate(part) for part in zip(*self.pairs))
        order = np.argsort(indices)
        return Values(true[order], predicted[order])

    def mistakes(self, samples: Samples) -> tuple[Mistake, ...]:
        """The worst, with their inputs."""
        if not self.kept:
            return ()
        inputs, _ = samples.take(np.array([row[1] for row in self.kept], dtype=np.int64))
        return tuple(
            Mistake(index, inputs[at], true, said, true == said, sure, likelihood, float(loss))
            for at, (loss, index, true, said, sure, likelihood) in enumerate(self.kept)
        )
