"""The training loop: gets built objects, walks the batches, calls the hooks; knows no task, model or data by name."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from . import flat, served
from .backend import mx
from .place import Place, spread
from .records import Batch, Objective, State, Task
from .workers import ALONE, Group

# Distinct streams of random numbers per epoch: order of samples, augmentation, and dropout.
EPOCHS_PER_SEED = 1_000_003
# Updates between two seedings of MXNet's generator, whose state cannot be saved and whose seeding takes a millisecond.
SEGMENT = 32


class Hook(Protocol):
    """Something that happens beside the training; may set `state.stop`."""

    def after_step(self, state: State) -> None:
        """Called after each update."""

    def after_epoch(self, state: State) -> None:
        """Called after each pass over the training part."""


def epoch_seed(seed: int, epoch: int) -> int:
    """The seed of an epoch, from the run's: a resumed run finds it again without any generator's state."""
    return (seed * EPOCHS_PER_SEED + epoch) % 2**31


def fit(
    state: State,
    objectives: Sequence[Objective],
    epoch_batches: Callable[[int, int], Iterable[Batch]],
    place: Place,
    hooks: Sequence[Hook],
    *,
    seed: int = 0,
    clip_norm: float | None = None,
    accumulate: int = 1,
    segment: int = SEGMENT,
) -> State:
    """Train until a hook says stop.

    Args:
        state: net and trainers (one per objective), and where the run stands; within an epoch too.
        objectives: what each trainer minimises.
        epoch_batches: (epoch number, first batch) -> the epoch's batches from there.
        place: devices.
        hooks: called in order after each step and each epoch.
        seed: of the run.
        clip_norm: largest global norm of the gradient of the mean loss, or None.
        accumulate: batches per update; above 1, the parameters' gradients must be added up ("add").
        segment: updates between two seedings of MXNet's generator.
    """
    with flat.arranged(state.trainers):
        while not state.stop:
            epoch = state.epoch + 1
            updates = _catch_up(state, objectives, epoch_batches, place, seed, accumulate, segment)
            sums = {one.name: mx.nd.array([state.sums.get(one.name, 0.0)], ctx=place.contexts[0]) for one in objectives}
            state.epoch, state.recent = epoch, []
            batches = iter(epoch_batches(epoch, state.batch))
            while taken := list(itertools.islice(batches, accumulate)):
                if updates % segment == 0:
                    mx.random.seed(place.group.seed(epoch_seed(epoch_seed(seed, epoch), updates)))
                size = sum(batch.size for batch in taken)
                if not size:  # a worker on its own has no part in a last batch
                    state.batch += len(taken)
                    continue
                pieces = [spread(batch, place) for batch in taken]
                losses = {
                    objective.name: step(state, objective, trainer, pieces, size, clip_norm, place.group)
                    for objective, trainer in zip(objectives, state.trainers)
                }
                for name, loss in losses.items():
                    sums[name] += loss
                updates += 1
                state.step += 1
                state.batch += len(taken)
                state.seen += size
                state.epoch_seen += size
                state.recent.append((state.step, losses))
                state.losses = _Means(sums, state.epoch_seen)
                state.rate = state.trainers[0].learning_rate
                for hook in hooks:
                    hook.after_step(state)
            state.losses = _means(sums, state.epoch_seen, place.group)
            state.batch, state.epoch_seen, state.sums, state.cuts = 0, 0, {}, ()
            for hook in hooks:
                hook.after_epoch(state)
    return state


def _catch_up(
    state: State,
    objectives: Sequence[Objective],
    epoch_batches: Callable[[int, int], Iterable[Batch]],
    place: Place,
    seed: int,
    accumulate: int,
    segment: int,
) -> int:
    """Bring MXNet's generator to where it was at the checkpoint: draw again what the segment's updates drew.

    Returns:
        updates done in this epoch.
    """
    updates = state.batch // accumulate
    first = updates - updates % segment
    if first == updates:
        return updates
    epoch = state.epoch + 1
    mx.random.seed(place.group.seed(epoch_seed(epoch_seed(seed, epoch), first)))
    fixed = [param for param in state.net.collect_params().values() if param.grad_req == "null"]
    kept = [[array.copy() for array in param.list_data()] for param in fixed]  # a forward pass moves batch norm's
    missed = itertools.islice(epoch_batches(epoch, first * accumulate), (updates - first) * accumulate)
    for batch in missed:
        for piece, objective in itertools.product(spread(batch, place), objectives):
            with mx.autograd.record():
                objective.loss(state.net, piece).wait_to_read()
    for param, arrays in zip(fixed, kept):
        for array, own in zip(param.list_data(), arrays):
            own.copyto(array)
    return updates


def step(
    state: State,
    objective: Objective,
    trainer: Any,
    batches: Sequence[Sequence[Batch]],
    size: int,
    clip_norm: float | None,
    group: Group = ALONE,
) -> Any:
    """One update on one or several batches: the gradient is that of the mean loss over their `size` samples.

    Args:
        state: whose net is trained, and whose `norm` is set where it is asked for.
        objective: what is minimised.
        trainer: of its parameters.
        batches: the pieces of each batch, one per device.
        size: samples in all of them, and in those of the other workers.
        clip_norm: as in `fit`.
        group: the workers who update together.
    Returns:
        the sum of the losses, (1,), not yet computed.
    """
    total = None
    if any(param.grad_req == "add" for param in _trained(trainer)):
        for gradient in itertools.chain(*_gradients(trainer)):
            gradient[:] = 0
    for pieces in filter(None, batches):
        with mx.autograd.record():
            losses = [objective.loss(state.net, piece) for piece in pieces]  # (batch,) each
        factors = state.scale and [mx.nd.full(one.shape, state.scale.value, ctx=one.context) for one in losses]
        mx.autograd.backward(losses, factors)
        context = losses[0].context
        for loss in losses:
            summed = loss.sum().as_in_context(context)
            total = summed if total is None else total + summed
    if total is None:  # the other workers have all samples of this one
        total = mx.nd.zeros((1,), ctx=trainer._contexts[0])
    busy = max(len(pieces) for pieces in batches)
    if busy < len(trainer._contexts):
        _silence(trainer, busy)
    if group.served:
        served.update(state, trainer, size, clip_norm, group.workers)
        return total
    trainer.allreduce_grads()
    if group.store:
        total = group.add(state.trainers.index(trainer), _gradients(trainer), total)
    counted = size * state.scale.value if state.scale else size  # what gradients are to be divided by
    if state.scale and not state.scale.holds(itertools.chain(*_gradients(trainer))):
        return total
    if clip_norm is not None or state.norm is not None:
        _clip(state, trainer, counted, clip_norm)
    trainer.update(counted)
    return total


def _clip(state: State, trainer: Any, size: float, clip_norm: float | None) -> None:
    """Bring the gradients to a global norm, and note what it was."""
    for gradients in zip(*_gradients(trainer)):  # those of one device
        # Gradients are sums over the samples here; `update` divides by their number.
        limit = clip_norm * size if clip_norm is not None else float("inf")
        norm = mx.gluon.utils.clip_global_norm(list(gradients), limit, check_isfinite=False)
    if state.norm is not None:
        state.norm = norm / size


def measure(
    answer: Callable[..., Sequence[np.ndarray]], task: Task, batches: Iterable[Batch], group: Group = ALONE
) -> dict[str, Any]:
    """The task's metrics of anything that answers like a network, over all batches.

    Args:
        answer: arrays of the inputs -> outputs, all numpy.
        task: what to measure.
        batches: numpy batches.
        group: the workers who measure together, each other batches; all get the same figures.
    """
    return figures(task, ((answer(*batch.inputs)[0], batch.targets) for batch in batches), group)


def figures(task: Task, answered: Iterable[tuple[np.ndarray, np.ndarray]], group: Group = ALONE) -> dict[str, Any]:
    """The task's metrics of answers that are there: outputs and targets, batch by batch."""
    sums: dict[str, np.ndarray] = {}
    for outputs, targets in answered:
        for name, value in task.measure(outputs, targets).items():
            sums[name] = sums[name] + value if name in sums else value
    return task.metrics(group.total(sums))


