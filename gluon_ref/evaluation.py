"""evaluate(subject): the task's metrics of a run or an artefact on held-out data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import catalog
from .answering import open_subject
from .assembly import held_out
from .batching import batches, plan
from .errors import FitError
from .loop import measure
from .recipe import Recipe, data_changes

BATCH = 256


def evaluate(subject: str | Path, data: str | None = None) -> dict[str, Any]:
    """Measure a run or an artefact.

    Args:
        subject: folder of either.
        data: "NAME" or "NAME:PATH" to measure on instead of the held-out part it was trained beside. A data set that
            brings a held-out part is measured on that; of a file of one's own all rows are used.
    Returns:
        "task", "data", "samples", "labels" and the task's metrics by name.
    Raises:
        FitError: when the network cannot read that data, or is a model of anyone's, whose task is not known.
    """
    artefact = open_subject(subject)
    if artefact.facts is None:
        raise FitError(
            "evaluate",
            f"{subject} is of a model whose task nobody stated",
            "an artefact of a run",
            f"measure its answers yourself: gluonref predict {subject} FILE.npz --json",
        )
    recipe = change_data(artefact.recipe, data)
    elsewhere = _place(recipe) != _place(artefact.recipe)
    samples = held_out(recipe, artefact.facts, elsewhere)
    task = catalog.find("tasks", recipe["task"]["name"]).build(artefact.facts, **recipe.options("task"))
    form = catalog.find("inputs", artefact.facts.takes)
    metrics = measure(artefact.answer, task, batches(samples, plan(samples, BATCH), form, artefact.facts))
    return {
        "task": recipe["task"]["name"],
        "data": recipe["data"]["name"],
        "samples": len(samples),
        "labels": list(artefact.facts.labels),
        **metrics,
    }


def change_data(recipe: Recipe, data: str | None) -> Recipe:
    """The recipe with other data, "NAME" or "NAME:PATH"; options that belong to the same name stay."""
    if data is not None:
        recipe = recipe.change(data_changes(data))
    return recipe.check(["data"])


def _place(recipe: Recipe) -> tuple[str, str]:
    return recipe["data"]["name"], recipe["data"].get("path", "")
