"""Is it the same? An artefact is opened in a fresh process, and its answers are held against the network's."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .. import groups
from ..answers import softmax
from ..errors import MachineError, VerificationError
from .subjects import Arrays, Case, Subject, top

LIMIT_S = 900
PROBABILITIES = "probabilities"


@dataclass(frozen=True)
class Comparison:
    """A row of the table.

    Args:
        case: what was compared.
        samples: how many.
        absolute: largest difference of an output.
        relative: the same to the largest output of its sample, where that is above 1.
        agreement: share of samples with the same class; None where there are no classes.
        accepted: within the tolerance, or not held against it.
    """

    case: str
    samples: int
    absolute: float
    relative: float
    agreement: float | None
    accepted: bool


@dataclass(frozen=True)
class Verdict:
    """The table, and the figures of network and artefact on held-out samples, by name."""

    rows: tuple[Comparison, ...]
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


class RefusedError(VerificationError):
    """An artefact that differs; `verdict` is its table."""

    verdict = Verdict(())


def reopen(folder: Path, cases: Sequence[Case]) -> list[list[Arrays]]:
    """What the artefact answers when a fresh process opens it, for each group of each case.

    Raises:
        VerificationError: when it does not open, or fails.
        MachineError: when it does not answer in time.
    """
    flat = [arrays for case in cases for arrays in case.groups]
    with tempfile.TemporaryDirectory(prefix="gluonref-") as scratch:
        source, target = Path(scratch, "in.npz"), Path(scratch, "out.npz")
        groups.save(source, flat)
        command = [sys.executable, "-m", "gluon_ref.answering", str(folder.resolve()), str(source), str(target)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            raise MachineError(
                "export",
                f"the fresh process did not answer within {LIMIT_S} s",
                "an answer",
                "try again on a less busy machine",
            ) from None
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            if done.returncode < 0:
                last = f"it ended by {signal.Signals(-done.returncode).name}"
            raise VerificationError(
                "export",
                f"a fresh process could not open the artefact: {last}",
                "an artefact that opens",
                "report this as a bug",
            )
        answers = iter(groups.load(target))
    return [[next(answers) for _ in case.groups] for case in cases]


def judge(subject: Subject, answers: Sequence[Sequence[Arrays]], tolerance: float, lossy: bool = False) -> Verdict:
    """Hold an artefact's answers against the network's.

    Args:
        subject: what was exported.
        answers: of the artefact, per case and group; may have the probabilities as one output more.
        tolerance: largest accepted |a - b| / (1 + the largest |b| of the sample), of an output a and the network's b.
        lossy: the format rounds: only real samples are held against the tolerance, by the largest |b| of them all.
    Raises:
        VerificationError: when outputs have other shapes.
    """
    rows = []
    for case, given in zip(subject.cases, answers):
        judged = not lossy or (case is subject.cases[-1] and subject.measure is not None)
        rows.append(_compare(case, given, subject.source.classes, tolerance if judged else np.inf, lossy))
    metrics = {}
    if subject.measure:
        case, given = subject.cases[-1], answers[-1]
        network, artefact = subject.measure(case.expected), subject.measure(given)
        metrics = {name: {"network": network[name], "artefact": artefact[name]} for name in network}
    return Verdict(tuple(rows), metrics)


def _compare(case: Case, given: Sequence[Arrays], classes: bool, tolerance: float, lossy: bool) -> Comparison:
    absolute, relative, accepted, same, samples = 0.0, 0.0, True, [], 0
    wanted = [(*one, softmax(one[0]).astype(np.float32)) if classes else one for one in case.expected]
    widest = max(float(np.abs(one[0]).max(initial=0)) for one in case.expected)
    for answers, expected in zip(given, wanted):
        if len(answers) not in (len(expected), len(expected) - classes):
            raise _other(case, f"{len(answers)} outputs", f"{len(expected)}")
        for a, b in zip(answers, expected):
            if a.shape != b.shape:
                raise _other(case, f"outputs of shape {a.shape}", f"{b.shape}")
            difference, scale = _difference(a, b)
            scale = np.full_like(scale, widest) if lossy else scale
            # `not <=` rather than `>`: a NaN is refused too.
            accepted = accepted and bool((difference <= tolerance * (1 + scale)).all())
            # `fmax` would leave out a NaN, which a table must show.
            absolute = float(np.maximum(absolute, difference.max(initial=0)))
            relative = float(np.maximum(relative, (difference / np.maximum(scale, 1)).max(initial=0)))
        same.append((top(answers[0]) == top(expected[0])).ravel())
        samples += len(expected[0])
    agreement = float(np.mean(np.concatenate(same))) if case.expected[0][0].ndim > 1 and wide(case) else None
    return Comparison(case.name, samples, absolute, relative, agreement, accepted)


def wide(case: Case) -> bool:
    """Whether the first output has a score per class."""
    return case.expected[0][0].shape[1] > 1


def _difference(given: np.ndarray, expected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """|a - b| of each sample, NaN where one of them has no number and the other has; and the sample's largest |b|."""
    a, b = given.astype(np.float64), expected.astype(np.float64)
    a, b = a.reshape(len(a), -1) if a.ndim else a.reshape(1, 1), b.reshape(len(b), -1) if b.ndim else b.reshape(1, 1)
    alike = (a == b) | (np.isnan(a) & np.isnan(b))  # infinite alike, or both no number
    with np.errstate(invalid="ignore"):
        difference = np.where(alike, 0, np.abs(a - b))
    largest = np.where(np.isfinite(b), np.abs(b), 0).max(axis=1, initial=0)
    return difference.max(axis=1, initial=0), largest


def _other(case: Case, given: str, expected: str) -> VerificationError:
    return VerificationError("export", f"{case.name}: {given}", expected, "report this as a bug")


def drop(subject: Subject, verdict: Verdict) -> float:
    """What the watched figure lost: in points of a share, or as a share of a figure that should be small."""
    name, direction = subject.watch
    network, artefact = verdict.metrics[name]["network"], verdict.metrics[name]["artefact"]
    return network - artefact if direction == "max" else (artefact - network) / max(abs(network), 1e-12)
