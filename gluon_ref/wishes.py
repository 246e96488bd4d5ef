"""What workers wish for between updates: it then happens on all of them after the same one."""

from __future__ import annotations

import time
from typing import Any

from .backend import mx

WISHES = ("stop", "checkpoint")
# Updates from one look at what the others wish to the next: where every worker's take less than QUICK_S, and else.
SELDOM, OFTEN, QUICK_S = 8, 1, 0.05


class Wishes:
    """The wishes of a worker, sent along with its gradients, and those that were granted.

    Args:
        workers: how many there are.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._wanted, self._granted, self._spent = (dict.fromkeys(WISHES, False) for _ in range(3))
        self._written: dict[tuple[bool, ...], Any] = {}
        self._answer: Any = None
        self._count, self._next, self._looked = 0, 1, (0, time.monotonic())

    def told(self, context: Any) -> Any:
        """What this worker tells the others with an update: its wishes, and whether its updates are quick."""
        count, since = self._looked
        quick = time.monotonic() - since < QUICK_S * max(1, self._count - count)
        told = (*(self._wanted[name] for name in WISHES), quick)
        if told not in self._written:
            self._written[told] = mx.nd.array(told, ctx=context)
        return self._written[told]

    def hear(self, sums: Any) -> None:
        """Take in what all told with an update, and if it is time look at what they told at the look before.

        Waiting for that keeps the devices busy with what came since. Where updates are quick it is done seldom: who
        has waited comes to the next one with a cold cache, and takes twice as long to issue it.
        """
        self._count += 1
        if self._count < self._next:
            return
        every = OFTEN
        if self._answer is not None:
            *values, quick = self._answer.asnumpy()
            every = SELDOM if quick == self._workers else OFTEN
            for name, value in zip(WISHES, values):
                # A wish is told once more before its being granted is heard of.
                self._granted[name] = bool(value) and not self._spent[name]
                self._spent[name] = self._granted[name]
        self._answer, self._next = sums.copy(), self._count + every
        self._looked = self._count, time.monotonic()

    def wish(self, name: str, wanted: bool) -> bool:
        """Whether it is granted now; it is wanted until then."""
        granted = self._granted[name]
        self._granted[name], self._wanted[name] = False, wanted and not granted
        return granted
