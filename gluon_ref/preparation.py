"""Everything a training needs, built from a checked recipe and initialized from its seed; nothing trained yet."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from . import beats, flat, optimizers, precision, schedules, served
from .assembly import Assembly, assemble, load_data
from .augmentation import Arrange, arrange
from .averaging import Average
from .backend import mx
from .batching import batches, plan, recut
from .errors import FitError, OptionError, nearest, reason
from .layers import settle
from .loop import epoch_seed, fit
from .loss_scaling import Scale
from .place import Place, choose
from .recipe import Recipe
from .records import Batch, Data, State
from .workers import ALONE, Group

EVALUATION_BATCH = 256


@dataclass(frozen=True)
class Prepared:
    """What a training is made of."""

    recipe: Recipe
    data: Data
    place: Place
    assembly: Assembly
    arrange: Arrange | None
    state: State

    def train(self, hooks: Any) -> State:
        """Go on from where the state stands until a hook says stop."""
        settings = self.recipe.settings
        return fit(
            self.state,
            self.assembly.task.objectives,
            self.batches,
            self.place,
            hooks,
            seed=settings.seed,
            clip_norm=settings.clip_norm,
            accumulate=settings.accumulate,
            **optimizers.seeding(self.recipe["optimizer"]["name"]),
        )

    def batches(self, epoch: int, start: int = 0) -> Iterable[Batch]:
        """The batches of an epoch, from `start` on."""
        settings, train = self.recipe.settings, self.data.train
        seed = epoch_seed(settings.seed, epoch)
        done, totals = [cut[0] for cut in self.state.cuts], [*(cut[1] for cut in self.state.cuts), self.state.total]
        order = plan(train, totals[0], seed)
        for count, total in zip(done, totals[1:]):
            order = recut(order, count, total)
        form, facts, group = self.assembly.form, self.assembly.facts, self.place.group
        return batches(train, order, form, facts, start=start, arrange=self.arrange, seed=seed, group=group)

    def held_out(self) -> Iterator[Batch]:
        """The batches of the held-out part that this worker is to answer."""
        part, group = self.data.held_out, self.place.group
        for batch in batches(
            part, plan(part, EVALUATION_BATCH)[group.rank :: group.workers], self.assembly.form, self.assembly.facts
        ):
            beats.step(self.state.step)
            yield batch


def prepare(recipe: Recipe, fresh: bool = True, group: Group = ALONE, total: int = 0) -> Prepared:
    """Everything built and initialized from the seed.

    Args:
        recipe: checked.
        fresh: the network starts here; else its weights come from a run.
        group: the workers who train together.
        total: samples of a batch over all of them; 0 for as many as the recipe's batch size makes.
    Raises:
        RequestError: when the recipe cannot be carried out as asked.
    """
    settings = recipe.settings
    precision.use(settings.precision, settings.device)
    place = choose(settings.device, settings.kvstore, group)
    total = total or settings.batch_size * group.workers
    data = load_data(recipe)
    for part, samples in (("training", data.train), ("held-out", data.held_out)):
        if not len(samples):
            raise FitError(
                f"data {recipe['data']['name']}", f"no samples in the {part} part", "at least one", "check the file"
            )
    altered = arrange(recipe.augmentation, data.facts)
    assembly = assemble(recipe, data.facts, fresh)
    _initialize(recipe, assembly, place)
    freeze(assembly.net, settings.freeze)
    scale(assembly.net, settings.factors)
    if settings.accumulate > 1:
        for param in assembly.net.collect_params().values():
            param.grad_req = "add" if param.grad_req == "write" else param.grad_req
    if settings.hybridize:
        assembly.net.hybridize(static_alloc=True, static_shape=False)
    state = State(assembly.net, _trainers(recipe, data, assembly, place, total), total=total)
    state.average = Average(assembly.net, settings.ema) if settings.ema else None
    if settings.precision == "float16":
        if group.served:
            raise FitError(
                "train",
                "precision=float16 with kvstore=dist_async",
                "workers that update together: one whose gradients overflow would have to take back what it sent",
                "pass --kvstore dist_sync",
            )
        state.scale = Scale()
    state.norm = mx.nd.zeros((1,)) if settings.log_norms else None
    return Prepared(recipe, data, place, assembly, altered, state)


def freeze(net: Any, pattern: str) -> None:
    """Keep the parameters whose names a pattern matches as they are, and the statistics of their batch norms too.

    Raises:
        OptionError: when the pattern is no regular expression, or matches no parameter, or all.
    """
    if not pattern:
        return
    chosen = _matched(net, "freeze", pattern)
    for param in chosen:
        param.grad_req = "null"
    if not any(param.grad_req != "null" for param in net.collect_params().values()):
        raise OptionError(
            "train", f"freeze={pattern!r} matches every parameter", "some left to train", "pass a narrower pattern"
        )
    names = {param.name for param in chosen}

    def fix(block: Any) -> None:
        if isinstance(block, mx.gluon.nn.BatchNorm) and set(block.collect_params()) <= names:
            block._kwargs["use_global_stats"] = True

    net.apply(fix)


def scale(net: Any, factors: tuple[str, ...]) -> None:
    """Multiply the learning rate of some parameters.

    Args:
        net: the network.
        factors: each PATTERN=FACTOR; of several that match a parameter the last counts.
    Raises:
        OptionError: when one is not of that form, or matches nothing.
    """
    for factor in factors:
        pattern, equals, number = factor.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            value = -1.0
        if not equals or not 0 <= value < float("inf"):
            raise OptionError(
                "train", f"factors={factor!r}", "PATTERN=FACTOR, 0 or more", "pass --set train.factors=.*bias=2"
            )
        for param in _matched(net, "factors", pattern):
            param.lr_mult = value


def _matched(net: Any, key: str, pattern: str) -> list[Any]:
    params = net.collect_params()
    try:
        found = [param for name, param in params.items() if re.match(pattern, name)]
    except re.error as error:
        raise OptionError(
            "train", f"{key}={pattern!r} ({error})", "a regular expression", f"pass --set train.{key}=NAME.*"
        ) from None
    if not found:
        names = list(params)
        near = nearest(pattern, names) or names[0]
        raise OptionError(
            "train",
            f"{key}={pattern!r} matches no parameter",
            f"names like {', '.join(names[:3])} ({len(names)} of them; `gluonref inspect RUN` lists a run's)",
            f"pass --set train.{key}={near}",
        )
    return found


def _initialize(recipe: Recipe, assembly: Assembly, place: Place) -> None:
    net = assembly.net
    mx.random.seed(recipe.settings.seed)
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


def _trainers(recipe: Recipe, data: Data, assembly: Assembly, place: Place, total: int) -> list[Any]:
    settings, group = recipe.settings, place.group
    count = len(plan(data.train, total, epoch_seed(settings.seed, 1)))
    steps = -(-count // settings.accumulate)  # updates per epoch; the last may have fewer batches
    steps *= group.workers if group.served else 1  # each worker's count
    make: Callable[..., Any] = schedules.SCHEDULES[recipe["schedule"]["name"]]
    trainers = []
    name, rate, options = recipe["optimizer"]["name"], recipe["optimizer"]["learning_rate"], recipe.options("schedule")
    optimizers.check_end(name, make(rate, steps, settings.epochs, **options)(steps * settings.epochs))
    for objective in assembly.task.objectives:
        schedule = make(rate, steps, settings.epochs, **options)
        optimizer = optimizers.make(
            name, schedule, recipe.options("optimizer"), len(place.contexts), group.workers, group.served
        )
        params = assembly.net.collect_params(objective.params)
        if group.served:
            trainers.append(served.trainer(params, optimizer, group.store))
            continue
        trainers.append(
            flat.Trainer(
                params,
                optimizer,
                kvstore=place.store or None,
                update_on_kvstore=False if place.store else None,
            )
        )
        if place.store:  # else the first update would give all devices the first one's statistics of batch norms
            trainers[-1]._init_kvstore()
            trainers[-1]._init_params()
    return trainers
