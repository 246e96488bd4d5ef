"""Tests of gluon_ref.rectifying: the same numbers to the last bit, and graphs that must stay as they are."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.losses import Loss
from gluon_ref.records import Batch
from gluon_ref.rectifying import after_pooling

DATA = mx.sym.var("data")


def convolved(x: Any = DATA, filters: int = 8) -> Any:
    return mx.sym.Convolution(x, kernel=(3, 3), pad=(1, 1), num_filter=filters, no_bias=True)


def rectified(x: Any) -> Any:
    return mx.sym.Activation(x, act_type="relu")


def pooled(x: Any, **options: Any) -> Any:
    return mx.sym.Pooling(x, **{"kernel": (2, 2), "stride": (2, 2), **options})


def operators(symbol: Any) -> list[str]:
    nodes = json.loads(symbol.tojson(remove_amp_cast=False))["nodes"]
    return [node["op"] for node in nodes if node["op"] != "null"]


def numbers(symbol: Any, shape: tuple[int, ...], grad_req: str) -> dict[str, np.ndarray]:
    """Outputs, gradients and statistics after two passes over the same random arrays."""
    bound = symbol.simple_bind(mx.cpu(), data=shape, grad_req=grad_req)
    random = np.random.RandomState(0)
    for arrays in (bound.arg_dict, bound.aux_dict):
        for name in sorted(arrays):
            arrays[name][:] = random.uniform(0.1 if name.endswith("var") else -1.0, 1.0, arrays[name].shape)
    for _ in range(2):
        (output,) = bound.forward(is_train=True)
        bound.backward(mx.nd.array(np.random.RandomState(1).normal(size=output.shape)))
    mx.nd.waitall()
    told = {"output": output, **bound.aux_dict, **bound.grad_dict}
    return {name: array.asnumpy() for name, array in told.items()}


def block(x: Any, filters: int, norm: bool, **options: Any) -> Any:
    made = convolved(x, filters)
    return pooled(rectified(mx.sym.BatchNorm(made, fix_gamma=False) if norm else made), **options)


@pytest.mark.parametrize("grad_req", ["write", "add"])
@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize(
    ("filters", "side", "options"),
    [
        (16, 8, {}),
        (8, 4, {}),  # for which oneDNN lays batch norm's gradient out otherwise than its results
        (2, 7, {"kernel": (3, 3), "pad": (1, 1)}),
        (3, 9, {"kernel": (3, 3), "stride": (1, 1)}),
        (5, 6, {"global_pool": True}),
    ],
)
def test_numbers_stay_the_same_to_the_last_bit(
    filters: int, side: int, options: dict[str, Any], norm: bool, grad_req: str
) -> None:
    plain = block(block(DATA, 4, norm), filters, norm, **options)
    changed = after_pooling(plain)
    assert operators(changed).count("Pooling") == operators(plain).count("Pooling") == 2
    kinds = operators(changed)
    assert all(kinds[at + 1] == "Activation" for at, kind in enumerate(kinds) if kind == "Pooling")
    expected, found = (numbers(one, (3, 3, 2 * side, 2 * side), grad_req) for one in (plain, changed))
    assert expected.keys() == found.keys()
    assert all(np.any(array) for array in expected.values())
    for name, array in expected.items():
        assert np.array_equal(array, found[name]), name


def test_one_rectifier_before_several_poolings_goes_after_all_of_them() -> None:
    chain = pooled(pooled(mx.sym.relu(convolved())))
    assert operators(after_pooling(chain)) == ["Convolution", "Pooling", "Pooling", "relu"]


RECTIFIED = rectified(convolved())
LEFT = {
    "another_activation": pooled(mx.sym.Activation(convolved(), act_type="tanh")),
    "averages": pooled(RECTIFIED, pool_type="avg"),
    "windows_beyond_the_image": pooled(RECTIFIED, pooling_convention="full"),
    "read_twice": mx.sym.Group([pooled(RECTIFIED), mx.sym.sum(RECTIFIED)]),
    "an_output_too": mx.sym.Group([RECTIFIED, pooled(RECTIFIED)]),
    "nothing_rectified": pooled(convolved()),
    "an_input": pooled(DATA),
}


@pytest.mark.parametrize("symbol", LEFT.values(), ids=LEFT.keys())
def test_what_would_change_the_numbers_is_left(symbol: Any) -> None:
    assert after_pooling(symbol) is symbol


def test_casts_of_a_precision_stay() -> None:
    symbol = pooled(rectified(convolved(mx.sym.amp_cast(DATA, dtype="float16"))))
    assert operators(after_pooling(symbol)) == ["amp_cast", "Convolution", "Pooling", "Activation"]


def test_a_loss_trains_on_the_changed_graph_and_the_network_answers_with_its_own() -> None:
    nn = mx.gluon.nn
    net = nn.HybridSequential()
    net.add(nn.Conv2D(8, 3, in_channels=3), nn.Activation("relu"), nn.MaxPool2D(2), nn.Flatten(), nn.Dense(2))
    net.initialize()
    net.hybridize()
    images, targets = mx.nd.ones((4, 3, 8, 8)), mx.nd.ones((4, 2))
    loss = Loss(lambda F, outputs, targets: F.mean(F.square(outputs - targets), axis=1))
    compiled = loss(net, Batch((images,), targets, 4))
    own = mx.nd.mean(mx.nd.square(net(images) - targets), axis=1)
    assert np.array_equal(compiled.asnumpy(), own.asnumpy())
    assert operators(loss._graph._cached_graph[1])[:3] == ["Convolution", "Pooling", "Activation"]
    assert operators(net._cached_graph[1])[:3] == ["Convolution", "Activation", "Pooling"]
