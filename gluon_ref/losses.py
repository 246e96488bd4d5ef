"""Losses that are compiled together with the network: forward and backward pass of both are one graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .records import Batch


class Loss:
    """What a task minimises, as an objective's `loss(net, batch)`; MXNet is imported when it is first called.

    Args:
        of: (F, outputs, targets, *constants) -> (batch,), of MXNet's arrays or of symbols: F is mx.nd or mx.sym.
        constants: float32 arrays that `of` takes besides.
    """

    def __init__(self, of: Callable[..., Any], constants: Sequence[np.ndarray] = ()) -> None:
        self._of, self._constants = of, constants
        self._graph: Any = None
        self._placed: dict[Any, list[Any]] = {}

    def __call__(self, net: Any, batch: Batch) -> Any:
        """The loss of each sample, float32 (batch,); compiled if the network is."""
        from .backend import mx  # here, so that artefacts answer without it
        from .layers import Joined

        context = batch.targets.context
        if context not in self._placed:
            self._placed[context] = [mx.nd.array(one, ctx=context) for one in self._constants]
        constants = self._placed[context]
        if not getattr(net, "_active", False):  # not compiled, or any function of arrays
            return self._of(mx.nd, net(*batch.inputs), batch.targets, *constants)
        if self._graph is None or self._graph.net is not net:
            self._graph = Joined(net, self._of, len(constants))
            self._graph.hybridize(static_alloc=True)
        return self._graph(batch.targets, *constants, *batch.inputs)
