"""What each of several workers looks at: the same calls on all of them, in order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gluon_ref import statistics
from gluon_ref.backend import mx
from gluon_ref.records import State
from gluon_ref.workers import Group

SHAPES = ((2, 3), (4,))


def gathers(group: Group) -> bool:
    """Everyone's message arrives, by rank; an empty one too."""
    return group.gather(f"w{group.rank}".encode()) == [f"w{rank}".encode() for rank in range(group.workers)] and (
        group.gather(b"") == [b""] * group.workers
    )


def broadcasts(group: Group) -> bool:
    """A message of several pieces and an odd length arrives whole; what the others give is not heard."""
    message = bytes(range(256)) * 4097 + b"x"
    return group.broadcast(message if not group.rank else b"other") == message


def agrees(group: Group) -> bool:
    """One is enough; none is none."""
    return group.agree(group.rank == 1) and not group.agree(False)


def totals(group: Group) -> bool:
    """Sums in float64, over those who have them."""
    mine = {"all": np.array([[0.1 + group.rank]]), **({"one": np.arange(3)} if group.rank == 1 else {})}
    found = group.total(mine)
    return bool(found["all"][0, 0] == sum(0.1 + rank for rank in range(group.workers))) and (
        found["one"].tolist() == [0, 1, 2]
    )


def adds(group: Group) -> bool:
    """Gradients and losses are added up in place on all devices."""
    if group.served:
        return True
    gradients = [[mx.nd.full(shape, group.rank + 1.0, ctx=mx.cpu(at)) for at in range(2)] for shape in SHAPES]
    loss = group.add(5, gradients, mx.nd.array([group.rank + 0.5]))
    expected = sum(range(1, group.workers + 1))
    same = all((one.asnumpy() == expected).all() for each in gradients for one in each)
    return same and float(loss.asscalar()) == sum(rank + 0.5 for rank in range(group.workers))


def orders(group: Group) -> bool:
    """Sums of random gradients are the same bits each time, whoever comes first, and right."""
    if group.served:
        return True
    everyone = [np.random.RandomState(rank).randn(9, 500) * 10.0 ** -np.arange(9)[:, None] for rank in range(3)]
    everyone = [one.astype(np.float32) for one in everyone[: group.workers]]
    found = set()
    for _ in range(20):
        gradient = mx.nd.array(everyone[group.rank])
        group.add(6, [[gradient]], mx.nd.zeros((1,)))
        found.add(gradient.asnumpy().tobytes())
    exact = np.sum(everyone, axis=0, dtype=np.float64)
    right = np.allclose(np.frombuffer(found.pop(), np.float32).reshape(9, 500), exact, rtol=1e-6, atol=1e-11)
    return right and not found


def grants(group: Group) -> bool:
    """A wish of one worker is granted to all after the same update, once."""
    if group.served:
        return group.wish("stop", True)
    heard: list[int] = []
    for step in range(60):
        group.add(0, [[mx.nd.ones((2,))]], mx.nd.zeros((1,)))
        if group.wish("checkpoint", group.rank == 1 and step >= 3 and not heard):
            heard.append(step)
    return len(heard) == 1 and heard[0] > 3 and len({*group.gather(repr(heard).encode())}) == 1


def averages(group: Group) -> bool:
    """Batch norms of all workers get the mean of their statistics, and each its own back where that is asked."""
    net = mx.gluon.nn.BatchNorm(in_channels=2)
    net.initialize()
    mean, own = net.running_mean, [group.rank, 10.0 * group.rank]
    mean.set_data(mx.nd.array(own))
    middle = np.array([1.0, 10.0]) * np.mean(range(group.workers))
    state = State(net, [], batch=1)
    with statistics.averaged(state, group) as rows:
        inside = np.allclose(mean.data().asnumpy(), middle)
    outside = mean.data().asnumpy().tolist() == own
    statistics.settle(state, group)
    settled = np.allclose(mean.data().asnumpy(), middle)
    assert rows is not None
    statistics.restore(state, group, rows)
    return inside and outside and settled and mean.data().asnumpy().tolist() == own


PROBES: dict[str, Callable[[Group], bool]] = {
    probe.__name__: probe for probe in (gathers, broadcasts, agrees, totals, adds, orders, grants, averages)
}
