"""Open a run or an artefact as something that answers: arrays in, arrays out, with no case per format.

As a program it answers for another process: `python -m gluon_ref.answering ARTEFACT IN.npz OUT.npz`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import catalog, documents, runs
from . import recipe as recipes
from .assembly import Assembly, assemble, fill
from .backend import mx
from .documents import checksum
from .errors import AlteredError, PathError
from .loop import answering
from .recipe import Recipe
from .records import Artefact, Facts, Field

MANIFEST = "manifest.json"
FORMAT = 1
# What an artefact cannot be opened without.
NEEDED = {"exporter": str, "fields": list, "facts": dict, "recipe": str, "files": dict}
DTYPES = ("float32", "float64", "float16", "uint8", "int8", "int32", "int64")


@dataclass(frozen=True)
class Opened:
    """A run's network, imperative, beside what it was assembled from."""

    run: runs.Run
    assembly: Assembly


def open_subject(path: str | Path) -> Artefact:
    """A run folder (its best weights, hybridized) or an artefact's folder.

    Raises:
        PathError: when it is neither.
        AlteredError: when a file does not have the checksum it was written with.
    """
    folder = Path(path)
    if os.path.isfile(folder / MANIFEST):
        return _artefact(folder)
    if not os.path.isfile(folder / runs.RECIPE):
        raise PathError(
            str(path),
            "neither a run nor an artefact" if os.path.exists(folder) else "no such folder",
            f"a folder with {runs.RECIPE} or {MANIFEST}",
            "check the path; `gluonref train` makes runs, `gluonref export` artefacts",
        )
    opened = open_run(folder)
    opened.assembly.net.hybridize(static_alloc=True)
    return Artefact(str(path), "run", answering(opened.assembly.net, mx.cpu()), opened.run.facts, opened.run.recipe)


def open_run(folder: str | Path) -> Opened:
    """A run's network with its best weights, on the CPU, not hybridized."""
    run = runs.load(Path(folder))
    assembly = assemble(run.recipe, run.facts, fresh=False)
    fill(assembly.net, run.file(runs.BEST), [mx.cpu()])
    return Opened(run, assembly)


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
        fields(document)
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


def fields(document: Mapping[str, Any]) -> list[Field]:
    """The network's declared inputs in a manifest.

    Raises:
        KeyError, TypeError, ValueError: when they are none.
    """
    found = []
    for one in document["fields"]:
        name, shape, dtype = one["name"], tuple(one["shape"]), one["dtype"]
        if not isinstance(name, str) or dtype not in DTYPES or not all(type(size) is int for size in shape):
            raise ValueError(f"field {name!r}")
        found.append(Field(name, shape, dtype))
    return found


def _artefact(folder: Path) -> Artefact:
    document = manifest(folder)
    facts: Facts = runs.read_facts(document["facts"], str(folder / MANIFEST))
    recipe: Recipe = recipes.parse(document["recipe"], folder.name, str(folder / MANIFEST)).check(["task"])
    opened = catalog.find("exporters", document["exporter"]).open
    answer: Callable[..., tuple[np.ndarray, ...]] = opened(folder, fields(document))
    return Artefact(str(folder), document["exporter"], answer, facts, recipe)


def main(arguments: Sequence[str]) -> None:
    """Answer each numbered group of arrays in IN.npz ("0.0", "0.1", "1.0" ...), and write OUT.npz alike."""
    path, source, target = arguments
    subject = open_subject(path)
    with np.load(source, allow_pickle=False) as arrays:
        groups: dict[int, list[np.ndarray]] = {}
        for name in sorted(arrays.files, key=lambda one: tuple(map(int, one.split(".")))):
            groups.setdefault(int(name.split(".")[0]), []).append(arrays[name])
    outputs = {
        f"{group}.{index}": output
        for group, inputs in groups.items()
        for index, output in enumerate(subject.answer(*inputs))
    }
    np.savez(target, **outputs)


if __name__ == "__main__":
    main(sys.argv[1:])
