"""From a checked recipe to built objects: data, task and network, and whether they fit together."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from . import arrays, catalog
from .backend import mx
from .errors import AlteredError, FitError, reason
from .recipe import Recipe
from .records import Data, Facts, Field, Samples, Task

# What may differ between the data of training and other data of the same kind.
STATISTICS = ("mean", "std", "target_mean", "target_std", "column", "counts", "mirror")


@dataclass(frozen=True)
class Assembly:
    """A task and an uninitialized network for some facts, and the input form between data and network."""

    facts: Facts
    task: Task
    net: Any
    form: ModuleType

    @property
    def fields(self) -> tuple[Field, ...]:
        """The network's declared inputs, in order."""
        return tuple(self.form.fields(self.facts))


def load_data(recipe: Recipe, known: Facts | None = None) -> Data:
    """The data of a recipe.

    Args:
        recipe: checked.
        known: facts of a network's training part; given to data sets that encode by them.
    """
    load = catalog.find("data", recipe["data"]["name"]).load
    extra = {"known": known} if known and "known" in inspect.signature(load).parameters else {}
    data: Data = load(recipe["data"]["path"], **extra, **recipe.options("data"))
    if known or data.facts.target != "label" or data.facts.counts:
        return data
    counts = np.bincount(data.train.targets, minlength=len(data.facts.labels))
    return dataclasses.replace(data, facts=dataclasses.replace(data.facts, counts=tuple(counts.tolist())))


def held_out(recipe: Recipe, facts: Facts, elsewhere: bool = False) -> Samples:
    """The held-out part of `data_of`."""
    return data_of(recipe, facts, elsewhere).held_out


def data_of(recipe: Recipe, facts: Facts, elsewhere: bool = False) -> Data:
    """A recipe's data, as a network for `facts` reads it; of its held-out part there is at least one sample.

    Args:
        recipe: its data section checked.
        facts: of the data the network was trained on.
        elsewhere: the recipe's data is another.
    Raises:
        FitError: when the data is of another kind, or no longer what it was in training.
    """
    name = recipe["data"]["name"]
    loaded = load_data(recipe, facts if elsewhere else None)
    for key, expected in dataclasses.asdict(facts).items():
        given = getattr(loaded.facts, key)
        if given != expected and not (elsewhere and key in STATISTICS):
            raise FitError(
                f"data {name}",
                f"{key} {_short(given)}",
                f"{_short(expected)}, as in training",
                "give data of the same kind"
                if elsewhere
                else "put the data of training back, or name other data with --data",
            )
    if not len(loaded.held_out):
        raise FitError(f"data {name}", "no held-out samples", "at least one", "check the file")
    return loaded


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def assemble(recipe: Recipe, facts: Facts, fresh: bool = True) -> Assembly:
    """Task and network of a recipe, for these facts.

    Args:
        recipe: its task and model sections checked.
        facts: of the data.
        fresh: the network starts here; else its weights come from a run, and options that a model names in STARTS,
            files to start from, are left out: they may be gone, or a stranger's.
    Raises:
        FitError: when data, task and model do not fit together.
    """
    task_name, model_name, data_name = (recipe[section]["name"] for section in ("task", "model", "data"))
    task = catalog.find("tasks", task_name).build(facts, **recipe.options("task"))
    model = catalog.find("models", model_name)
    for constant in ("TAKES", "GIVES"):
        if not hasattr(model, constant):
            raise FitError(
                f"model {model_name}",
                f"its file has no {constant}",
                'TAKES, the inputs it reads, and GIVES, as in TAKES = ("vector",) and GIVES = "scores"',
                f"add {constant} to it",
            )
    if facts.target not in task.reads:
        raise FitError(
            f"task {task_name} with data {data_name}",
            f"samples carry {facts.target}",
            " or ".join(task.reads),
            _choices("task", [n for n in catalog.names("tasks") if facts.target in _reads(n, facts)]),
        )
    if facts.takes not in model.TAKES:
        raise FitError(
            f"model {model_name} with data {data_name}",
            f"samples are {facts.takes}",
            " or ".join(model.TAKES),
            _choices("model", [n for n in catalog.names("models") if facts.takes in catalog.find("models", n).TAKES]),
        )
    if task.needs != model.GIVES:
        raise FitError(
            f"model {model_name} for task {task_name}",
            f"gives {model.GIVES}",
            task.needs,
            _choices("model", [n for n in catalog.names("models") if task.needs == catalog.find("models", n).GIVES]),
        )
    starts = () if fresh else getattr(model, "STARTS", ())
    given = {name: value for name, value in recipe.options("model").items() if name not in starts}
    return Assembly(facts, task, model.build(facts, **given), catalog.find("inputs", facts.takes))


def fill(net: Any, weights: Path, contexts: Sequence[Any]) -> None:
    """Put the weights of a file into a network, on these contexts.

    Raises:
        DataError: when the file is no file of arrays.
        AlteredError: when they are another network's.
    """
    arrays.check(weights)
    try:
        net.load_parameters(str(weights), ctx=list(contexts))
    except (AssertionError, ValueError, mx.base.MXNetError) as error:
        raise AlteredError(
            str(weights), reason(error), "weights of the recipe's network", "restore run.toml as the run wrote it"
        ) from None


def _reads(name: str, facts: Facts) -> tuple[str, ...]:
    task: Task = catalog.find("tasks", name).build(facts)
    return task.reads


def _choices(section: str, names: list[str]) -> str:
    return f"pass --set {section}.name={' or '.join(names)}" if names else f"no {section} here fits; write one"
