"""Updates of a block of weights, in NumPy: what mx.optimizer's operators compute, without their slowness on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .adamw import AdamW
from .backend import mx

BLOCK = 2**15  # numbers that are updated at a time; they and what they need stay in a core's cache


@dataclass
class Part:
    """Some weights that are next to each other, with all that their update needs, and room for two results."""

    weight: np.ndarray
    gradient: np.ndarray
    states: tuple[np.ndarray, ...]
    rate: float
    decay: float
    rooms: tuple[np.ndarray, np.ndarray]

    def block(self, start: int) -> Part:
        """A block of it."""
        own = slice(start, start + BLOCK)
        size = len(self.weight[own])
        states = tuple(state[own] for state in self.states)
        rooms = (self.rooms[0][:size], self.rooms[1][:size])
        return Part(self.weight[own], self.gradient[own], states, self.rate, self.decay, rooms)


def _sgd(optimizer: Any, part: Part) -> None:
    """Source: sgd_update and sgd_mom_update of MXNet 1.9.1; decay is added after the gradient is cut off."""
    step, decay = part.rooms
    _scaled(optimizer, part.gradient, step)
    if part.decay:
        np.multiply(part.weight, part.decay, out=decay)
        step += decay
    step *= part.rate
    if not part.states:
        part.weight -= step
        return
    (momentum,) = part.states
    momentum *= optimizer.momentum
    momentum -= step
    part.weight += momentum


def _adam(optimizer: Any, part: Part) -> None:
    """Source: adam_update of MXNet 1.9.1; decay is added before the gradient is cut off."""
    gradient, room = part.rooms
    if part.decay:
        np.multiply(part.gradient, optimizer.rescale_grad, out=gradient)
        np.multiply(part.weight, part.decay, out=room)
        gradient += room
        _cut(optimizer, gradient)
    else:
        _scaled(optimizer, part.gradient, gradient)
    _moments(optimizer, part)
    np.sqrt(part.states[1], out=room)
    room += optimizer.epsilon
    np.divide(part.states[0], room, out=room)
    room *= part.rate
    part.weight -= room


def _adamw(optimizer: Any, part: Part) -> None:
    """Decay apart from the gradient: gluon_ref/adamw.py."""
    gradient, room = part.rooms
    _scaled(optimizer, part.gradient, gradient)
    _moments(optimizer, part)
    np.sqrt(part.states[1], out=room)
    room += optimizer.epsilon
    np.divide(part.states[0], room, out=room)
    room *= part.rate
    if part.decay:
        np.multiply(part.weight, part.decay, out=gradient)
        room += gradient
    part.weight -= room


def _moments(optimizer: Any, part: Part) -> None:
    (gradient, room), (mean, variance) = part.rooms, part.states
    # In float32, as MXNet has it: 1 - 0.999 differs by 5e-5 of itself.
    rest1, rest2 = (np.float32(1) - np.float32(kept) for kept in (optimizer.beta1, optimizer.beta2))
    mean *= optimizer.beta1
    np.multiply(gradient, rest1, out=room)
    mean += room
    np.multiply(gradient, gradient, out=gradient)
    gradient *= rest2
    variance *= optimizer.beta2
    variance += gradient


def _scaled(optimizer: Any, gradient: np.ndarray, out: np.ndarray) -> None:
    np.multiply(gradient, optimizer.rescale_grad, out=out)
    _cut(optimizer, out)


def _cut(optimizer: Any, gradient: np.ndarray) -> None:
    if optimizer.clip_gradient:
        np.clip(gradient, -optimizer.clip_gradient, optimizer.clip_gradient, out=gradient)


# Optimizer -> update of a block, and the states that it keeps of a weight.
KERNELS: dict[type, tuple[Callable[[Any, Part], None], Callable[[Any], int]]] = {
    mx.optimizer.SGD: (_sgd, lambda optimizer: 1 if optimizer.momentum > 0 else 0),
    mx.optimizer.Adam: (_adam, lambda optimizer: 2),
    AdamW: (_adamw, lambda optimizer: 2),
}
