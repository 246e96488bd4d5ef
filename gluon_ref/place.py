"""Where a run computes: device names, and batches shared out over several of them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from .backend import mx
from .errors import MachineError, OptionError
from .records import Batch, Place


def choose(device: str, store: str) -> Place:
    """The contexts of a device name.

    Args:
        device: "cpu", "cpu:N" for N contexts on the CPU, or "gpu:0,1" for those GPUs.
        store: KVStore that adds the gradients of several contexts.
    Raises:
        OptionError: when the name is none of these.
        MachineError: when this MXNet or this machine has no such GPU.
    """
    cpu = re.fullmatch(r"cpu(?::([1-9]\d?))?", device)
    gpu = re.fullmatch(r"gpu(?::(\d+(?:,\d+)*))?", device)
    if cpu:
        contexts = tuple(mx.cpu(index) for index in range(int(cpu.group(1) or 1)))
    elif gpu:
        wanted = [int(index) for index in (gpu.group(1) or "0").split(",")]
        count = _gpus()
        if len(set(wanted)) != len(wanted):
            raise OptionError("train", f"device={device!r}", "each GPU once", "pass --device gpu:0,1")
        if max(wanted) >= count:
            raise MachineError(
                "train",
                f"device={device!r}; MXNet sees {count} GPUs here",
                f"indices below {count}",
                "pass --device cpu, or install mxnet-cu117 on a machine with GPUs of compute capability 5.0 to 8.9",
            )
        contexts = tuple(mx.gpu(index) for index in wanted)
    else:
        raise OptionError("train", f"device={device!r}", "cpu, cpu:N or gpu:0,1", "pass --device cpu")
    return Place(contexts, store if len(contexts) > 1 else "")


def spread(batch: Batch, place: Place) -> list[Batch]:
    """A numpy batch as MXNet arrays, one piece per context; a batch of fewer samples uses fewer contexts."""
    if len(place.contexts) == 1:
        return [_move(batch.inputs, batch.targets, place.contexts[0])]
    pieces = np.array_split(np.arange(batch.size), min(batch.size, len(place.contexts)))
    return [
        _move(tuple(array[piece] for array in batch.inputs), batch.targets[piece], context)
        for piece, context in zip(pieces, place.contexts)
    ]


def _move(inputs: tuple[np.ndarray, ...], targets: np.ndarray, context: Any) -> Batch:
    arrays = tuple(mx.nd.array(array, ctx=context, dtype=array.dtype) for array in inputs)
    return Batch(arrays, mx.nd.array(targets, ctx=context, dtype=targets.dtype), len(targets))


def _gpus() -> int:
    try:
        return int(mx.context.num_gpus())
    except mx.base.MXNetError:  # the CUDA runtime is there, the driver is not
        return 0
