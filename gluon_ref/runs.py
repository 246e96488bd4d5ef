"""The run folder: its files, written so that a kill at any moment leaves the last checkpoint whole.

    run.toml              the complete recipe
    facts.json            what the data was
    state.json            where the run stands, and the checksum of every file of the checkpoint
    weights-last.params   after the last epoch
    weights-best.params   of the best epoch so far
    trainer-0.states      the optimizer's arrays, one file per objective
    log.jsonl             one record per line

A checkpoint is written beside the old one as FILE.new, then state.json is replaced, which is the moment
it counts, then the new files take their names. `load` finishes what a kill interrupted in between.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

from . import recipe as recipes
from .backend import versions
from .errors import AlteredError, OptionError, PathError
from .options import convert
from .recipe import Recipe
from .records import Facts

FORMAT = 1
RECIPE, FACTS, STATE, LOG = "run.toml", "facts.json", "state.json", "log.jsonl"
LAST, BEST = "weights-last.params", "weights-best.params"


@dataclass(frozen=True)
class Run:
    """An opened run folder; `state` is empty before the first checkpoint."""

    folder: Path
    recipe: Recipe
    facts: Facts
    state: Mapping[str, Any]

    def entry(self, name: str, kind: type | tuple[type, ...]) -> Any:
        """What state.json has under a name.

        Raises:
            AlteredError: when it is missing or of another type.
        """
        value = self.state.get(name)
        if not isinstance(value, kind):
            raise AlteredError(
                str(self.folder / STATE),
                f"{name} is {value!r}",
                "the file as the run wrote it",
                "restore it from a copy, or train again",
            )
        return value

    def file(self, name: str) -> Path:
        """A file of the last checkpoint.

        Raises:
            PathError: when the run has no checkpoint yet, or not this file.
            AlteredError: when it is not what the checkpoint wrote.
        """
        expected = self.entry("files", dict).get(name) if self.state else None
        if expected is None:
            raise PathError(
                f"run {self.folder}",
                f"holds no {name}",
                "a run that has finished an epoch",
                "train it for at least one epoch",
            )
        path = self.folder / name
        if not path.is_file() or checksum(path) != expected:
            raise AlteredError(
                str(path),
                "missing" if not path.is_file() else "its checksum differs from state.json's",
                "the file as the run wrote it",
                "restore it from a copy, or train again",
            )
        return path


def create(folder: Path, recipe: Recipe, facts: Facts) -> None:
    """A new run folder with recipe and facts.

    Raises:
        PathError: when the folder exists and holds anything, or cannot be made.
    """
    vacant(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace(
            folder / FACTS,
            json.dumps({"format": FORMAT, "versions": versions(), **dataclasses.asdict(facts)}, indent=1).encode(),
        )
        replace(folder / RECIPE, recipe.text().encode())
    except OSError as error:
        raise PathError(
            "train",
            f"--out {folder} cannot be written ({error.strerror})",
            "a folder you may write",
            "pass another --out",
        ) from None


def vacant(folder: Path) -> None:
    """Refuse a folder that holds anything.

    Raises:
        PathError: when it does, or is a file, or cannot be looked into.
    """
    try:
        taken = os.listdir(folder) if os.path.isdir(folder) else os.path.lexists(folder)
    except OSError as error:
        raise PathError(
            "--out", f"{folder} cannot be read ({error.strerror})", "a folder you may read", "pass another --out"
        ) from None
    if taken:
        raise PathError(
            "--out",
            f"{folder} exists",
            "a new or empty folder; nothing is overwritten",
            "pass another --out, or remove it",
        )


def free(parent: Path, name: str) -> Path:
    """parent/name, or the first of parent/name-2, -3 ... that does not exist."""
    number = 1
    while os.path.lexists(folder := parent / (name if number == 1 else f"{name}-{number}")):
        number += 1
    return folder


def load(folder: Path) -> Run:
    """Open a run folder, and finish a checkpoint whose writing was cut off after it counted.

    Raises:
        PathError: when it is no run folder.
        AlteredError: when one of its files is damaged.
        RecipeError: when a newer release wrote it.
    """
    if not os.path.isfile(folder / RECIPE):
        raise PathError(
            f"run {folder}",
            "no run.toml in it" if os.path.isdir(folder) else "no such folder",
            "a folder that `gluonref train` made",
            "check the path; `gluonref train cnn --out DIR` makes one",
        )
    recipe = recipes.read(str(folder / RECIPE)).check()
    facts = read_facts(_json(folder / FACTS), str(folder / FACTS))
    state = _json(folder / STATE) if (folder / STATE).is_file() else {}
    recipes.check_format(state.get("format", FORMAT), FORMAT, str(folder / STATE))
    run = Run(folder, recipe, facts, state)
    for name, expected in run.entry("files", dict).items() if state else ():
        fresh = folder / f"{name}.new"
        if fresh.is_file() and checksum(fresh) == expected:
            os.replace(fresh, folder / name)
    return run


def commit(folder: Path, state: Mapping[str, Any], writers: Mapping[str, Callable[[str], None]]) -> None:
    """Write a checkpoint: all of it, or none.

    Args:
        folder: the run's.
        state: what to put in state.json beside the checksums.
        writers: file name -> function that writes it to a path. Files of the checkpoint before that are
            not written again stay part of it.
    """
    old = _json(folder / STATE) if (folder / STATE).is_file() else {}
    files = dict(old.get("files", {}))
    for name, write in writers.items():
        fresh = folder / f"{name}.new"
        write(str(fresh))
        _sync(fresh)
        files[name] = checksum(fresh)
    replace(folder / STATE, json.dumps({"format": FORMAT, **state, "files": files}, indent=1).encode())
    for name in writers:
        os.replace(folder / f"{name}.new", folder / name)


def replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_bytes(content)
    _sync(fresh)
    os.replace(fresh, path)


def append(folder: Path, record: Mapping[str, Any]) -> None:
    """Add a line to the log; non-finite numbers are refused, as JSON has none."""
    with open(folder / LOG, "a", encoding="utf-8") as file:
        file.write(json.dumps(record, allow_nan=False) + "\n")


def cut_log(folder: Path, epoch: int) -> None:
    """Drop what the log says of later epochs than a run is resumed from."""
    path = folder / LOG
    if path.is_file():
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        kept = [line for line in lines if _epoch(line) <= epoch]
        replace(path, "".join(f"{line}\n" for line in kept).encode())


def checksum(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_facts(document: Mapping[str, Any], where: str) -> Facts:
    """Facts from their JSON.

    Raises:
        AlteredError: when it is not what `create` wrote.
        RecipeError: when a newer release wrote it.
    """
    recipes.check_format(document.get("format", FORMAT), FORMAT, where)
    kinds = get_type_hints(Facts)
    try:
        values = {key: convert(key, document[key], kind) for key, kind in kinds.items() if key in document}
        return Facts(**values)
    except (TypeError, OptionError) as error:
        raise AlteredError(
            where, str(error), "the facts of a data set", "restore it from a copy, or train again"
        ) from None


def _json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AlteredError(
            str(path),
            f"not readable as JSON ({error})",
            "the file as the run wrote it",
            "restore it from a copy, or train again",
        ) from None
    if not isinstance(document, dict):
        raise AlteredError(
            str(path), "not a JSON object", "the file as the run wrote it", "restore it from a copy, or train again"
        )
    return document


def _epoch(line: str) -> float:
    try:
        return float(json.loads(line)["epoch"])
    except (ValueError, KeyError, TypeError):
        return float("inf")  # a line cut off by a kill


def _sync(path: Path) -> None:
    with open(path, "rb") as file:
        os.fsync(file.fileno())
