"""A running average of the weights, which is often better than the last ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import arrays
from .backend import mx
from .errors import AlteredError


class Average:
    """An exponential moving average of all parameters, statistics of batch norm included.

    Args:
        net: initialized; its weights are where the average starts.
        decay: share of the average that stays at each update; less in the first ones, (1 + n) / (10 + n) after n.
    Source: the decay's beginning is TensorFlow's ExponentialMovingAverage with num_updates,
        https://www.tensorflow.org/api_docs/python/tf/train/ExponentialMovingAverage.
    """

    def __init__(self, net: Any, decay: float) -> None:
        self._params = net._collect_params_with_prefix()
        self._decay = decay
        self.arrays = {name: param.list_data()[0].copy() for name, param in self._params.items()}

    def update(self, steps: int) -> None:
        """Take the weights in, after that many updates."""
        kept = min(self._decay, (1 + steps) / (10 + steps))
        for name, param in self._params.items():
            array = self.arrays[name]
            # One operator instead of three: array - rate * (weight + wd * array) with wd = -1, rate = kept - 1.
            mx.nd.sgd_update(array, param.list_data()[0], lr=kept - 1, wd=-1, out=array)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The network has the average's weights inside, and its own again after."""
        own = {name: [array.copy() for array in param.list_data()] for name, param in self._params.items()}
        try:
            for name, param in self._params.items():
                for array in param.list_data():
                    self.arrays[name].copyto(array)
            yield
        finally:
            for name, param in self._params.items():
                for kept, array in zip(own[name], param.list_data()):
                    kept.copyto(array)

    def write(self, path: str) -> None:
        """Write the average as a file of parameters, which `load_parameters` reads."""
        mx.nd.save(path, self.arrays)

    def restore(self, path: Path) -> None:
        """Read such a file back.

        Raises:
            DataError: when it is no file of arrays.
            AlteredError: when it is another network's.
        """
        saved = arrays.load(path)
        for name, array in self.arrays.items():
            if name not in saved or saved[name].shape != array.shape:
                raise AlteredError(
                    str(path),
                    f"no array {name} of shape {array.shape}",
                    "the average of this run's weights",
                    "restore it from a copy, or train again",
                )
            saved[name].copyto(array)
