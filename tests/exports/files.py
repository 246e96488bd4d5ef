"""Symbol and params files as strangers have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gluon_ref.backend import mx


def write(symbol: Any, folder: Path, name: str = "net", seed: int = 0, **shapes: tuple[int, ...]) -> tuple[Path, Path]:
    """A network with random weights as MXNet's two files.

    Args:
        symbol: the network.
        folder: where to write.
        name: of the files.
        seed: of the weights.
        shapes: of its inputs.
    """
    random = np.random.RandomState(seed)
    arguments, _, states = symbol.infer_shape(**shapes)
    arrays = {}
    for kind, names, found in (
        ("arg", symbol.list_arguments(), arguments),
        ("aux", symbol.list_auxiliary_states(), states),
    ):
        for one, shape in zip(names, found):
            if one not in shapes and not one.endswith("label"):
                arrays[f"{kind}:{one}"] = mx.nd.array(random.uniform(0.1, 0.9, shape))
    files = folder / f"{name}-symbol.json", folder / f"{name}-0000.params"
    symbol.save(str(files[0]))
    mx.nd.save(str(files[1]), arrays)
    return files


def classifier() -> Any:
    """A net of the old style: its head waits for labels."""
    x = mx.sym.Convolution(mx.sym.var("data"), kernel=(3, 3), num_filter=4, name="conv")
    x = mx.sym.BatchNorm(x, name="norm")
    x = mx.sym.FullyConnected(mx.sym.Activation(x, act_type="relu"), num_hidden=5, name="dense")
    return mx.sym.SoftmaxOutput(x, name="softmax")
