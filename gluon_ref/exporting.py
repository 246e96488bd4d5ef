"""export(run, format): write a model, open it in a fresh process, and keep it only if it answers like the network."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import catalog, documents, runs
from .answering import FORMAT, MANIFEST, Opened, open_run
from .assembly import held_out
from .backend import mx, versions
from .documents import checksum
from .errors import GluonRefError, MachineError, OptionError, PathError, VerificationError
from .exports.sources import from_net
from .loop import answering
from .recipe import FORMAT as RECIPE_FORMAT

BATCHES = (1, 2, 7)
HELD_OUT = 512  # samples of the held-out part that are compared
LIMIT_S = 300


@dataclass(frozen=True)
class Comparison:
    """A row of the table: the largest difference of a score, and the share of samples with the same top score."""

    case: str
    samples: int
    absolute: float
    relative: float
    agreement: float


@dataclass(frozen=True)
class Export:
    """A verified artefact; `metrics` has the task's watched figure of network and artefact, where data was at hand."""

    folder: Path
    tolerance: float
    comparisons: tuple[Comparison, ...]
    metrics: dict[str, dict[str, float]]
    notes: tuple[str, ...] = ()


def export(run: str | Path, exporter: str, out: str | Path | None = None, tolerance: float | None = None) -> Export:
    """Export the best weights of a run.

    Args:
        run: folder of the run.
        exporter: format, a name in exporters/.
        out: a new or empty folder; RUN/FORMAT when None.
        tolerance: largest accepted difference between scores a and b, |a - b| <= tolerance * (1 + |b|); the format's
            own when None.
    Raises:
        VerificationError: when the artefact answers otherwise; nothing is left behind then.
        PathError: when `out` exists.
    """
    module = catalog.find("exporters", exporter)
    tolerance = module.TOLERANCE if tolerance is None else tolerance
    if not 0 <= tolerance < float("inf"):
        raise OptionError("export", f"tolerance={tolerance}", "a number, 0 or more", "pass --tolerance 1e-5")
    folder = Path(out) if out is not None else Path(run) / exporter
    runs.vacant(folder)
    opened = open_run(run)
    answer = answering(opened.assembly.net, mx.cpu())
    cases, targets, notes = _cases(opened)
    expected = [answer(*arrays)[0] for _, arrays in cases]  # imperative: before anything is hybridized
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise PathError(
            "export",
            f"{folder.parent} cannot be written ({error.strerror})",
            "a folder you may write",
            "pass --out DIR",
        ) from None
    try:
        module.write(from_net(opened.assembly.net, opened.assembly.fields), beside)
        document = _manifest(opened, exporter, beside)
        documents.write(beside / MANIFEST, document)
        given = _reopen(beside, [arrays for _, arrays in cases])
        comparisons = tuple(_compare(name, a, b) for (name, _), a, b in zip(cases, given, expected))
        metrics = _metrics(opened, targets, given[-1], expected[-1]) if targets is not None else {}
        result = Export(folder, tolerance, comparisons, metrics, notes)
        _refuse(exporter, result, given, expected)
        document["verified"] = {
            "tolerance": tolerance,
            "comparisons": [dataclasses.asdict(one) for one in comparisons],
            "metrics": metrics,
        }
        documents.write(beside / MANIFEST, document)
        beside.chmod(0o755)
        if folder.is_dir():
            folder.rmdir()  # empty, as checked
        os.replace(beside, folder)
        return result
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _cases(
    opened: Opened,
) -> tuple[list[tuple[str, tuple[np.ndarray, ...]]], np.ndarray | None, tuple[str, ...]]:
    """Inputs to compare on: random ones in several batch sizes and lengths, then held-out samples if any are read."""
    form, facts, recipe = opened.assembly.form, opened.run.facts, opened.run.recipe
    random = np.random.RandomState(0)
    cases = [(f"random, batch {size}", form.collate(form.imagine(facts, size, random), facts)) for size in BATCHES]
    try:
        samples = held_out(recipe, facts)
    except GluonRefError as error:
        return cases, None, (f"held-out data could not be read, so only random inputs were compared ({error})",)
    inputs, targets = samples.take(np.arange(min(HELD_OUT, len(samples))))
    cases.append(("held out", form.collate(inputs, facts)))
    return cases, targets, ()


def _reopen(folder: Path, cases: Sequence[tuple[np.ndarray, ...]]) -> list[np.ndarray]:
    """What the artefact answers when a fresh process opens it."""
    with tempfile.TemporaryDirectory(prefix="gluonref-") as scratch:
        source, target = Path(scratch, "in.npz"), Path(scratch, "out.npz")
        np.savez(
            source,
            **{f"{group}.{index}": array for group, arrays in enumerate(cases) for index, array in enumerate(arrays)},
        )
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
            raise VerificationError(
                "export",
                f"a fresh process could not open the artefact: {last}",
                "an artefact that opens",
                "report this as a bug",
            )
        with np.load(target, allow_pickle=False) as outputs:
            return [outputs[f"{group}.0"] for group in range(len(cases))]


def _compare(case: str, given: np.ndarray, expected: np.ndarray) -> Comparison:
    if given.shape != expected.shape:
        raise VerificationError(
            "export", f"{case}: outputs of shape {given.shape}", f"{expected.shape}", "report this as a bug"
        )
    difference = np.abs(given.astype(np.float64) - expected)
    agreement = (given.argmax(axis=-1) == expected.argmax(axis=-1)).mean()
    return Comparison(
        case,
        len(expected),
        float(difference.max()),
        float((difference / (np.abs(expected) + 1e-12)).max()),
        float(agreement),
    )


def _refuse(exporter: str, result: Export, given: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> None:
    for row, a, b in zip(result.comparisons, given, expected):
        # `not <=` rather than `>`: a NaN is refused too.
        if not (np.abs(a.astype(np.float64) - b) <= result.tolerance * (1 + np.abs(b))).all():
            raise VerificationError(
                f"export to {exporter}",
                f"{row.case}: scores differ by up to {row.absolute:.3g}",
                f"at most {result.tolerance:g} * (1 + |score|)",
                "nothing was kept; pass --tolerance if that is acceptable",
            )


def _metrics(
    opened: Opened, targets: np.ndarray, given: np.ndarray, expected: np.ndarray
) -> dict[str, dict[str, float]]:
    task = opened.assembly.task
    name = task.watch[0]
    return {
        name: {
            "network": task.metrics(task.measure(expected, targets))[name],
            "artefact": task.metrics(task.measure(given, targets))[name],
        }
    }


def _manifest(opened: Opened, exporter: str, folder: Path) -> dict[str, Any]:
    recipe = opened.run.recipe
    return {
        "format": FORMAT,
        "recipe_format": RECIPE_FORMAT,
        "exporter": exporter,
        "task": recipe["task"]["name"],
        "model": recipe["model"]["name"],
        "fields": [dataclasses.asdict(field) for field in opened.assembly.fields],
        "facts": dataclasses.asdict(opened.run.facts),
        "recipe": recipe.text(),
        "scores": {
            key: value
            for key, value in opened.run.entry("best_scores", dict).items()
            if isinstance(value, (int, float))
        },
        "versions": versions(),
        "files": {path.name: checksum(path) for path in sorted(folder.iterdir())},
    }
