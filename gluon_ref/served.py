"""Training with the weights on the servers (dist_async): each worker's gradients are applied as they come.

Workers do not wait for each other, so an update is of one worker's batch, on weights that others change meanwhile.
"""

from __future__ import annotations

from typing import Any

from .backend import mx
from .records import State

# Keys of the store: the weights' from 0 on, the workers' messages from here on.
MESSAGES = 1_000_000


class Served(mx.optimizer.Optimizer):
    """An optimizer for the servers, which also adds up the workers' messages; they get a copy of it by the store.

    Args:
        inner: updates the weights; its rate is that of the updates of all workers together. None while there are
            only messages.
    """

    def __init__(self, inner: Any = None) -> None:
        super().__init__(lr_scheduler=inner and inner.lr_scheduler)
        self.inner = inner

    def fix(self, params: list[Any]) -> None:
        """Note the parameters' own factors, which do not travel otherwise."""
        self.inner.lr_mult = {index: param.lr_mult for index, param in enumerate(params)}
        self.inner.wd_mult = {index: param.wd_mult for index, param in enumerate(params)}

    def create_state(self, index: int, weight: Any) -> Any:
        """What the inner optimizer keeps of a weight; nothing of a message."""
        return None if index >= MESSAGES else self.inner.create_state(index, weight)

    def update(self, index: int, weight: Any, grad: Any, state: Any) -> None:
        """Update a weight by its gradient, or add to a message."""
        if index >= MESSAGES:
            weight[:] = weight + grad
        else:
            self.inner.update(index, weight, grad, state)


def trainer(params: Any, optimizer: Any, store: Any) -> Any:
    """A Trainer whose weights are the servers'."""
    chosen = Served(optimizer)
    made = mx.gluon.Trainer(params, chosen, kvstore=store, update_on_kvstore=True)
    chosen.fix(made._params)
    return made


def update(state: State, trainer: Any, size: int, clip_norm: float | None, workers: int) -> None:
    """Send the gradient of the mean loss over this worker's samples, and take the weights as they are then.

    Args:
        state: whose `norm` is set where it is asked for.
        trainer: made by `trainer`.
        size: this worker's samples.
        clip_norm: largest norm of this gradient, or None.
        workers: whose updates the rate's schedule counts.
    """
    params = [param for param in trainer._params if param.grad_req != "null"]
    for gradients in zip(*(param.list_grad() for param in params)):  # those of one device
        for gradient in gradients:
            gradient /= size
    if clip_norm is not None or state.norm is not None:
        first = [param.list_grad()[0] for param in params]
        limit = clip_norm if clip_norm is not None else float("inf")
        norm = mx.gluon.utils.clip_global_norm(first, limit, check_isfinite=False)
        state.norm = norm if state.norm is not None else None
    trainer.step(1)  # always 1: the servers would not hear of a change
    trainer.optimizer.num_update += workers
