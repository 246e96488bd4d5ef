"""The workers of a distributed run as one group: sums over them and messages among them, by MXNet's KVStore.

A process that was not launched as one of several is a group of its own, `ALONE`: the same training code runs in both.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import beats
from .backend import mx
from .beats import LAUNCHED, launched
from .errors import DataError, MachineError
from .halving import halves, largest
from .served import MESSAGES, Served
from .wishes import Wishes

ATTEMPT = "GLUONREF_ATTEMPT"
BATCH = "GLUONREF_BATCH"
LENGTH = 2**16  # values that a float32 of a message takes, exactly
SMALL, LARGE = 256, 2**18  # numbers of a message's piece
# Numbers from which a message is cut over all servers; MXNet's own bound, a million, leaves most to one of them.
BOUND, CUT = "MXNET_KVSTORE_BIGARRAY_BOUND", 2**16


class Group:
    """One process: nothing to share, and nobody to ask.

    Attributes:
        rank: of this worker, from 0; the one of rank 0 writes.
        workers: how many there are.
        served: the servers hold the weights and update them as each worker's gradients come (dist_async).
        attempt: how often the run was started anew after a fault.
        scaling: a resumed run's batch is to follow the number of workers, rather than stay as it was.
    """

    rank = 0
    workers = 1
    served = False
    attempt = 0
    scaling = False
    store: Any = None

    def share(self, indices: np.ndarray) -> np.ndarray:
        """This worker's part of the samples of a batch; it may be empty."""
        return np.array_split(indices, self.workers)[self.rank]

    def seed(self, seed: int) -> int:
        """A seed of this worker's own, made of one that is the same on all."""
        return seed if not self.rank else (seed * 1_000_003 + self.rank) % 2**31

    def add(self, slot: int, gradients: Sequence[Sequence[Any]], loss: Any) -> Any:
        """Add up gradients over the workers, in place.

        Args:
            slot: of the objective.
            gradients: of each parameter, on each device, alike on all of them.
            loss: float32 (1,), of this worker.
        Returns:
            the sum of the losses, (1,).
        """
        return loss

    def wish(self, name: str, wanted: bool) -> bool:
        """Wish for a stop or a checkpoint after each update until it is granted, to all workers at once."""
        return wanted

    def gather(self, message: bytes) -> list[bytes]:
        """Everyone's message, by rank; all workers must ask."""
        return [message]

    def broadcast(self, message: bytes) -> bytes:
        """The message of rank 0; all workers must ask."""
        return message

    def agree(self, wanted: bool) -> bool:
        """Whether any worker wants it; all workers must ask."""
        return any(one == b"1" for one in self.gather(b"1" if wanted else b"0"))

    def total(self, sums: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Sums of everyone's arrays by name, added in the order of ranks; all workers must ask."""
        if self.workers == 1:
            return sums
        totals: dict[str, np.ndarray] = {}
        for message in self.gather(packed(sums)):
            for name, value in unpacked(message).items():
                totals[name] = totals[name] + value if name in totals else value
        return totals


ALONE = Group()


class Workers(Group):
    """One of several processes that `gluonref launch` has started.

    Args:
        name: of the KVStore, dist_sync, dist_device_sync or dist_async.
    """

    def __init__(self, name: str) -> None:
        self.served = "async" in name
        if not self.served:  # else optimizers on the servers would see parts of weights
            os.environ.setdefault(BOUND, str(CUT))
        self.store = mx.kvstore.create(name)
        self.rank, self.workers = self.store.rank, self.store.num_workers
        self.attempt = attempt()
        self.scaling = os.environ.get(BATCH) == "scale"
        self._kept: dict[Any, tuple[int, Any, list[Any]]] = {}
        self._wishes = Wishes(self.workers)
        if self.served:
            self.store.set_optimizer(Served())
        beats.tell(rank=self.rank)

    def add(self, slot: int, gradients: Sequence[Sequence[Any]], loss: Any) -> Any:
        """Add up gradients and losses in one message, and send wishes along."""
        first = [on_devices[0] for on_devices in gradients]
        wishes = self._wishes.told(loss.context)
        if self.workers > 2:
            *both, loss, wishes = self._sum(("gradient", slot), [*self._halves(slot, first), loss, wishes])
            sums = [high + low for high, low in zip(both[::2], both[1::2])]
        else:  # there are no two orders of two
            *sums, loss, wishes = self._sum(("gradient", slot), [*first, loss, wishes])
        for on_devices, summed in zip(gradients, sums):
            for one in on_devices:
                summed.copyto(one)
        if not slot:
            self._wishes.hear(wishes)
        return loss.copy()

    def _halves(self, slot: int, arrays: Sequence[Any]) -> list[Any]:
        """What of them is sent where more than two add them: the server takes them as they come."""
        top = largest(arrays)
        mine = mx.nd.one_hot(mx.nd.array([self.rank], ctx=top.context), self.workers).reshape((-1,)) * top
        return halves(arrays, self._sum(("top", slot), [mine])[0].max(), self.workers)

    def wish(self, name: str, wanted: bool) -> bool:
        """Granted some updates later, to all after the same one; at once where workers go on their own."""
        if self.served:
            return wanted
        return self._wishes.wish(name, wanted)

    def gather(self, message: bytes) -> list[bytes]:
        """One message after the other."""
        return [self._send(message, rank) for rank in range(self.workers)]

    def broadcast(self, message: bytes) -> bytes:
        """As in Group."""
        return self._send(message, 0)

    def _send(self, message: bytes, root: int) -> bytes:
        mine = message if self.rank == root else b""
        head = np.array([len(mine) % LENGTH, len(mine) // LENGTH], dtype=np.float32)
        low, high = self._piece(head, SMALL)[:2]
        size = int(low) + int(high) * LENGTH
        padded = mine.ljust(size + size % 2, b"\0") if self.rank == root else b""
        numbers = np.frombuffer(padded, dtype="<u2").astype(np.float32)
        width = SMALL if size <= 2 * SMALL else LARGE
        count = -(-((size + 1) // 2) // width)
        pieces = [self._piece(numbers[at * width : (at + 1) * width], width) for at in range(count)]
        whole = np.concatenate([*pieces, np.zeros(0, np.float32)]).astype("<u2").tobytes()
        return bytes(whole[:size])

    def _piece(self, numbers: np.ndarray, width: int) -> np.ndarray:
        """Numbers that one worker has and the others do not, to all."""
        padded = np.zeros(width, dtype=np.float32)
        padded[: len(numbers)] = numbers
        found: np.ndarray = self._sum(("message", width), [mx.nd.array(padded)])[0].asnumpy()
        return found

    def _sum(self, purpose: tuple[Any, ...], arrays: Sequence[Any]) -> list[Any]:
        """The sums of arrays over the workers, in one message; the same sequence of purposes and shapes on all of them.

        Returns:
            arrays of the store's own, which the next sum of the same purpose overwrites.
        """
        key, kept, parts = self._reserved((*purpose, *(one.shape for one in arrays)), arrays)
        for one, part in zip(arrays, parts):
            one.copyto(part)
        if self.served:
            self._collect(key, kept)
        else:
            self.store.pushpull(key, kept, out=kept)  # once there and back, where push and pull go twice
        return parts

    def _reserved(self, purpose: tuple[Any, ...], arrays: Sequence[Any]) -> tuple[int, Any, list[Any]]:
        """The key of a purpose, its message, and the parts of that: views, so that nothing is joined and cut up."""
        if purpose not in self._kept:
            base = MESSAGES if self.served or purpose[0] == "message" else 0
            key, ends = base + len(self._kept), np.cumsum([one.size for one in arrays]).tolist()
            kept = mx.nd.zeros((ends[-1],), ctx=arrays[-1].context)
            parts = [kept[at : at + one.size].reshape(one.shape) for at, one in zip([0, *ends], arrays)]
            self._kept[purpose] = key, kept, parts
            self.store.init(key, kept)
        # One array for all sums of a purpose keeps them in order. The server counts what comes, not from whom: it would
        # take two of a quick worker for one of each.
        return self._kept[purpose]

    def _collect(self, key: int, kept: Any) -> None:
        """The same where servers add at once what comes: everyone adds, then reads, then takes its own away again."""
        own, taken = kept.copy(), -kept
        self.store.push(key, own)
        self._meet()
        self.store.pull(key, out=kept)
        self._meet()
        self.store.push(key, taken)
        self._meet()

    def _meet(self) -> None:
        """Wait until this worker's messages have arrived, and everyone's have."""
        mx.nd.waitall()
        self.store._barrier()


def join(name: str) -> Group:
    """The group of this process: of all workers where `gluonref launch` started it, else ALONE.

    Args:
        name: of the KVStore in a launched run.
    Raises:
        MachineError: when the variables of a launched run are incomplete.
    """
    if not launched():
        return ALONE
    if os.environ.get("DMLC_ROLE") != "worker":
        raise MachineError(
            "train",
            f"{LAUNCHED} is set and DMLC_ROLE is {os.environ.get('DMLC_ROLE', 'not set')}",
            "the variables that `gluonref launch` sets",
            f"`unset {LAUNCHED}`, or start it as `gluonref launch --dry-run` shows",
        )
    return Workers(name)


def attempt() -> int:
    """How often the launcher has started this run anew."""
    number = os.environ.get(ATTEMPT, "") if launched() else ""
    return int(number) if number.isdecimal() else 0


def packed(arrays: dict[str, np.ndarray]) -> bytes:
    """Arrays by name as bytes."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def unpacked(message: bytes) -> dict[str, np.ndarray]:
    """Those arrays again.

    Raises:
        DataError: when the bytes are none.
    """
    try:
        with np.load(io.BytesIO(message), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            "train: message of a worker", str(error), "arrays", "check that all hosts have this release"
        ) from None
