"""The multilayer perceptron, by hand and by its options."""

from __future__ import annotations

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.errors import OptionError
from gluon_ref.layers import settle
from gluon_ref.models import mlp
from gluon_ref.records import Facts, Field

from ..conftest import VALUE, VECTOR

MNIST = Facts("image", "label", (1, 28, 28), labels=tuple("0123456789"), mean=(0.0,), std=(1.0,))


def test_weights_of_one_by_hand() -> None:
    net = mlp.build(VECTOR, units=(2,))
    net.initialize(mx.init.One())
    # Standardized: (3 - 1) / 2 = 1 five times; two units of 5 each; three scores of 10.
    assert net(mx.nd.full((1, 5), 3.0)).asnumpy().tolist() == [[10.0, 10.0, 10.0]]


def test_a_value_is_answered_in_its_own_units_by_hand() -> None:
    net = mlp.build(VALUE, units=())
    net.initialize(mx.init.One())
    # Standardized: 1 five times, 5 in all; times the deviation 3, plus the mean 7.
    assert net(mx.nd.full((2, 5), 3.0)).asnumpy().tolist() == [[22.0], [22.0]]


def test_the_default_is_784_256_128_10_on_28x28_images() -> None:
    net = mlp.build(MNIST)
    net.initialize()
    settle(net, [Field("data", MNIST.shape)], mx.cpu())
    shapes = [param.shape for name, param in net._collect_params_with_prefix().items() if name.endswith("weight")]
    assert shapes == [(256, 784), (128, 256), (10, 128)]


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_each_activation_is_applied(activation: str) -> None:
    net = mlp.build(VECTOR, units=(2,), activation=activation)
    net.initialize(mx.init.One())
    expected = {"relu": 0.0, "sigmoid": 2 / (1 + np.exp(5.0)), "tanh": 2 * np.tanh(-5.0)}[activation]
    assert net(mx.nd.full((1, 5), -1.0)).asnumpy()[0, 0] == pytest.approx(expected, abs=1e-5)


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(OptionError, match=r"model mlp: units=16,0; expected 1 or more; pass --set model.units=128"):
        mlp.build(VECTOR, units=(16, 0))
    with pytest.raises(OptionError, match=r"model mlp: dropout=1.5"):
        mlp.build(VECTOR, dropout=1.5)
