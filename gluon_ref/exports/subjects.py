"""What an export is held against: a network, inputs to compare on, and what the network itself answers."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__, catalog, runs
from ..answering import Opened, open_run
from ..assembly import assemble, data_of, fill
from ..backend import mx, versions
from ..batching import batches, plan
from ..errors import GluonRefError
from ..loop import answering, figures
from ..recipe import FORMAT as RECIPE_FORMAT
from ..records import Facts, Samples, Source, Task
from .sources import from_net

Arrays = tuple[np.ndarray, ...]
BATCH = 256
MOST_SAMPLES = 10_000
MOST_BYTES = 1 << 28  # of held-out inputs in memory
CALIBRATION, CALIBRATION_BATCH = 512, 64
# Figures where no task is known, the highest best: the share of samples whose largest output is where the network's is,
# and the mean cosine of the angle to the network's output, by which embeddings are compared.
LIKENESS = ("agreement", "similarity")
HELD_OUT = "held out"


@dataclass(frozen=True)
class Case:
    """Inputs that network and artefact both answer.

    Args:
        name: a row of the table.
        groups: batches; each an array per declared input.
        expected: what the network answers to each: the first outputs of the artefact are held against them.
    """

    name: str
    groups: Sequence[Arrays]
    expected: Sequence[Arrays]


@dataclass(frozen=True)
class Subject:
    """What is exported, and what it is held against.

    Args:
        source: for the exporter.
        cases: the last one is of real samples if `measure` is given.
        document: what the manifest says of it.
        measure: figures by name for an artefact's answers to the last case; None where nothing is known to measure.
        watch: the figure that must be kept, and "max" or "min".
        notes: what the person should know.
    """

    source: Source
    cases: Sequence[Case]
    document: Mapping[str, Any]
    measure: Callable[[Sequence[Arrays]], dict[str, float]] | None = None
    watch: tuple[str, str] = ("", "max")
    notes: tuple[str, ...] = field(default=())


def of_run(folder: str | Path, calibrated: bool) -> Subject:
    """A run, with its best weights.

    Args:
        folder: of the run.
        calibrated: samples of the training part are needed.
    """
    opened = open_run(folder)
    assembly, recipe, facts = opened.assembly, opened.run.recipe, opened.run.facts
    answer = answering(assembly.net, mx.cpu())
    trials = assembly.form.trials(facts, np.random.RandomState(0))
    cases = [_case(name, [assembly.form.collate(inputs, facts)], answer) for name, inputs in trials]
    measure: Callable[[Sequence[Arrays]], dict[str, float]] | None = None
    notes: tuple[str, ...] = ()
    calibration: tuple[Arrays, ...] = ()
    try:
        data = data_of(recipe, facts)
        groups, targets = _groups(data.held_out, facts, assembly.form)
        cases.append(_case(HELD_OUT, groups, answer))
        measure = _measure(assembly.task, targets)
        calibration = _calibration(data.train, facts, assembly.form) if calibrated else ()
    except GluonRefError as error:
        notes = (f"held-out data could not be read, so only made-up inputs were compared ({error})",)
    classes = facts.target == "label"
    document = _document(opened)
    source = from_net(_traceable(opened), assembly.fields, classes, _about(opened, document), calibration)
    return Subject(source, cases, document, measure, assembly.task.watch, notes)


def _traceable(opened: Opened) -> Any:
    """The network, or another with the same weights where its own has steps that no graph holds."""
    recipe = opened.run.recipe
    exported = getattr(catalog.find("models", recipe["model"]["name"]), "EXPORTED", {})
    if all(recipe["model"].get(name) == value for name, value in exported.items()):
        return opened.assembly.net
    changed = recipe.change([(f"model.{name}", value) for name, value in exported.items()]).check(["task", "model"])
    net = assemble(changed, opened.run.facts, fresh=False).net
    fill(net, opened.run.file(runs.BEST), [mx.cpu()])
    return net


def _case(name: str, groups: Sequence[Arrays], answer: Callable[..., Arrays]) -> Case:
    return Case(name, groups, [answer(*arrays) for arrays in groups])


def _groups(samples: Samples, facts: Facts, form: Any) -> tuple[list[Arrays], list[np.ndarray]]:
    """Batches of the held-out part, as many as fit into memory, and their targets."""
    groups, targets, count, size = [], [], 0, 0
    for batch in batches(samples, plan(samples, BATCH), form, facts):
        groups.append(batch.inputs)
        targets.append(batch.targets)
        count, size = count + batch.size, size + sum(array.nbytes for array in batch.inputs)
        if count >= MOST_SAMPLES or size >= MOST_BYTES:
            break
    return groups, targets


def _measure(task: Task, targets: Sequence[np.ndarray]) -> Callable[[Sequence[Arrays]], dict[str, float]]:
    def measure(answers: Sequence[Arrays]) -> dict[str, float]:
        found = figures(task, ((outputs[0], wanted) for outputs, wanted in zip(answers, targets)))
        return {name: value for name, value in found.items() if isinstance(value, float)}

    return measure


def _calibration(samples: Samples, facts: Facts, form: Any) -> tuple[Arrays, ...]:
    """Batches of the training part, drawn over all of it."""
    drawn = np.random.RandomState(0).permutation(len(samples))[:CALIBRATION]
    order = [np.sort(drawn[at : at + CALIBRATION_BATCH]) for at in range(0, len(drawn), CALIBRATION_BATCH)]
    return tuple(batch.inputs for batch in batches(samples, order, form, facts))


def _document(opened: Opened) -> dict[str, Any]:
    recipe = opened.run.recipe
    scores = opened.run.entry("best_scores", dict)
    return {
        "recipe_format": RECIPE_FORMAT,
        "task": recipe["task"]["name"],
        "model": recipe["model"]["name"],
        "facts": dataclasses.asdict(opened.run.facts),
        "recipe": recipe.text(),
        "scores": {key: value for key, value in scores.items() if isinstance(value, (int, float))},
    }


def _about(opened: Opened, document: Mapping[str, Any]) -> dict[str, str]:
    """What an artefact says of itself without its manifest; where the data lay is nobody's business."""
    recipe, facts = opened.run.recipe, opened.run.facts
    sections = {**recipe.sections, "data": {"name": recipe["data"]["name"]}}
    return {
        **about(document["model"]),
        "task": document["task"],
        "recipe": dataclasses.replace(recipe, sections=sections).text(),
        "takes": facts.takes,
        "labels": json.dumps(facts.labels, ensure_ascii=False),
        "facts": json.dumps(document["facts"], ensure_ascii=False),
    }


