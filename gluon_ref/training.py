"""train(recipe): from a recipe to a run folder; resume(folder): go on where a run stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, nullcontext
from pathlib import Path
from typing import Any

from . import (
    beats,
    checkpoints,
    flat,
    folders,
    hooks,
    joining,
    logs,
    place,
    runs,
    statistics,
    trackers,
    tracking,
    workers,
)
from .backend import mx
from .errors import FitError, Interrupted, PathError, RequestError
from .interrupts import Watch, watching
from .loop import answering, measure
from .preparation import Prepared, prepare
from .progress import Progress
from .recipe import Recipe
from .records import State

# What may differ between a run and its resumption: the weights to come would be others if more did.
RESUMABLE = tuple(
    f"train.{key}"
    for key in (
        "epochs",
        "patience",
        "device",
        "kvstore",
        "hybridize",
        "checkpoint_steps",
        "checkpoint_minutes",
        "log_steps",
        "log_norms",
        "track",
    )
)


def train(recipe: Recipe, out: str | Path | None = None) -> runs.Run:
    """Train by a recipe.

    Args:
        recipe: read and changed; it is checked and completed here.
        out: a new or empty folder for the run; runs/NAME or runs/NAME-2 ... when None.
    Returns:
        the finished run; on a worker of a launched run that is not its first, one without a state.
    Raises:
        RequestError: when the recipe cannot be carried out as asked; nothing was written then.
        DivergedError: when the loss is no longer finite; the last checkpoint is kept.
        Interrupted: when a signal asked to stop; a checkpoint was written.
    """
    folder = Path(out) if out is not None else folders.free(Path("runs"), Path(recipe.name).name)
    if not beats.launched():
        folders.vacant(folder)  # before anything is read
    recipe = recipe.check()
    trackers.require(recipe.settings.track)
    group = place.gather(recipe.settings.kvstore)
    if group.attempt and group.agree(not group.rank and (folder / runs.STATE).is_file()):
        return resume(folder, group=group)
    again = group.attempt > 0 and runs.begun(folder)
    if not group.rank and not again:
        folders.vacant(folder)
    prepared = prepare(recipe, group=group)
    joining.alike(group, prepared)
    if group.rank:
        return _run(folder, prepared, lambda: None)
    with runs.created(folder, recipe, prepared.assembly.facts, again) as held:
        return _run(folder, prepared, held)


def resume(
    folder: str | Path,
    changes: Sequence[tuple[str, Any]] = (),
    recipe: Recipe | None = None,
    group: workers.Group | None = None,
) -> runs.Run:
    """Go on with a run from its last checkpoint; it ends with the weights of a run never interrupted.

    Args:
        folder: the run's; of a launched run only the first worker need have it.
        changes: ("section.key", value) of RESUMABLE keys; more epochs than planned, for example.
        recipe: what the person named beside the folder; must be of the same model and data.
        group: the workers who train together, where they have met already.
    Returns:
        as `train` does.
    Raises:
        RequestError: when the run is finished, has no checkpoint, or other things are to change.
        Interrupted: when a signal asked to stop; a checkpoint was written.
    """
    folder = Path(folder)
    group = group or place.gather(joining.store(folder, changes))
    with ExitStack() as stack:
        held = stack.enter_context(joining.opened(folder)) if not group.rank else lambda: None
        run = runs.load(stack.enter_context(joining.handed(group, folder)))
        if group.attempt and run.state and run.entry("epoch", int) >= run.recipe.settings.epochs:
            return run  # the fault came after the end
        changed = _changed(run, changes, recipe)
        trackers.require(changed.settings.track)
        kept = run.state.get("total", changed.settings.batch_size)
        total = changed.settings.batch_size * group.workers if group.scaling else kept
        prepared = prepare(changed, fresh=False, group=group, total=total)
        joining.alike(group, prepared)
        state = prepared.state
        if prepared.assembly.facts != run.facts:
            raise FitError(
                "--resume",
                f"data {changed['data']['name']} is not what the run was trained on",
                "the same data",
                f"put it back at {changed['data']['path'] or 'its place'}, or start a new run",
            )
        checkpoints.restore(run, state, prepared.place)
        if total != kept and state.batch:
            state.cuts = (*state.cuts, (state.batch, kept))
        if not group.rank:
            with folders.writing(folder, "it"):
                logs.cut(folder, state.epoch, state.step)
                if changed.text() != run.recipe.text():
                    runs.amend(run, changed)
        return _run(folder, prepared, held)


def _changed(run: runs.Run, changes: Sequence[tuple[str, Any]], recipe: Recipe | None) -> Recipe:
    """The recipe to go on with, or the reason why not."""
    folder = run.folder
    for key, value in changes:
        if key not in RESUMABLE:
            raise RequestError(
                "--resume",
                f"{key}={value}",
                f"changes of {', '.join(RESUMABLE)} only",
                "start a new run for other changes",
            )
    for section in ("model", "data") if recipe else ():
        if recipe and recipe[section].get("name") != run.recipe[section]["name"]:
            raise RequestError(
                "--resume",
                f"recipe {recipe.name} with {section} {recipe[section].get('name')}",
                f"{section} {run.recipe[section]['name']}, as in {folder}",
                "leave out the recipe: the run has its own",
            )
    if not run.state:
        raise PathError("--resume", f"{folder} has no checkpoint", "a run that has one", "remove it and train anew")
    changed = Recipe(run.recipe.name, run.recipe.change(changes).sections).check()
    epoch, settings = run.entry("epoch", int), changed.settings
    if epoch >= settings.epochs:
        raise RequestError(
            "--resume",
            f"{folder} has finished its {epoch} epochs",
            "a run that is not finished",
            f"pass --epochs {epoch + 10} to go on",
        )
    if settings.patience and not run.entry("batch", int) and epoch - run.entry("best_epoch", int) >= settings.patience:
        raise RequestError(
            "--resume",
            f"{folder} has stopped after {settings.patience} epochs without a better figure",
            "a run that is not finished",
            f"pass --set train.patience={settings.patience + 10} to go on",
        )
    return changed


def _run(folder: Path, prepared: Prepared, held: Callable[[], None]) -> runs.Run:
    state, group = prepared.state, prepared.place.group
    saved = (state.epoch, state.batch, state.step)

    def save(state: State, best: bool) -> None:
        nonlocal saved
        alone = group.served and bool(state.batch)  # nobody waits for it within an epoch
        with statistics.averaged(state, workers.ALONE if alone else group) as rows:
            if not group.rank:
                held()
                checkpoints.save(folder, state, best, rows)
                beats.tell(checkpoint=state.step)
        saved = (state.epoch, state.batch, state.step)

    def log(record: dict[str, Any]) -> None:
        held()
        with folders.writing(folder, "the log"):
            logs.append(folder, record)

    if not group.rank:
        beats.tell(run=str(folder))
    with ExitStack() as stack:
        watch = stack.enter_context(watching())
        try:
            prepared.train(_hooks(folder, prepared, watch, save, log, stack))
        except Interrupted:
            if (state.epoch, state.batch, state.step) != saved:
                hooks.Guard(1).after_epoch(state)
                save(state, False)
            raise
    return runs.load(folder) if not group.rank else runs.Run(folder, prepared.recipe, prepared.assembly.facts, {})


def _hooks(folder: Path, prepared: Prepared, watch: Watch, save: Any, log: Any, stack: ExitStack) -> list[hooks.Hook]:
    settings, task, state = prepared.recipe.settings, prepared.assembly.task, prepared.state
    group = prepared.place.group
    go_on = f"`gluonref train --resume {folder}` goes on from here"

    def score() -> dict[str, Any]:
        with flat.apart(state.trainers), state.average.applied() if state.average else nullcontext():
            return measure(answering(state.net, prepared.place.contexts[0]), task, prepared.held_out(), group)

    guard = hooks.Guard(settings.log_steps)
    told = _telling(folder, prepared, log, stack) if not group.rank else []
    return [
        hooks.Beat(),
        guard,
        *([hooks.Averaging()] if state.average else []),
        hooks.Score(score, task.watch, lambda state: statistics.settle(state, group)),
        *told[:1],
        hooks.Checkpoint(save, guard, settings.checkpoint_steps, settings.checkpoint_minutes, group),
        *told[1:],
        hooks.Limit(settings.epochs),
        *([hooks.Patience(settings.patience)] if settings.patience else []),
        hooks.Stop(watch, f"train: run {folder}", go_on, group),
    ]


def _telling(folder: Path, prepared: Prepared, log: Any, stack: ExitStack) -> list[hooks.Hook]:
    """The log and those that follow it, and the progress bar."""
    settings, state = prepared.recipe.settings, prepared.state
    samples, watched = len(prepared.data.train), prepared.assembly.task.watch[0]
    progress = stack.enter_context(
        closing(Progress(settings.epochs, samples, watched, done=state.epoch * samples + state.epoch_seen))
    )
    told = stack.enter_context(closing(tracking.follow(folder, settings.track)))

    def tell(record: dict[str, Any]) -> None:
        log(record)
        told(record)

    return [hooks.Log(tell, settings.log_steps, _norms if settings.log_norms else None), progress]


def _norms(state: State) -> dict[str, float]:
    """Norms of the last update's gradient and of all trained parameters."""
    arrays = [param.list_data()[0] for param in state.net.collect_params().values() if param.grad_req != "null"]
    squares = mx.nd.multi_sum_sq(*arrays, num_arrays=len(arrays))
    return {
        "gradient_norm": float(state.norm.asscalar()),
        "parameter_norm": float(squares.sum().sqrt().asscalar()),
    }
