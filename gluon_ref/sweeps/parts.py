"""One run of a sweep: where it is, what is there already, have it finished, what came of it."""

from __future__ import annotations

import io
import itertools
import os
import sys
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from .. import folders, logs, runs, training
from ..errors import PathError
from ..locking import locked
from ..recipe import Recipe
from . import grids
from .grids import Combination
from .tallies import Outcome

# What a run writes before its first checkpoint.
BEGUN = (runs.FACTS, runs.RECIPE, logs.LOG, "*.new", "metrics.csv", "params.csv", "tensorboard/*")


@dataclass(frozen=True)
class Part:
    """A combination with a seed.

    Args:
        folder: the run's.
        name: its folder below the sweep's.
        combination: that it is one of.
        seed: of the run.
        recipe: checked.
    """

    folder: Path
    name: str
    combination: Combination
    seed: int
    recipe: Recipe


class Quiet(io.TextIOBase):
    """A stream that leaves out the line of each epoch, and is no terminal.

    Args:
        stream: where the rest goes.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._line = stream, ""

    def write(self, text: str) -> int:
        """Pass on whole lines."""
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            if not line.startswith("epoch "):
                self._stream.write(f"{line}\n")
        return len(text)


def place(folder: Path, combination: Combination, seed: int) -> Part:
    """The run of a combination and a seed below a sweep's folder."""
    name = f"{combination.name}/seed-{seed}"
    return Part(folder / name, name, combination, seed, combination.recipe.change([(grids.SEED, seed)]).check())


def held(part: Part) -> runs.Run | None:
    """The run in a part's place; None where none has a checkpoint.

    Raises:
        PathError: when something else is there.
    """
    if not os.path.isfile(part.folder / runs.RECIPE):
        _refuse_strangers(part.folder)
        return None
    found = runs.load(part.folder)
    lines = [recipe.text().splitlines() for recipe in (found.recipe, part.recipe)]
    if lines[0] != lines[1]:
        there, here = next((a, b) for a, b in itertools.zip_longest(*lines, fillvalue="no line") if a != b)
        raise PathError(
            f"sweep: {part.folder}", f"a run with {there}", here, "move it out of the way, or pass another --out"
        )
    if not found.state:
        _refuse_strangers(part.folder)
    return found if found.state else None


def finished(run: runs.Run) -> bool:
    """Whether a run with a checkpoint has no epoch left to train."""
    settings, epoch = run.recipe.settings, run.entry("epoch", int)
    waited = settings.patience and epoch - run.entry("best_epoch", int) >= settings.patience
    return bool(epoch >= settings.epochs or (waited and not run.entry("batch", int)))


def finish(part: Part, metric: str) -> Outcome:
    """Have the run finished: from its begin, from its last checkpoint, or not at all.

    Args:
        part: the run.
        metric: the watched figure.
    """
    run, how = held(part), ""
    if run and finished(run):
        return _outcome(part, run, metric, "finished before")
    with redirect_stderr(Quiet(sys.stderr)):
        if run:
            run, how = training.resume(part.folder), "resumed"
        else:
            if os.path.isdir(part.folder):
                with locked(part.folder):
                    _clear(part.folder)
            run = training.train(part.recipe, part.folder)
    return _outcome(part, run, metric, how)


def failed(part: Part, error: str, how: str) -> Outcome:
    """What came of a run that did not finish.

    Args:
        part: the run.
        error: why.
        how: when it was found out.
    """
    return Outcome(part.combination.name, part.combination.values, str(part.folder), part.seed, how=how, error=error)


def _outcome(part: Part, run: runs.Run, metric: str, how: str) -> Outcome:
    return Outcome(
        part.combination.name,
        part.combination.values,
        str(part.folder),
        part.seed,
        best=run.entry("best", (int, float)),
        last=run.entry("scores", dict)[metric],
        best_epoch=run.entry("best_epoch", int),
        time_s=round(sum(one.get("time_s", 0) for one in logs.read(part.folder) if one.get("event") == "epoch"), 3),
        how=how,
    )


def _refuse_strangers(folder: Path) -> None:
    """Refuse a folder with anything that a run does not write before its first checkpoint."""
    mine = {path for pattern in BEGUN for path in folder.glob(pattern)}
    if os.path.lexists(folder) and (not folder.is_dir() or {*folder.iterdir()} - {*mine, folder / "tensorboard"}):
        folders.vacant(folder)


def _clear(folder: Path) -> None:
    """Take away what a run wrote that never came to a checkpoint: nothing of it would be used."""
    for pattern in BEGUN:
        for path in folder.glob(pattern):
            path.unlink()
    if os.path.isdir(folder / "tensorboard"):
        (folder / "tensorboard").rmdir()