def answering(net: Any, context: Any) -> Callable[..., tuple[np.ndarray, ...]]:
    """A network as a function of numpy arrays."""

    def answer(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
        outputs = net(*(mx.nd.array(array, ctx=context, dtype=array.dtype) for array in arrays))
        several = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        return tuple(one.astype("float32", copy=False).asnumpy() for one in several)

    return answer


def _trained(trainer: Any) -> list[Any]:
    return [param for param in trainer._params if param.grad_req != "null"]


def _gradients(trainer: Any) -> list[list[Any]]:
    """Of each parameter, on each device."""
    if isinstance(trainer, flat.Trainer):
        return trainer.gradients()
    return [param.list_grad() for param in _trained(trainer)]


def _silence(trainer: Any, busy: int) -> None:
    """Set the gradients of devices that got no sample to 0: they still hold those of the step before."""
    for param in _trained(trainer):
        for weight, gradient in list(zip(param.list_data(), param.list_grad()))[busy:]:
            gradient[:] = 0
            weight._fresh_grad = True


def _means(sums: Mapping[str, Any], seen: int, group: Group) -> dict[str, float]:
    """The mean losses of an epoch; where each worker has its own, over all of them."""
    totals = {name: np.array(float(total.asscalar())) for name, total in sums.items()}
    if group.served:
        both = group.total({**{f"loss {name}": value for name, value in totals.items()}, "seen": np.array(seen)})
        totals, seen = {name: both[f"loss {name}"] for name in sums}, int(both["seen"])
    return {name: float(total) / max(1, seen) for name, total in totals.items()}


class _Means(dict[str, float]):
    """Mean losses so far; reading one waits for the device, so it is done only when asked for."""

    def __init__(self, sums: dict[str, Any], seen: int) -> None:
        super().__init__(dict.fromkeys(sums, 0.0))
        self._sums, self._seen = sums, seen

    def __getitem__(self, name: str) -> float:
        return float(self._sums[name].asscalar()) / max(1, self._seen)
