"""sweep(recipe): every combination of some values times some seeds, one run after another; the same call goes on."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import catalog, documents, folders
from .errors import DivergedError, FitError, GluonRefError, Interrupted, MachineError, PathError
from .locking import locked
from .preparation import prepare
from .recipe import Recipe
from .sweeps import grids, parts, tallies
from .sweeps.parts import Part
from .sweeps.tallies import Outcome

ASKED, FAILED, TABLE = "sweep.json", "failures.json", "sweep.csv"
HELD = "the file as the sweep wrote it"
# MXNet names a constant by its id, which Python gives again once the network before is gone.
REUSED = ".*New initializer mxnet.gluon.parameter.Init"


def sweep(
    recipe: Recipe, settings: Sequence[tuple[str, str]], out: str | Path | None = None, *, seeds: int = 1
) -> dict[str, Any]:
    """Train every combination of values with every seed.

    Runs that the folder holds already are kept; one that was interrupted goes on. A run that fails is noted, and the
    next one begins; one whose loss was no longer finite is not tried again, unless its folder is taken away.

    Args:
        recipe: read and changed.
        settings: ("section.key", text of one or more values), as `grids.read` takes them.
        out: folder of the sweep; sweeps/NAME when None.
        seeds: runs of each combination, 1 or more: seeds 0, 1, ...
    Returns:
        what `tallies.tally` says of all runs, "sweep", the folder, and "recipe".
    Raises:
        RequestError: when a combination cannot be trained, or the folder holds another sweep; nothing was written then.
        MachineError: when the sweep's own files cannot be written.
        Interrupted: when a signal asked to stop.
    """
    folder = Path(out) if out is not None else Path("sweeps") / Path(recipe.name).name
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=REUSED)
            found = _sweep(recipe, grids.read(recipe, settings), folder, seeds)
    except KeyboardInterrupt:
        raise _stopped(folder, signal.SIGINT) from None
    return {"sweep": str(folder), "recipe": recipe.name, **found}


def _sweep(recipe: Recipe, values: Mapping[str, Sequence[str]], folder: Path, seeds: int) -> dict[str, Any]:
    asked = grids.request(recipe, values, seeds)
    _agree(folder, asked)
    several = [parts.place(folder, one, seed) for one in grids.combine(recipe, values) for seed in range(seeds)]
    watch = _check(several)
    _make(folder)
    with locked(folder):
        with _writing(folder):
            documents.write(folder / ASKED, asked)
        found = tallies.tally(_train(folder, several, watch[0]), watch)
        with _writing(folder):
            documents.replace(folder / TABLE, tallies.table(found).encode())
    return found


def _agree(folder: Path, asked: Mapping[str, Any]) -> None:
    """Refuse a folder that holds something else, or a sweep of which the request is no continuation."""
    if not os.path.lexists(folder / ASKED):
        if not folder.is_dir() or os.listdir(folder) != [f"{ASKED}.new"]:  # a kill may leave that
            folders.vacant(folder)
        return
    for difference in grids.differences(asked, documents.read(folder / ASKED, grids.FORMAT, HELD)):
        raise PathError(
            f"sweep {folder}",
            difference,
            "the sweep that it holds, with more values or seeds at most",
            "ask as before, or pass another --out",
        )


def _check(several: Sequence[Part]) -> tuple[str, str]:
    """Build once what each combination trains, and refuse folders in the runs' places that hold something else.

    Returns:
        the figure that decides which is best, and "max" or "min".
    """
    watches: dict[tuple[str, str], str] = {}
    for name, group in itertools.groupby(several, lambda part: part.combination.name):
        alike = list(group)
        held = [parts.held(part) for part in alike]
        recipe = alike[0].recipe
        if held[0] and all(run and parts.finished(run) for run in held):
            task = catalog.find("tasks", recipe["task"]["name"]).build(held[0].facts, **recipe.options("task"))
        else:
            task = prepare(recipe).assembly.task
        watches.setdefault(task.watch, name)
    if len(watches) > 1:
        told = [f"{name} is told by {metric} ({order})" for (metric, order), name in watches.items()]
        raise FitError("sweep", ", ".join(told), "combinations that one figure compares", "sweep each task by itself")
    return next(iter(watches))


def _train(folder: Path, several: Sequence[Part], metric: str) -> list[Outcome]:
    """Have every run finished or failed, with a line on standard error for each."""
    exists = os.path.lexists(folder / FAILED)
    held = documents.read(folder / FAILED, grids.FORMAT, HELD)["runs"] if exists else {}
    failures = {name: error for name, error in held.items() if (folder / name).is_dir()}
    outcomes = []
    for number, part in enumerate(several, 1):
        print(f"run {number}/{len(several)}  {part.name}", end="  ", file=sys.stderr, flush=True)
        outcomes.append(_one(folder, part, metric, failures))
        print(_sentence(outcomes[-1], metric), file=sys.stderr)
        if failures != held:
            with _writing(folder):
                documents.write(folder / FAILED, {"format": grids.FORMAT, "runs": failures})
            held = dict(failures)
    return outcomes


def _one(folder: Path, part: Part, metric: str, failures: dict[str, dict[str, str]]) -> Outcome:
    """Have one run finished or failed, and note or forget its failure."""
    before = failures.pop(part.name, {})
    if before.get("kind") == DivergedError.__name__:  # it would again
        failures[part.name] = before
        return parts.failed(part, before["error"], "failed before")
    try:
        return parts.finish(part, metric)
    except Interrupted as stop:
        print("stopped", file=sys.stderr)
        raise _stopped(folder, stop.exit_code - 128) from None
    except GluonRefError as error:
        failures[part.name] = {"kind": type(error).__name__, "error": str(error)}
        return parts.failed(part, str(error), "failed")


def _sentence(one: Outcome, metric: str) -> str:
    if one.error:
        return f"{one.how}: {one.error}"
    return f"{metric} {one.best:.4f} best, {one.last:.4f} last  {one.time_s:.1f} s" + (one.how and f"  ({one.how})")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PathError(
            "sweep", f"--out {folder} cannot be made ({error.strerror})", "a folder you may write", "pass another --out"
        ) from None


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MachineError(
            f"sweep {folder}",
            f"cannot be written ({error.strerror})",
            "room and the right to write there",
            "mend that, then give the same command again; finished runs are kept",
        ) from None


def _stopped(folder: Path, number: int) -> Interrupted:
    return Interrupted(number, f"sweep {folder}", "the same command goes on from here; finished runs are kept")
