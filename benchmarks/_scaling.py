"""What a step of dist_sync costs, from bytes, workers, servers and the network; no measuring here.

A step is the computing of the slowest worker, and an exchange: every worker pushes its gradients, cut over the servers,
these add them up, and every worker pulls the sums. Nothing of an exchange is hidden behind the computing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

ORDERED = 2  # workers whose sums have but one order; more send halves, and before them the largest number of each
COPIES, HALVING = 2, 12  # passes of a worker through its gradients: into the message and out of it, and to halve them
PAYS = 0.5  # efficiency below which another worker is said not to pay
MOST = 512  # workers that are looked at


@dataclass(frozen=True)
class Network:
    """What an exchange meets.

    Args:
        latency_s: of an exchange of nothing.
        rate_bytes_per_s: of a host's link, each way, or of the process at its end if that is slower.
        message_s: that sender or receiver spends on a message, whatever its size.
        passing_bytes_per_s: at which a process reads through memory once, to add or to copy.
    """

    latency_s: float
    rate_bytes_per_s: float
    message_s: float
    passing_bytes_per_s: float


@dataclass(frozen=True)
class Exchange:
    """Who exchanges what.

    Args:
        size_bytes: of one worker's gradients.
        workers: 1 or more.
        servers: 1 or more, but no more than hosts.
        apart: the servers have hosts of their own, rather than share the first workers' as `gluonref launch` has it.
    """

    size_bytes: float
    workers: int
    servers: int = 1
    apart: bool = False

    @property
    def halved(self) -> bool:
        """Whether each number is sent as two."""
        return self.workers > ORDERED

    @property
    def sent_bytes(self) -> float:
        """By each worker."""
        return self.size_bytes * (1 + self.halved)

    @property
    def carried_bytes(self) -> float:
        """Through the busiest link, there and back: a server's, or a worker's where there are more servers."""
        ends = max(self.workers, self.servers) if self.apart else self.workers - 1  # the worker beside it needs no link
        return 2 * ends * self.sent_bytes / self.servers

    @property
    def messages(self) -> int:
        """That the busiest process sends or receives one after the other: a part for each server or worker, and back.

        Where a host has both, they work beside each other. The largest numbers go to one server.
        """
        return 2 * max(self.workers, self.servers) + 2 * self.workers * self.halved

    @property
    def passed_bytes(self) -> float:
        """That are read through: a server takes the first part, adds the others, keeps the sum, copies each answer."""
        served = (2 * self.workers + 1) * self.sent_bytes / self.servers
        return served + (COPIES + HALVING * self.halved) * self.size_bytes


def exchange_s(network: Network, exchange: Exchange) -> float:
    """Seconds from the last worker's push to the last worker's having the sums."""
    return (
        network.latency_s * (1 + exchange.halved)
        + exchange.carried_bytes / network.rate_bytes_per_s
        + exchange.messages * network.message_s
        + exchange.passed_bytes / network.passing_bytes_per_s
    )


def efficiency(network: Network, exchange: Exchange, compute_s: float) -> float:
    """Samples per second of all workers, as a share of as many trainings that exchange nothing."""
    return compute_s / (compute_s + exchange_s(network, exchange))


def paying(network: Network, size_bytes: float, compute_s: float, servers: Callable[[int], int]) -> int:
    """The most workers, up to MOST, with whom efficiency is at least PAYS and was so with fewer; 0 for none.

    Args:
        network: between them.
        size_bytes: of the gradients.
        compute_s: of a step.
        servers: how many for so many workers.
    """
    for workers in range(1, MOST + 1):
        if efficiency(network, Exchange(size_bytes, workers, servers(workers)), compute_s) < PAYS:
            return workers - 1
    return MOST


def fit(measured: Iterable[tuple[Exchange, float]], passing_bytes_per_s: float) -> Network:
    """The network that explains measured exchanges with the least sum of squared relative errors.

    Args:
        measured: exchanges and their seconds; of three kinds or more, or the latency and the messages' share are 0.
        passing_bytes_per_s: as in Network, measured by itself.
    """
    pairs = list(measured)
    seconds = np.array([each for _, each in pairs])
    table = np.array([[1.0 + one.halved, one.carried_bytes, one.messages] for one, _ in pairs]) / seconds[:, None]
    rest = 1 - np.array([one.passed_bytes for one, _ in pairs]) / passing_bytes_per_s / seconds
    latency_s, second_per_byte, message_s = _least(table, rest)
    rate = 1 / second_per_byte if second_per_byte else float("inf")
    return Network(latency_s, rate, message_s, passing_bytes_per_s)


def _least(table: np.ndarray, target: np.ndarray) -> Sequence[float]:
    """Least squares with no negative share: the most negative one is left out until none is."""
    kept = list(range(table.shape[1]))
    while kept:
        found = np.linalg.lstsq(table[:, kept], target, rcond=None)[0]
        if found.min() >= 0:
            return [float(found[kept.index(at)]) if at in kept else 0.0 for at in range(table.shape[1])]
        kept.pop(int(found.argmin()))
    return [0.0] * table.shape[1]


def slower(network: Network, rate_bytes_per_s: float, latency_s: float) -> Network:
    """The same processes at links of a given rate, with a latency that comes on top."""
    rate = min(network.rate_bytes_per_s, rate_bytes_per_s)
    return replace(network, rate_bytes_per_s=rate, latency_s=network.latency_s + latency_s)
