"""HybridBlocks that several models share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import rectifying
from .backend import mx
from .errors import FitError, reason, require
from .records import Facts, Field

ACTIVATIONS = ("relu", "sigmoid", "tanh")
MOST_WIDTHS = 256


class Standardize(mx.gluon.HybridBlock):
    """Subtract the training part's mean and divide by its deviation, inside the network.

    An exported network therefore takes raw pixels or raw table values. Both are constants of the
    network: saved with it, never trained.

    Inputs:
        data: float32 (batch, features) or (batch, channel, height, width), raw.
    Outputs:
        standardized: same shape.
    """

    def __init__(self, facts: Facts, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        shape = (1, -1) + (1,) * (len(facts.shape) - 1)
        with self.name_scope():
            self.mean = self.params.get_constant("mean", np.reshape(np.asarray(facts.mean, dtype=np.float32), shape))
            self.std = self.params.get_constant("std", np.reshape(np.asarray(facts.std, dtype=np.float32), shape))

    def hybrid_forward(self, F: Any, x: Any, mean: Any, std: Any) -> Any:
        """Raw values to standardized values."""
        return F.broadcast_mul(F.broadcast_sub(x, mean), 1 / std)  # a division per value takes seven times as long


class Head(mx.gluon.HybridBlock):
    """Last layer of a network: a score per label, or one value in the target's own units.

    Inputs:
        features: float32 (batch, units).
    Outputs:
        scores: float32 (batch, labels), logits; or (batch, 1), values.
    """

    def __init__(self, facts: Facts, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        with self.name_scope():
            self.dense = mx.gluon.nn.Dense(facts.outputs, prefix="dense_")
            if facts.target == "value":
                # A value is predicted in standard deviations and answered in its own units.
                self.mean = self.params.get_constant("mean", np.array([facts.target_mean], dtype=np.float32))
                self.std = self.params.get_constant("std", np.array([facts.target_std], dtype=np.float32))

    def hybrid_forward(self, F: Any, x: Any, mean: Any = None, std: Any = None) -> Any:
        """Features to scores."""
        scores = self.dense(x)  # (batch, outputs)
        return scores if std is None else F.broadcast_add(F.broadcast_mul(scores, std), mean)


class Joined(mx.gluon.HybridBlock):
    """A network and a loss of its outputs, to be compiled as one graph.

    Args:
        net: the network, whose parameters stay its own.
        of: (F, outputs, targets, *constants) -> (batch,).
        constants: how many.
    Inputs:
        targets: (batch, ...).
        more: the constants, then the network's inputs.
    Outputs:
        losses: float32 (batch,).
    """

    _cached_graph: Any  # Gluon's

    def __init__(self, net: Any, of: Callable[..., Any], constants: int = 0) -> None:
        super().__init__()
        self.net, self._of, self._constants = net, of, constants

    def hybrid_forward(self, F: Any, targets: Any, *more: Any) -> Any:
        """Targets and inputs to losses."""
        return self._of(F, self.net(*more[self._constants :]), targets, *more[: self._constants])

    def _get_graph(self, *args: Any) -> Any:
        """What Gluon compiles: inputs and outputs, as symbols."""
        if not self._cached_graph:
            inputs, symbol = super()._get_graph(*args)
            self._cached_graph = inputs, rectifying.after_pooling(symbol)
        return self._cached_graph


def zeros(fields: Sequence[Field], batch: int = 1, steps: int = 4) -> tuple[np.ndarray, ...]:
    """Arrays of the declared inputs: ones for lengths, zeros for all else; axes that vary get `steps`."""
    return tuple(
        (np.ones if field.name == "length" else np.zeros)(field.sized(batch, steps), dtype=field.dtype)
        for field in fields
    )


def settle(net: Any, fields: Sequence[Field], context: Any) -> None:
    """Let every layer learn its input's width: Gluon defers that to the first forward pass.

    Raises:
        FitError: when a layer cannot take inputs of that shape.
    """
    try:
        net(*(mx.nd.array(array, ctx=context, dtype=array.dtype) for array in zeros(fields)))
        mx.nd.waitall()
    except (mx.base.MXNetError, ValueError) as error:  # Gluon raises a ValueError where it infers shapes
        shapes = ", ".join(f"{field.name} {'x'.join(map(str, field.shape))}" for field in fields)
        raise FitError(
            f"model {net.prefix.rstrip('_')}",
            f"inputs {shapes} ({reason(error)})",
            "inputs that every layer can take",
            "choose another model, or larger inputs",
        ) from None
    for param in net.collect_params().values():
        param._var = None  # made before its shape was known; graphs that are compiled from now on have it


def check_dropout(where: str, name: str, value: float) -> None:
    """Refuse a share of silenced units outside [0, 1)."""
    require(0 <= value < 1, where, name, value, "a share from 0 to below 1", 0.2)


def check_units(where: str, name: str, values: tuple[int, ...]) -> None:
    """Refuse a width below 1, and more widths than any network has."""
    require(len(values) <= MOST_WIDTHS, where, name, f"{len(values)} widths", f"{MOST_WIDTHS} at most", 128)
    require(all(value >= 1 for value in values), where, name, ",".join(map(str, values)), "1 or more", 128)
