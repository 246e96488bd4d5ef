"""A loss is compiled together with the network, and is the same as without."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.losses import Loss
from gluon_ref.records import Batch


def weighted(F: Any, outputs: Any, targets: Any, factors: Any) -> Any:
    """Squares of the first output's distance to the target, times a factor by target."""
    error = F.reshape(F.slice_axis(outputs, axis=1, begin=0, end=1), (-1,)) - F.cast(targets, "float32")
    return F.square(error) * F.take(factors, targets)


def network() -> Any:
    """Of two inputs, as a text's are."""

    class Net(mx.gluon.HybridBlock):
        def __init__(self) -> None:
            super().__init__()
            self.dense = mx.gluon.nn.Dense(2, in_units=3)

        def hybrid_forward(self, F: Any, x: Any, length: Any) -> Any:
            return F.broadcast_mul(self.dense(x), F.reshape(length, (-1, 1)))

    net = Net()
    net.initialize(mx.init.Constant(0.5))
    return net


def batch(size: int) -> Batch:
    random = np.random.RandomState(size)
    inputs = mx.nd.array(random.randn(size, 3)), mx.nd.array(random.rand(size))
    return Batch(inputs, mx.nd.array(random.randint(0, 3, size), dtype="int32"), size)


def found(net: Any, loss: Loss, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Losses of a batch, and the gradient of a weight."""
    with mx.autograd.record():
        losses = loss(net, batch(size))
    losses.backward()
    return losses.asnumpy(), net.dense.weight.grad().asnumpy()


@pytest.mark.parametrize("size", [1, 4])
def test_compiled_or_not_losses_and_gradients_are_those_of_the_formula(size: int) -> None:
    factors = np.array([1, 10, 100], dtype=np.float32)
    (x, length), targets = batch(size).inputs, batch(size).targets.asnumpy()
    outputs = (0.5 * x.asnumpy().sum(axis=1)) * length.asnumpy()  # biases start at 0
    for compiled in (False, True):
        net = network()
        if compiled:
            net.hybridize(static_alloc=True)
        losses, gradient = found(net, Loss(weighted, [factors]), size)
        np.testing.assert_allclose(losses, (outputs - targets) ** 2 * factors[targets], rtol=1e-5)
        slopes = 2 * (outputs - targets) * factors[targets] * length.asnumpy()
        np.testing.assert_allclose(gradient[0], slopes @ x.asnumpy(), rtol=1e-4)
        assert not gradient[1].any()


def test_the_graph_is_made_once_and_anew_for_another_network() -> None:
    calls = []

    def of(F: Any, outputs: Any, targets: Any) -> Any:
        calls.append(F)
        return F.sum(outputs, axis=1) * F.cast(targets + 1, "float32")

    loss, net = Loss(of), network()
    net.hybridize(static_alloc=True)
    for size in (2, 5, 2):
        found(net, loss, size)
    assert calls == [mx.sym]
    other = network()
    other.dense.weight.set_data(mx.nd.zeros((2, 3)))
    before = found(net, loss, 2)[0]
    assert (found(other, loss, 2)[0] != before).all()
    assert calls == [mx.sym, *[mx.nd] * (len(calls) - 1)]


def test_the_network_s_parameters_stay_its_own() -> None:
    net = network()
    names = list(net.collect_params())
    found(net, Loss(lambda F, outputs, targets: F.sum(outputs, axis=1)), 2)
    assert list(net.collect_params()) == names
