"""evaluate(subject): the task's metrics of a run or an artefact on held-out data."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from . import catalog
from .answering import open_subject
from .assembly import load_data
from .batching import batches, plan
from .errors import FitError
from .loop import measure
from .recipe import Recipe
from .records import Artefact, Facts, Samples

BATCH = 256


def evaluate(subject: str | Path, data: str | None = None) -> dict[str, Any]:
    """Measure a run or an artefact.

    Args:
        subject: folder of either.
        data: "NAME" or "NAME:PATH" to measure on instead of the held-out part it was trained beside. A data set that
            brings a held-out part is measured on that; of a file of one's own all rows are used.
    Returns:
        "task", "data", "samples" and the task's metrics by name.
    Raises:
        FitError: when the network cannot read that data.
    """
    artefact = open_subject(subject)
    recipe = change_data(artefact.recipe, data)
    elsewhere = _place(recipe) != _place(artefact.recipe)
    samples = held_out(artefact, recipe, elsewhere)
    task = catalog.find("tasks", recipe["task"]["name"]).build(artefact.facts, **recipe.options("task"))
    form = catalog.find("inputs", artefact.facts.takes)
    metrics = measure(artefact.answer, task, batches(samples, plan(samples, BATCH), form, artefact.facts))
    return {"task": recipe["task"]["name"], "data": recipe["data"]["name"], "samples": len(samples), **metrics}


def change_data(recipe: Recipe, data: str | None) -> Recipe:
    """The recipe with other data, "NAME" or "NAME:PATH"; options that belong to the same name stay."""
    if data is not None:
        name, _, path = data.partition(":")
        recipe = recipe.change([("data.name", name), ("data.path", path)])
    return recipe.check(["data"])


def held_out(artefact: Artefact, recipe: Recipe, elsewhere: bool = False) -> Samples:
    """The held-out part of a recipe's data, as the artefact's network reads it.

    Args:
        artefact: what will answer.
        recipe: checked; says which data.
        elsewhere: the data is not what the network was trained on.
    Raises:
        FitError: when the data is of another kind.
    """
    loaded = load_data(recipe, artefact.facts if elsewhere else None)
    alike = ("takes", "target", "shape", "labels", "columns")
    differing = [name for name in alike if getattr(loaded.facts, name) != getattr(artefact.facts, name)]
    if differing or not _same_encoding(loaded.facts, artefact.facts):
        name = differing[0] if differing else "vocab"
        raise FitError(
            f"evaluate {artefact.path} on data {recipe['data']['name']}",
            f"{name} {_short(getattr(loaded.facts, name))}",
            f"{_short(getattr(artefact.facts, name))}, as in training",
            "give data of the same kind",
        )
    if not len(loaded.held_out):
        raise FitError(f"data {recipe['data']['name']}", "no held-out samples", "at least one", "check the file")
    return loaded.held_out


def _place(recipe: Recipe) -> tuple[str, str]:
    return recipe["data"]["name"], recipe["data"].get("path", "")


def _same_encoding(one: Facts, other: Facts) -> bool:
    keys = ("vocab", "split", "length")
    return all(dataclasses.asdict(one)[key] == dataclasses.asdict(other)[key] for key in keys)


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
