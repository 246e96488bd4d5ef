"""Updates of all parameters by one operator: weights, gradients and states lie next to each other in flat arrays.

MXNet starts an operator per parameter, whose threads then share little; `docs/speed.md` has what one for all of them
saves. The optimizers that update each weight for itself cannot tell the difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from .adamw import AdamW
from .backend import mx

_known = mx.optimizer
ELEMENTWISE = (
    *(_known.SGD, _known.NAG, _known.Signum, _known.Adam, AdamW, _known.Adamax),
    *(_known.AdaGrad, _known.AdaDelta, _known.RMSProp, _known.Ftrl, _known.FTML),
)


class Trainer(mx.gluon.Trainer):
    """Gluon's Trainer, which updates all at once while it is `arranged`, and one after the other else."""

    def __init__(self, params: Any, optimizer: Any, **options: Any) -> None:
        super().__init__(params, optimizer, **options)
        self._flat: _Flat | None = None

    def gradients(self) -> list[list[Any]]:
        """The gradients of each trained parameter on each device; one array of all while it is arranged."""
        if self._flat:
            return [[self._flat.gradient]]
        return [param.list_grad() for param in self._params if param.grad_req != "null"]

    def update(self, batch_size: int, ignore_stale_grad: bool = False) -> None:
        """One update by gradients that are sums over `batch_size` samples."""
        if not self._flat:
            super().update(batch_size, ignore_stale_grad)
            return
        self._optimizer.rescale_grad = self._scale / batch_size
        self._flat.update(self._optimizer)

    def arrange(self) -> None:
        """Lay weights, gradients and states out next to each other, where that is possible here."""
        trained = {index: param for index, param in enumerate(self._params) if param.grad_req != "null"}
        if self._flat is None and trained and _possible(self, list(trained.values())):
            self._flat = _Flat(self._optimizer, self._updaters[0], trained)

    def release(self) -> None:
        """Give each parameter arrays of its own again."""
        if self._flat:
            self._flat.release()
            self._flat = None


@contextmanager
def arranged(trainers: Sequence[Any]) -> Iterator[None]:
    """Arrange the trainers that can be while inside; others are left as they are."""
    chosen = [trainer for trainer in trainers if isinstance(trainer, Trainer)]
    try:
        for trainer in chosen:
            trainer.arrange()
        yield
    finally:
        for trainer in chosen:
            trainer.release()


@contextmanager
def apart(trainers: Sequence[Any]) -> Iterator[None]:
    """Parameters have arrays of their own while inside, as answering needs: oneDNN lays weights out anew for it."""
    with ExitStack() as stack:
        for trainer in trainers:
            if isinstance(trainer, Trainer) and trainer._flat:
                stack.enter_context(trainer._flat.apart())
        yield


def _possible(trainer: Any, params: list[Any]) -> bool:
    contexts = trainer._contexts
    return (
        len(contexts) == 1
        and contexts[0].device_type == "cpu"
        and type(trainer._optimizer) in ELEMENTWISE
        # A dtype may be the class or its name.
        and all(np.dtype(param.dtype) == np.float32 and param._grad_stype == "default" for param in params)
    )


@dataclass
class _Piece:
    """Parameters of equal factors, by the number of each; their weights, gradients and states in one."""

    indices: list[int]
    weight: Any
    gradient: Any
    state: Any


class _Flat:
    """The arrays of a trainer's parameters, next to each other: those of equal factors together."""

    def __init__(self, optimizer: Any, updater: Any, trained: dict[int, Any]) -> None:
        self._params = trained
        groups: dict[tuple[float, float], list[int]] = {}
        for index, param in trained.items():
            groups.setdefault((param.lr_mult, param.wd_mult if optimizer.wd else 1.0), []).append(index)
        size = sum(param.data().size for param in trained.values())
        weight, self.gradient = mx.nd.empty((size,)), mx.nd.zeros((size,))
        self._views: dict[int, Any] = {}
        self._pieces: list[_Piece] = []
        end = 0
        for indices in groups.values():
            start, end = end, end + sum(int(trained[index].data().size) for index in indices)
            piece = _Piece(indices, weight[start:end], self.gradient[start:end], None)
            piece.state = optimizer.create_state(indices[0], piece.weight)
            self._adopt(piece, updater)
            self._pieces.append(piece)

    def _adopt(self, piece: _Piece, updater: Any) -> None:
        """Put the arrays of a piece's parameters into its own, and views in their place."""
        at = 0
        for index in piece.indices:
            param = self._params[index]
            own = param.data()
            end = at + int(own.size)
            weight, gradient = (array[at:end].reshape(own.shape) for array in (piece.weight, piece.gradient))
            own.copyto(weight)
            param.grad().copyto(gradient)
            state = _view(piece.state, at, end, own.shape)
            if index in updater.states:
                _copy(updater.states[index], state)
            updater.states[index], updater.states_synced[index] = state, True
            param._data, param._grad = [weight], [gradient]
            mx.autograd.mark_variables([weight], [gradient], [param.grad_req])
            self._views[index] = weight
            at = end

    def update(self, optimizer: Any) -> None:
        """Update all weights."""
        counts = optimizer._index_update_count
        for piece in self._pieces:
            optimizer.update(piece.indices[0], piece.weight, piece.gradient, piece.state)
            counts.update(dict.fromkeys(piece.indices, counts[piece.indices[0]]))

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Copies in place of the views while inside."""
        for index, param in self._params.items():
            param._data = [self._views[index].copy()]
        try:
            yield
        finally:
            for index, param in self._params.items():
                param._data = [self._views[index]]

    def release(self) -> None:
        """Copies in place of the views, for good."""
        for param in self._params.values():
            param._data, param._grad = [param.data().copy()], [param.grad().copy()]
            mx.autograd.mark_variables(param._data, param._grad, [param.grad_req])


def _view(state: Any, start: int, end: int, shape: tuple[int, ...]) -> Any:
    """A parameter's part of what an optimizer keeps: nothing, an array, or several."""
    if isinstance(state, (list, tuple)):
        return tuple(_view(one, start, end, shape) for one in state)
    return None if state is None else state[start:end].reshape(shape)


def _copy(source: Any, target: Any) -> None:
    if isinstance(target, tuple):
        for one, other in zip(source, target):
            _copy(one, other)
    elif target is not None:
        source.copyto(target)
