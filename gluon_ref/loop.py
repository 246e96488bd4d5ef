"""The training loop: gets built objects, walks the batches, calls the hooks; knows no task, model or data by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from .backend import mx
from .place import spread
from .records import Batch, Objective, Place, State, Task

# Distinct streams of random numbers per epoch: order of samples, and dropout.
EPOCHS_PER_SEED = 1_000_003


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
    epoch_batches: Callable[[int], Iterable[Batch]],
    place: Place,
    hooks: Sequence[Hook],
    *,
    seed: int = 0,
    clip_norm: float | None = None,
) -> State:
    """Train until a hook says stop.

    Args:
        state: net and trainers (one per objective), and where the run stands.
        objectives: what each trainer minimises.
        epoch_batches: epoch number -> its batches.
        place: devices.
        hooks: called in order after each step and each epoch.
        seed: of the run.
        clip_norm: largest global norm of the gradient of the mean loss, or None.
    """
    while not state.stop:
        state.epoch += 1
        mx.random.seed(epoch_seed(seed, state.epoch))
        sums = {objective.name: mx.nd.zeros((1,), ctx=place.contexts[0]) for objective in objectives}
        seen = 0
        for batch in epoch_batches(state.epoch):
            pieces = spread(batch, place)
            for objective, trainer in zip(objectives, state.trainers):
                sums[objective.name] += step(state.net, objective, trainer, pieces, batch.size, clip_norm)
            state.step += 1
            state.seen += batch.size
            seen += batch.size
            state.losses = _Means(sums, seen)
            state.rate = state.trainers[0].learning_rate
            for hook in hooks:
                hook.after_step(state)
        state.losses = {name: float(state.losses[name]) for name in sums}
        for hook in hooks:
            hook.after_epoch(state)
    return state


def step(
    net: Any, objective: Objective, trainer: Any, pieces: Sequence[Batch], size: int, clip_norm: float | None
) -> Any:
    """One update on one batch: the gradient is that of the mean loss over its `size` samples.

    Returns:
        the sum of the losses, (1,), not yet computed.
    """
    with mx.autograd.record():
        losses = [objective.loss(net, piece) for piece in pieces]  # (batch,) each
    mx.autograd.backward(losses)
    if len(pieces) < len(trainer._contexts):
        _silence(trainer, len(pieces))
    if clip_norm is None:
        trainer.step(size)
    else:
        trainer.allreduce_grads()
        for gradients in zip(*(param.list_grad() for param in _trained(trainer))):  # those of one device
            # Gradients are sums over the batch here; `update` divides by its size.
            mx.gluon.utils.clip_global_norm(list(gradients), clip_norm * size, check_isfinite=False)
        trainer.update(size)
    context = losses[0].context
    return sum((loss.sum().as_in_context(context) for loss in losses[1:]), losses[0].sum())


def measure(answer: Callable[..., Sequence[np.ndarray]], task: Task, batches: Iterable[Batch]) -> dict[str, Any]:
    """The task's metrics of anything that answers like a network, over all batches.

    Args:
        answer: arrays of the inputs -> outputs, all numpy.
        task: what to measure.
        batches: numpy batches.
    """
    sums: dict[str, np.ndarray] = {}
    for batch in batches:
        for name, value in task.measure(answer(*batch.inputs)[0], batch.targets).items():
            sums[name] = sums[name] + value if name in sums else value
    return task.metrics(sums)


def answering(net: Any, context: Any) -> Callable[..., tuple[np.ndarray, ...]]:
    """A network as a function of numpy arrays."""

    def answer(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
        outputs = net(*(mx.nd.array(array, ctx=context, dtype=array.dtype) for array in arrays))
        return tuple(one.asnumpy() for one in (outputs if isinstance(outputs, (list, tuple)) else [outputs]))

    return answer


def _trained(trainer: Any) -> list[Any]:
    return [param for param in trainer._params if param.grad_req != "null"]


def _silence(trainer: Any, busy: int) -> None:
    """Set the gradients of devices that got no sample to 0: they still hold those of the step before."""
    for param in _trained(trainer):
        for weight, gradient in list(zip(param.list_data(), param.list_grad()))[busy:]:
            gradient[:] = 0
            weight._fresh_grad = True


class _Means(dict[str, float]):
    """Mean losses so far; reading one waits for the device, so it is done only when asked for."""

    def __init__(self, sums: dict[str, Any], seen: int) -> None:
        super().__init__(dict.fromkeys(sums, 0.0))
        self._sums, self._seen = sums, seen

    def __getitem__(self, name: str) -> float:
        return float(self._sums[name].asscalar()) / max(1, self._seen)
