"""A graph and a file of parameters as a function of arrays: what the formats that MXNet answers with have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import mx, quiet
from ..reshapes import Guard


def answering(
    symbol: Any, called: Sequence[str], params: Path, guard: Guard, told: Callable[[Path], AbstractContextManager[None]]
) -> Callable[..., tuple[np.ndarray, ...]]:
    """The network as a function of numpy arrays.

    Args:
        symbol: its graph, checked.
        called: what the graph calls each declared input; "" for those that it does not use.
        params: the file of its parameters, checked.
        guard: looks at shapes before MXNet does.
        told: turns MXNet's errors about a file into ours; entered here and where the function is called.
    """
    with told(params), quiet():  # Gluon exports no types of inputs, and warns of it when it imports
        # As SymbolBlock.imports does, which reads the graph's file itself.
        net = mx.gluon.SymbolBlock(symbol, [mx.sym.var(name) for name in called if name])
        net.collect_params().load(str(params), ctx=mx.cpu(), cast_dtype=True, dtype_source="saved")
        net.hybridize(static_alloc=True)

    def answer(*inputs: np.ndarray) -> tuple[np.ndarray, ...]:
        with told(params):
            given = {name: one for name, one in zip(called, inputs) if name}
            guard.look({name: one.shape for name, one in given.items()})
            outputs = net(*(mx.nd.array(one, dtype=one.dtype) for one in given.values()))
            return tuple(one.asnumpy() for one in (outputs if isinstance(outputs, (list, tuple)) else [outputs]))

    return answer
