"""Updates of all parameters at once, in NumPy, on one flat array of weights.

MXNet's CPU kernels of updates are not vectorised and start once per parameter; NumPy's are, and start once for all:
`benchmarks/results/training.md` has what that saves. The results are those of mx.optimizer's own but for rounding.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from .adamw import AdamW
from .backend import mx
from .kernels import BLOCK, KERNELS, Part
from .machine import threads

SHARED = 4 * BLOCK  # numbers from which several threads are worth their starting


class Trainer(mx.gluon.Trainer):
    """Gluon's Trainer, which updates in NumPy while it is `arranged`, and as Gluon does else."""

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
    contexts, optimizer = trainer._contexts, trainer._optimizer
    return (
        len(contexts) == 1
        and contexts[0].device_type == "cpu"
        and type(optimizer) in KERNELS
        and all(param.dtype == np.float32 and param._grad_stype == "default" for param in params)
    )


class _Flat:
    """The arrays of a trainer's parameters, next to each other: those of equal factors together."""

    def __init__(self, optimizer: Any, updater: Any, trained: dict[int, Any]) -> None:
        self._kernel, count = KERNELS[type(optimizer)]
        order = sorted(trained, key=lambda index: (trained[index].lr_mult, trained[index].wd_mult, index))
        self._params = {index: trained[index] for index in order}
        size = sum(param.data().size for param in self._params.values())
        self.weight, self.gradient = mx.nd.empty((size,)), mx.nd.zeros((size,))
        self._states = [mx.nd.zeros((size,)) for _ in range(count(optimizer))]
        self._pieces: list[tuple[int, int, float, float]] = []
        self._views: dict[int, Any] = {}
        at = 0
        for index, param in self._params.items():
            at = self._adopt(index, param, updater, at)
        self._room = [(np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)) for _ in range(threads())]
        self._pool = ThreadPoolExecutor(threads()) if size >= SHARED and threads() > 1 else None
        self._arrays = [_memory(array) for array in (self.weight, self.gradient, *self._states)]

    def _adopt(self, index: int, param: Any, updater: Any, at: int) -> int:
        """Put a parameter's arrays at a place."""
        own, end = param.data(), at + int(param.data().size)
        weight, gradient = (array[at:end].reshape(own.shape) for array in (self.weight, self.gradient))
        own.copyto(weight)
        param.grad().copyto(gradient)
        before = updater.states.get(index)
        kept = list(before) if isinstance(before, (list, tuple)) else [before] if before is not None else []
        views = [state[at:end].reshape(own.shape) for state in self._states]
        for array, view in zip(kept, views):
            array.copyto(view)
        updater.states[index] = tuple(views) if len(views) > 1 else views[0] if views else None
        updater.states_synced[index] = True
        self._views[index] = weight
        param._data, param._grad = [weight], [gradient]
        mx.autograd.mark_variables([weight], [gradient], [param.grad_req])
        factors = (param.lr_mult, param.wd_mult)
        if self._pieces and self._pieces[-1][2:] == factors:
            self._pieces[-1] = (self._pieces[-1][0], end, *factors)
        else:
            self._pieces.append((at, end, *factors))
        return end

    def update(self, optimizer: Any) -> None:
        """Update all weights."""
        counts = optimizer._index_update_count
        done = counts.get(next(iter(self._params)), optimizer.begin_num_update) + 1
        counts.update(dict.fromkeys(self._params, done))
        optimizer.num_update = max(done, optimizer.num_update)
        rate = optimizer.lr_scheduler(optimizer.num_update) if optimizer.lr_scheduler else optimizer.lr
        if hasattr(optimizer, "beta2"):
            correction = math.sqrt(1 - optimizer.beta2**done) / (1 - optimizer.beta1**done)
        else:
            correction = 1.0
        self.gradient.wait_to_read()
        mx.base.check_call(mx.base._LIB.MXNDArrayWaitToWrite(self.weight.handle))
        for start, end, rate_factor, decay_factor in self._pieces:
            weight, gradient, *states = (array[start:end] for array in self._arrays)
            own = rate * rate_factor
            decay = optimizer.wd * decay_factor * (own if type(optimizer) is AdamW else 1.0)
            whole = Part(weight, gradient, tuple(states), own * correction, decay, self._room[0])
            self._spread(optimizer, whole)

    def _spread(self, optimizer: Any, whole: Part) -> None:
        starts = range(0, len(whole.weight), BLOCK)

        def some(worker: int) -> None:
            mine = Part(whole.weight, whole.gradient, whole.states, whole.rate, whole.decay, self._room[worker])
            for start in starts[worker :: len(self._room)]:
                self._kernel(optimizer, mine.block(start))

        if self._pool:
            list(self._pool.map(some, range(len(self._room))))
            return
        for start in starts:
            self._kernel(optimizer, whole.block(start))

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
        if self._pool:
            self._pool.shutdown()


def _memory(array: Any) -> np.ndarray:
    """An MXNet array's own memory as a NumPy array; who writes there must see to it that MXNet does not meanwhile."""
    array.wait_to_read()
    pointer = ctypes.c_void_p()
    mx.base.check_call(mx.base._LIB.MXNDArrayGetData(array.handle, ctypes.byref(pointer)))
    assert pointer.value
    found: np.ndarray = np.ctypeslib.as_array((ctypes.c_float * array.size).from_address(pointer.value))
    return found
