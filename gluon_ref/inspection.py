"""inspect(path): what a run, an artefact or a symbol file is made of, without running it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from . import runs
from .answering import open_run
from .artefacts import MANIFEST, manifest
from .errors import PathError
from .exports.surveying import survey


def inspect(path: str | Path) -> dict[str, Any]:
    """What a folder or file holds.

    Args:
        path: a run folder, an artefact's folder, or a NET-symbol.json.
    Returns:
        "kind" ("run", "artefact" or "symbol") and what there is to say of it.
    Raises:
        PathError: when it is none of these.
    """
    place = Path(path)
    if os.path.isfile(place / MANIFEST):
        return _artefact(place)
    if os.path.isfile(place / runs.RECIPE):
        return _run(place)
    if os.path.isfile(place):
        return survey(place)
    raise PathError(
        str(path),
        "neither a run, an artefact nor a file" if os.path.exists(place) else "no such folder or file",
        "a run folder, an artefact's folder, or a NET-symbol.json",
        "check the path",
    )


def _run(folder: Path) -> dict[str, Any]:
    run = runs.load(folder)
    found: dict[str, Any] = {
        "kind": "run",
        "recipe": run.recipe.name,
        "task": run.recipe["task"]["name"],
        "model": run.recipe["model"]["name"],
        "data": run.recipe["data"]["name"],
        "takes": run.facts.takes,
        "labels": len(run.facts.labels),
    }
    if not run.state:
        return {**found, "epochs": 0}
    params = {
        name: param.data().shape for name, param in open_run(folder).assembly.net._collect_params_with_prefix().items()
    }
    scores = {name: value for name, value in run.entry("best_scores", dict).items() if isinstance(value, (int, float))}
    return {
        **found,
        "epochs": run.entry("epoch", int),
        "best_epoch": run.entry("best_epoch", int),
        "best": run.entry("best", (int, float)),
        "scores": scores,
        **_count(params),
        "files": {name: run.file(name).stat().st_size for name in sorted(run.entry("files", dict))},
    }


def _artefact(folder: Path) -> dict[str, Any]:
    document = manifest(folder)
    keys = ("exporter", "task", "model", "fields", "outputs", "options", "written", "scores", "versions", "verified")
    facts = document.get("facts")
    return {
        "kind": "artefact",
        **{key: document[key] for key in keys if document.get(key)},
        **({"labels": len(runs.read_facts(facts, str(folder / MANIFEST)).labels)} if facts else {}),
        "files": {name: (folder / name).stat().st_size for name in document["files"]},
    }


def _count(params: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    sizes = {}
    for name, shape in params.items():
        size = 1
        for axis in shape:
            size *= axis
        sizes[name] = size
    return {"parameters": sum(sizes.values()), "arrays": {name: list(shape) for name, shape in params.items()}}
