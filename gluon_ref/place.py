"""Where a run computes: device names, the workers it is one of, and batches shared out over devices."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from .backend import mx
from .beats import launched
from .errors import FitError, MachineError, OptionError
from .records import Batch
from .workers import ALONE, Group, join

# These join processes; the others join the devices of one.
STORES = ("dist_sync", "dist_device_sync", "dist_async")
USUAL = STORES[0]


@dataclass(frozen=True)
class Place:
    """Where a run computes.

    Args:
        contexts: MXNet's, of this process.
        store: KVStore that adds the gradients of several contexts; "" for one.
        group: the workers that this process is one of.
    """

    contexts: tuple[Any, ...]
    store: str = ""
    group: Group = ALONE


def choose(device: str, store: str, group: Group = ALONE) -> Place:
    """The contexts of a device name.

    Args:
        device: "cpu", "cpu:N" for N contexts on the CPU, or "gpu:0,1" for those GPUs.
        store: KVStore that adds the gradients of several contexts, or of several workers, who add theirs as it suits.
        group: the workers that this process is one of.
    Raises:
        OptionError: when the name is none of these.
        FitError: when the store cannot serve these devices.
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
    if len(contexts) == 1:
        return Place(contexts, "", group)
    if store == "nccl":
        _require_nccl(bool(gpu))
    return Place(contexts, "device" if store in STORES else store, group)


def gather(store: str) -> Group:
    """The workers that this process is one of, joined by a KVStore; it waits for all of them.

    Args:
        store: as in `choose`; one that joins devices leaves the workers dist_sync.
    Raises:
        FitError: when it joins workers and this process was not launched as one.
    """
    joins = store in STORES
    if joins and not launched():
        raise FitError(
            "train",
            f"kvstore={store!r} in a single process",
            "several, started together",
            "run `gluonref launch --workers 2 -- train ...`, or pass --kvstore device",
        )
    return join(store if joins else USUAL)


def spread(batch: Batch, place: Place) -> list[Batch]:
    """A numpy batch as MXNet arrays, one piece per context; a batch of fewer samples uses fewer contexts, or none."""
    count = len(batch.targets)
    if len(place.contexts) == 1:
        return [_move(batch.inputs, batch.targets, place.contexts[0])] if count else []
    pieces = np.array_split(np.arange(count), min(count, len(place.contexts))) if count else []
    return [
        _move(tuple(array[piece] for array in batch.inputs), batch.targets[piece], context)
        for piece, context in zip(pieces, place.contexts)
    ]


def _move(inputs: tuple[np.ndarray, ...], targets: np.ndarray, context: Any) -> Batch:
    return Batch(tuple(_array(array, context) for array in inputs), _array(targets, context), len(targets))


def _array(array: np.ndarray, context: Any) -> Any:
    """A numpy array of a batch's own on a device; on the CPU the same memory, which nobody may write to any more.

    Copying there would wait for all that MXNet has still to do, the update of the batch before among it.
    """
    if context.device_type == "cpu" and array.base is None:
        return mx.nd.from_numpy(np.ascontiguousarray(array)).as_in_context(context)
    return mx.nd.array(array, ctx=context, dtype=array.dtype)


def _gpus() -> int:
    try:
        return int(mx.context.num_gpus())
    except mx.base.MXNetError:  # the CUDA runtime is there, the driver is not
        return 0


def _require_nccl(gpus: bool) -> None:
    if not gpus:
        raise FitError("train", "kvstore='nccl' on the CPU", "GPUs", "pass --kvstore device, or --device gpu:0,1")
    if not mx.runtime.Features().is_enabled("NCCL"):
        raise MachineError("train", "kvstore='nccl'", "an MXNet built with NCCL", "pass --kvstore device")
