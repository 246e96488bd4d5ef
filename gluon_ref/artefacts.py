"""An artefact's folder: its manifest, with a checksum of every file, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from . import catalog, documents, runs
from . import recipe as recipes
from .documents import checksum
from .errors import AlteredError
from .recipe import Recipe
from .records import Artefact, Facts, Field

MANIFEST = "manifest.json"
# 2: models of anyone's, which have neither facts nor recipe; inputs of a graph are called as the fields are.
FORMAT = 2
# What an artefact cannot be opened without.
NEEDED = {"exporter": str, "fields": list, "files": dict}
DTYPES = ("float32", "float64", "float16", "uint8", "int8", "int32", "int64", "bool")


def open_artefact(folder: Path) -> Artefact:
    """An artefact as something that answers.

    Raises:
        AlteredError: when a file is not as it was written.
        RecipeError: when a newer release wrote it.
    """
    document, place = manifest(folder), str(folder / MANIFEST)
    facts: Facts | None = None
    recipe: Recipe | None = None
    if document.get("facts") is not None:
        facts = runs.read_facts(document["facts"], place)
        recipe = recipes.parse(document["recipe"], folder.name, place).check(["task"])
    known = fields(document["fields"])
    answer: Callable[..., tuple[np.ndarray, ...]] = catalog.find("exporters", document["exporter"]).open(folder, known)
    names = tuple(document.get("outputs", ()))
    return Artefact(str(folder), document["exporter"], answer, facts, recipe, tuple(known), names)


def manifest(folder: Path) -> dict[str, Any]:
    """An artefact's manifest, after checking that every file is as it was written.

    Raises:
        AlteredError: when one is not.
        RecipeError: when a newer release wrote it.
    """
    path = folder / MANIFEST
    document = documents.read(path, FORMAT, "a manifest as `gluonref export` wrote it")
    try:
        for key, kind in NEEDED.items():
            if not isinstance(document[key], kind):
                raise TypeError(f"{key} is no {kind.__name__}")
        fields(document["fields"])
        names = document.get("outputs", [])
        if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
            raise TypeError("outputs are no names")
        if document.get("facts") is not None and not (
            isinstance(document["facts"], dict) and isinstance(document.get("recipe"), str)
        ):
            raise TypeError("facts without a recipe")
    except (ValueError, KeyError, TypeError) as error:
        raise AlteredError(
            str(path), f"not a manifest ({error!r})", "the file as `gluonref export` wrote it", "export again"
        ) from None
    for name, expected in document["files"].items():
        file = folder / name
        if not file.is_file() or checksum(file) != expected:
            raise AlteredError(
                str(file),
                "its checksum differs from the manifest's" if file.is_file() else "missing",
                "the file as it was exported",
                "restore it from a copy, or export again",
            )
    return document


def fields(entries: list[Mapping[str, Any]]) -> list[Field]:
    """The declared inputs in a manifest.

    Raises:
        KeyError, TypeError, ValueError: when they are none.
    """
    found = []
    for one in entries:
        name, shape, dtype, batch = one["name"], tuple(one["shape"]), one["dtype"], one.get("batch", 0)
        if not isinstance(name, str) or dtype not in DTYPES or not all(type(size) is int for size in (*shape, batch)):
            raise ValueError(f"field {name!r}")
        found.append(Field(name, shape, dtype, batch))
    return found
