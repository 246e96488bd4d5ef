"""How the workers of a launched run come to train the same thing: one has the run folder, the others are told."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from . import runs
from .errors import FitError
from .preparation import Prepared
from .workers import Group, packed, unpacked


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
