"""A run as a report shows it: its recipe and log, and what its best weights do on held-out samples."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import runs
from ..answering import Opened, open_run
from ..assembly import held_out
from ..backend import mx
from ..errors import DataError, GluonRefError, PathError
from ..loop import answering
from ..options import spell_value
from ..recipe import SECTIONS, Recipe
from ..records import Facts
from . import exhibits, history
from .examining import Findings, examine
from .exhibits import Exhibit
from .history import History


@dataclass(frozen=True)
class Review:
    """What there is to say of a run.

    Args:
        name: what it is called among the runs of a report.
        folder: of the run.
        recipe: as it was trained.
        facts: of its training data.
        history: its log.
        versions: of the software it was trained with, by name.
        epochs: that are done.
        data: "NAME" or "NAME:PATH" of the samples that were examined.
        elsewhere: whether they are others than the run's own held-out part.
        parameters: numbers the network learns; None before its first best epoch.
        best_epoch: whose weights were examined; None likewise.
        watch: the figure that decides which is best, and "max" or "min"; empty likewise.
        findings: None likewise.
        exhibits: the samples of `findings.mistakes`, in that order.
        notes: what a reader must know.
    """

    name: str
    folder: Path
    recipe: Recipe
    facts: Facts
    history: History
    versions: Mapping[str, str]
    epochs: int
    data: str
    elsewhere: bool = False
    parameters: int | None = None
    best_epoch: int | None = None
    watch: tuple[str, str] = ("", "")
    findings: Findings | None = None
    exhibits: tuple[Exhibit, ...] = ()
    notes: tuple[str, ...] = ()


def review(name: str, run: runs.Run, other: Recipe | None, worst: int) -> Review:
    """Read a run's log, and examine its best weights where it has any.

    Args:
        name: what to call it.
        run: opened.
        other: the run's recipe with other data to examine on; None for its own held-out part.
        worst: mistakes to keep.
    Raises:
        PathError: when the run has neither a best epoch nor a log with a record.
        GluonRefError: when the samples cannot be read; the message says how to name others.
    """
    told = history.read(run.folder)
    examined = runs.BEST in run.state.get("files", {})
    if not examined and not told:
        raise PathError(
            f"run {run.folder}",
            "no finished epoch and an empty log",
            "a run with anything to show",
            "wait for its first epoch, or train it: `gluonref train --resume` or anew",
        )
    recipe = other or run.recipe
    place = {key: recipe["data"].get(key, "") for key in ("name", "path")}
    found = Review(
        name,
        run.folder,
        run.recipe,
        run.facts,
        told,
        _versions(run.folder),
        int(max([0.0, *told.ends.values(), history.number(run.state.get("epoch")) or 0])),
        ":".join(part for part in place.values() if part),
        elsewhere=any(run.recipe["data"].get(key, "") != value for key, value in place.items()),
    )
    notes = _notes(found, examined)
    return _examined(found, recipe, worst, notes) if examined else dataclasses.replace(found, notes=notes)


def differences(reviews: Sequence[Review]) -> dict[str, list[str]]:
    """Options that are not alike in all runs: "section.key" -> its value in each run, as typed after --set."""
    found = {}
    for section in SECTIONS:
        for key in dict.fromkeys(key for one in reviews for key in one.recipe[section]):
            values = [spell_value(one.recipe[section][key]) if key in one.recipe[section] else "" for one in reviews]
            if len(set(values)) > 1:
                found[f"{section}.{key}"] = values
    return found


def _examined(found: Review, recipe: Recipe, worst: int, notes: tuple[str, ...]) -> Review:
    opened = open_run(found.folder)
    samples = _samples(found, recipe)
    net = opened.assembly.net
    net.hybridize(static_alloc=True)
    findings = examine(answering(net, mx.cpu()), opened.assembly, samples, worst)
    best = opened.run.state.get("best_epoch")
    return dataclasses.replace(
        found,
        parameters=_parameters(opened),
        best_epoch=best if isinstance(best, int) else None,
        watch=opened.assembly.task.watch,
        findings=findings,
        exhibits=exhibits.prepare([one.input for one in findings.mistakes], found.facts, opened.assembly.form),
        notes=notes,
    )


def _samples(found: Review, recipe: Recipe) -> Any:
    try:
        return held_out(recipe, found.facts, found.elsewhere)
    except GluonRefError as error:
        if found.elsewhere:
            raise
        # The person named no data: the message has to say that one can.
        kind = PathError if error.exit_code == PathError.exit_code else DataError
        raise kind(
            f"run {found.folder}: {error.where}",
            error.given,
            error.expected,
            "put the data back, or name other data: --data NAME:PATH",
        ) from None


def _notes(found: Review, examined: bool) -> tuple[str, ...]:
    notes = []
    planned = found.recipe.settings.epochs
    if found.epochs < planned:
        notes.append(f"not finished: {found.epochs} of {planned} epochs")
    if found.history.skipped:
        notes.append(f"lines of the log that are cut off or no records, left out: {found.history.skipped}")
    if not examined:
        notes.append("no epoch has been finished and measured yet: there are curves only")
    return tuple(notes)


def _parameters(opened: Opened) -> int:
    params = opened.assembly.net._collect_params_with_prefix().values()
    return int(sum(np.prod(param.shape) for param in params if param.grad_req != "null"))


def _versions(folder: Path) -> dict[str, str]:
    """Versions as the run wrote them; they are shown, not relied on."""
    try:
        written = json.loads((folder / runs.FACTS).read_text(encoding="utf-8"))["versions"]
        return {str(name): str(version) for name, version in written.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
