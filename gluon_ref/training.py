"""train(recipe): from a recipe to a run folder; resume(folder): go on where a run stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from . import checkpoints, hooks, logs, runs, trackers, tracking
from .backend import mx
from .errors import FitError, Interrupted, MachineError, PathError, RequestError
from .interrupts import Watch, watching
from .locking import locked
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
        the finished run.
    Raises:
        RequestError: when the recipe cannot be carried out as asked; nothing was written then.
        DivergedError: when the loss is no longer finite; the last checkpoint is kept.
        Interrupted: when a signal asked to stop; a checkpoint was written.
    """
    folder = Path(out) if out is not None else runs.free(Path("runs"), Path(recipe.name).name)
    runs.vacant(folder)
    recipe = recipe.check()
    trackers.require(recipe.settings.track)
    prepared = prepare(recipe)
    with runs.created(folder, recipe, prepared.assembly.facts) as held:
        return _run(folder, prepared, held)


def resume(folder: str | Path, changes: Sequence[tuple[str, Any]] = (), recipe: Recipe | None = None) -> runs.Run:
    """Go on with a run from its last checkpoint; it ends with the weights of a run never interrupted.

    Args:
        folder: the run's.
        changes: ("section.key", value) of RESUMABLE keys; more epochs than planned, for example.
        recipe: what the person named beside the folder; must be of the same model and data.
    Raises:
        RequestError: when the run is finished, has no checkpoint, or other things are to change.
        Interrupted: when a signal asked to stop; a checkpoint was written.
    """
    folder = Path(folder)
    runs.load(folder)  # refuses what is no run before it is locked
    with locked(folder) as held:
        run = runs.load(folder)
        with _writing(folder, "it"):
            runs.finish(run)  # of a run that has no epoch left, too
        changed = _changed(run, changes, recipe)
        trackers.require(changed.settings.track)
        prepared = prepare(changed, fresh=False)
        if prepared.assembly.facts != run.facts:
            raise FitError(
                "--resume",
                f"data {changed['data']['name']} is not what the run was trained on",
                "the same data",
                f"put it back at {changed['data']['path'] or 'its place'}, or start a new run",
            )
        checkpoints.restore(run, prepared.state, prepared.place)
        with _writing(folder, "it"):
            logs.cut(folder, prepared.state.epoch, prepared.state.step)
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
    state = prepared.state
    saved = (state.epoch, state.batch, state.step)

    def save(state: State, best: bool) -> None:
        nonlocal saved
        held()
        checkpoints.save(folder, state, best)
        saved = (state.epoch, state.batch, state.step)

    def log(record: dict[str, Any]) -> None:
        held()
        with _writing(folder, "the log"):
            logs.append(folder, record)

    with ExitStack() as stack:
        watch = stack.enter_context(watching())
        try:
            prepared.train(_hooks(folder, prepared, watch, save, log, stack))
        except Interrupted:
            if (state.epoch, state.batch, state.step) != saved:
                hooks.Guard(1).after_epoch(state)
                save(state, False)
            raise
    return runs.load(folder)


def _hooks(folder: Path, prepared: Prepared, watch: Watch, save: Any, log: Any, stack: ExitStack) -> list[hooks.Hook]:
    settings, task, state = prepared.recipe.settings, prepared.assembly.task, prepared.state
    go_on = f"`gluonref train --resume {folder}` goes on from here"
    place = f"train: run {folder}"

    def score() -> dict[str, Any]:
        with state.average.applied() if state.average else nullcontext():
            return measure(answering(state.net, prepared.place.contexts[0]), task, prepared.held_out())

    samples = len(prepared.data.train)
    progress = stack.enter_context(
        closing(Progress(settings.epochs, samples, task.watch[0], done=state.epoch * samples + state.epoch_seen))
    )

    def tell(record: dict[str, Any]) -> None:
        log(record)
        told(record)

    guard = hooks.Guard(settings.log_steps)
    told = stack.enter_context(closing(tracking.follow(folder, settings.track)))
    return [
        guard,
        *([hooks.Averaging()] if state.average else []),
        hooks.Score(score, task.watch),
        hooks.Log(tell, settings.log_steps, _norms if settings.log_norms else None),
        hooks.Checkpoint(save, guard, settings.checkpoint_steps, settings.checkpoint_minutes),
        progress,
        hooks.Limit(settings.epochs),
        *([hooks.Patience(settings.patience)] if settings.patience else []),
        hooks.Stop(watch, place, go_on),
    ]


@contextmanager
def _writing(folder: Path, what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MachineError(
            f"run {folder}",
            f"{what} cannot be written ({error.strerror})",
            "room and the right to write there",
            f"mend that, then `gluonref train --resume {folder}`; the last checkpoint is whole",
        ) from None


def _norms(state: State) -> dict[str, float]:
    """Norms of the last update's gradient and of all trained parameters."""
    arrays = [param.list_data()[0] for param in state.net.collect_params().values() if param.grad_req != "null"]
    squares = mx.nd.multi_sum_sq(*arrays, num_arrays=len(arrays))
    return {
        "gradient_norm": float(state.norm.asscalar()),
        "parameter_norm": float(squares.sum().sqrt().asscalar()),
    }
