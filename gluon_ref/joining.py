"""How the workers of a launched run come to train the same thing: one has the run folder, the others are told."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from . import place, runs
from .beats import launched
from .errors import FitError
from .folders import writing
from .locking import locked
from .preparation import Prepared
from .workers import Group, packed, unpacked


def store(folder: Path, changes: Sequence[tuple[str, Any]]) -> str:
    """The KVStore that a resumed run is to have; a worker that has not the folder takes the usual one."""
    asked = dict(changes).get("train.kvstore")
    if not launched():
        return str(asked or "device")
    if asked is None and (folder / runs.RECIPE).is_file():
        asked = runs.load(folder).recipe.settings.kvstore
    return str(asked or place.USUAL)


@contextmanager
def opened(folder: Path) -> Iterator[Callable[[], None]]:
    """A run's folder, locked, its last checkpoint under its own names."""
    runs.load(folder)  # refuses what is no run before it is locked
    with locked(folder) as held:
        with writing(folder, "it"):
            runs.finish(runs.load(folder))  # of a run that has no epoch left, too
        yield held


@contextmanager
def handed(group: Group, folder: Path) -> Iterator[Path]:
    """What a training goes on from: the run's folder on rank 0, a copy of its last checkpoint on the others.

    Args:
        group: all of it must ask.
        folder: the run's, locked, on rank 0.
    """
    if not group.rank:
        group.broadcast(_checkpoint(folder) if group.workers > 1 else b"")
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="gluonref-") as name:
        for file, content in unpacked(group.broadcast(b"")).items():
            (Path(name) / Path(file).name).write_bytes(content.tobytes())
        yield Path(name)


def _checkpoint(folder: Path) -> bytes:
    run = runs.load(folder)
    names = [runs.FACTS, runs.STATE, *(name for name in run.entry("files", dict) if name != runs.BEST)]
    return packed({name: np.fromfile(folder / name, dtype=np.uint8) for name in names})


def alike(group: Group, prepared: Prepared) -> None:
    """Refuse workers whose recipes or data differ; all of the group must ask.

    Raises:
        FitError: on all of them.
    """
    if group.workers == 1:
        return
    facts = f"{prepared.assembly.facts} {len(prepared.data.train)} {len(prepared.data.held_out)}"
    mine = [hashlib.sha256(text.encode()).digest() for text in (prepared.recipe.text(), facts)]
    first, *others = [(one[:32], one[32:]) for one in group.gather(b"".join(mine))]
    for rank, other in enumerate(others, 1):
        for what, theirs, expected in zip(("recipe", "data"), other, first):
            if theirs != expected:
                raise FitError(
                    "train",
                    f"worker {rank} has another {what} than worker 0",
                    f"the same {what} on all hosts",
                    "give all hosts the same files and the same release",
                )
