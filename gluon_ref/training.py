"""train(recipe): from a recipe to a run folder; resume(folder): go on where a run stopped."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from . import hooks, optimizers, runs, schedules, states
from .assembly import Assembly, assemble, fill, load_data
from .backend import mx
from .batching import batches, plan
from .errors import FitError, MachineError, PathError, RequestError, reason
from .layers import settle
from .loop import answering, epoch_seed, fit, measure
from .place import choose
from .recipe import Recipe
from .records import Batch, Data, Place, State

# What may differ between a run and its resumption: the weights to come would be others if more did.
RESUMABLE = ("train.epochs", "train.device", "train.kvstore", "train.hybridize", "train.log_steps")
EVALUATION_BATCH = 256


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
    """
    folder = Path(out) if out is not None else runs.free(Path("runs"), Path(recipe.name).name)
    runs.vacant(folder)
    recipe = recipe.check()
    data, place, assembly, state = _prepare(recipe)
    runs.create(folder, recipe, assembly.facts)
    return _run(folder, recipe, data, place, assembly, state)


def resume(folder: str | Path, changes: Sequence[tuple[str, Any]] = (), recipe: Recipe | None = None) -> runs.Run:
    """Go on with a run from its last checkpoint; it ends with the weights of a run never interrupted.

    Args:
        folder: the run's.
        changes: ("section.key", value) of RESUMABLE keys; more epochs than planned, for example.
        recipe: what the person named beside the folder; must be of the same model and data.
    Raises:
        RequestError: when the run is finished, has no checkpoint, or other things are to change.
    """
    run = runs.load(Path(folder))
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
        raise PathError("--resume", f"{folder} has no checkpoint", "a run that has finished an epoch", "train it anew")
    changed = Recipe(run.recipe.name, run.recipe.change(changes).sections).check()
    epoch = run.entry("epoch", int)
    if epoch >= changed.settings.epochs:
        raise RequestError(
            "--resume",
            f"{folder} has finished its {epoch} epochs",
            "a run that is not finished",
            f"pass --epochs {epoch + 10} to go on",
        )
    data, place, assembly, state = _prepare(changed, fresh=False)
    if assembly.facts != run.facts:
        raise FitError(
            "--resume",
            f"data {changed['data']['name']} is not what the run was trained on",
            "the same data",
            f"put it back at {changed['data']['path'] or 'its place'}, or start a new run",
        )
    fill(state.net, run.file(runs.LAST), place.contexts)
    for index, trainer in enumerate(state.trainers):
        states.restore(trainer, str(run.file(_states(index))), run.entry("trainers", list)[index])
    state.epoch, state.step, state.seen = epoch, run.entry("step", int), run.entry("seen", int)
    state.best, state.best_epoch = run.entry("best", (int, float)), run.entry("best_epoch", int)
    state.best_scores = run.entry("best_scores", dict)
    runs.cut_log(run.folder, epoch)
    runs.replace(run.folder / runs.RECIPE, changed.text().encode())
    return _run(run.folder, changed, data, place, assembly, state)


def _prepare(recipe: Recipe, fresh: bool = True) -> tuple[Data, Place, Assembly, State]:
    """Everything built and initialized from the seed, nothing trained."""
    settings = recipe.settings
    place = choose(settings.device, settings.kvstore)
    data = load_data(recipe)
    for part, samples in (("training", data.train), ("held-out", data.held_out)):
        if not len(samples):
            raise FitError(
                f"data {recipe['data']['name']}", f"no samples in the {part} part", "at least one", "check the file"
            )
    assembly = assemble(recipe, data.facts, fresh)
    net = assembly.net
    steps = len(plan(data.train, settings.batch_size, epoch_seed(settings.seed, 1)))
    mx.random.seed(settings.seed)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # weights that a model has loaded already stay as they are
            net.initialize(mx.init.Xavier(), ctx=list(place.contexts))
    except mx.base.MXNetError as error:
        raise FitError(
            f"model {recipe['model']['name']}",
            f"cannot be made ({reason(error)})",
            "arrays that MXNet can hold",
            "choose smaller options: `gluonref show model NAME` lists them",
        ) from error
    net.collect_params().reset_ctx(list(place.contexts))
    for context in place.contexts:
        settle(net, assembly.fields, context)
    if settings.hybridize:
        net.hybridize(static_alloc=True, static_shape=False)
    trainers = []
    for objective in assembly.task.objectives:
        schedule = schedules.SCHEDULES[recipe["schedule"]["name"]](
            recipe["optimizer"]["learning_rate"], steps, settings.epochs, **recipe.options("schedule")
        )
        optimizer = optimizers.make(
            recipe["optimizer"]["name"], schedule, recipe.options("optimizer"), len(place.contexts)
        )
        trainers.append(
            mx.gluon.Trainer(
                net.collect_params(objective.params),
                optimizer,
                kvstore=place.store or None,
                update_on_kvstore=False if place.store else None,
            )
        )
    return data, place, assembly, State(net, trainers)


def _run(folder: Path, recipe: Recipe, data: Data, place: Place, assembly: Assembly, state: State) -> runs.Run:
    settings, task, form, facts = recipe.settings, assembly.task, assembly.form, assembly.facts

    def epoch_batches(epoch: int) -> Iterable[Batch]:
        return batches(data.train, plan(data.train, settings.batch_size, epoch_seed(settings.seed, epoch)), form, facts)

    def score() -> dict[str, Any]:
        held_out = batches(data.held_out, plan(data.held_out, EVALUATION_BATCH), form, facts)
        return measure(answering(state.net, place.contexts[0]), task, held_out)

    with closing(hooks.Progress(settings.epochs, len(data.train), task.watch[0], done=state.epoch)) as progress:
        beside = [
            hooks.Guard(settings.log_steps),
            hooks.Score(score, task.watch),
            hooks.Log(lambda record: runs.append(folder, record), settings.log_steps),
            hooks.Checkpoint(lambda state, best: _save(folder, state, best)),
            progress,
            hooks.Limit(settings.epochs),
        ]
        fit(state, task.objectives, epoch_batches, place, beside, seed=settings.seed, clip_norm=settings.clip_norm)
    return runs.load(folder)


def _save(folder: Path, state: State, best: bool) -> None:
    try:
        _commit(folder, state, best)
    except (OSError, mx.base.MXNetError) as error:
        raise MachineError(
            f"run {folder}",
            f"the checkpoint of epoch {state.epoch} cannot be written ({reason(error)})",
            "room and the right to write there",
            f"mend that, then `gluonref train --resume {folder}`; the checkpoint before is whole",
        ) from error


def _commit(folder: Path, state: State, best: bool) -> None:
    writers: dict[str, Callable[[str], None]] = {runs.LAST: state.net.save_parameters}
    if best:
        writers[runs.BEST] = state.net.save_parameters
    for index, trainer in enumerate(state.trainers):
        writers[_states(index)] = partial(states.write, trainer)
    record: Mapping[str, Any] = {
        "epoch": state.epoch,
        "step": state.step,
        "seen": state.seen,
        "best": state.best,
        "best_epoch": state.best_epoch,
        "best_scores": state.best_scores,
        "scores": state.scores,
        "trainers": [states.counts(trainer) for trainer in state.trainers],
    }
    runs.commit(folder, record, writers)


def _states(index: int) -> str:
    return f"trainer-{index}.states"