def about(model: str) -> dict[str, str]:
    """What there is to say of any model: its name, and what it was exported by."""
    return {"model": model, "exported_by": f"gluon_ref {__version__}", "versions": json.dumps(versions())}


def likeness(expected: Iterable[Arrays]) -> Callable[[Sequence[Arrays]], dict[str, float]]:
    """A measure of the first output where no task is known, as LIKENESS lists them."""
    wanted = list(expected)

    def measure(answers: Sequence[Arrays]) -> dict[str, float]:
        pairs = [(given[0], one[0]) for given, one in zip(answers, wanted)]
        same = np.concatenate([(top(given) == top(one)).ravel() for given, one in pairs])
        return {
            "agreement": float(np.mean(same)),
            "similarity": float(np.mean(np.concatenate([*map(_cosines, pairs)]))),
        }

    return measure


def _cosines(pair: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Of each sample's numbers in both arrays; 1 where all are 0 in both, 0 where they are in one."""
    a, b = (one.reshape(len(one), -1).astype(np.float64) for one in pair)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    alike = (a == b).all(axis=1)
    return np.where(alike, 1.0, (a * b).sum(axis=1) / np.where(lengths, lengths, 1))


def top(outputs: np.ndarray) -> np.ndarray:
    """Where each sample's largest score is: classes are on axis 1."""
    return np.asarray(outputs.argmax(axis=1 if outputs.ndim > 1 else 0))
