"""Tests of gluon_ref.exporters._fusing: joined steps give the same numbers, whoever reads what lies in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gluon_ref.backend import mx, quiet
from gluon_ref.exporters._fusing import BACKEND, COPY, SUM, joined

DATA = mx.sym.var("data")
SHAPE = (2, 4, 5, 5)


def conv(x: Any = DATA, name: str = "c") -> Any:
    return mx.sym.Convolution(x, kernel=(3, 3), pad=(1, 1), num_filter=4, name=name)


def relu(x: Any, name: str = "r") -> Any:
    return mx.sym.Activation(x, act_type="relu", name=name)


def norm(x: Any) -> Any:
    return mx.sym.BatchNorm(x, fix_gamma=False, name="b")


def dense(x: Any, name: str) -> Any:
    return mx.sym.FullyConnected(x, num_hidden=4, flatten=False, name=name)


def forked(value: Any, follow: Callable[[Any], Any] = relu) -> Any:
    """A block before whose rectifier the shortcut begins."""
    return conv(follow(value), "d") + value


# What MXNet joins wrongly, by name.
WRONG: dict[str, Callable[[], Any]] = {
    "rectified and added": lambda: forked(conv()),
    "added and rectified": lambda: (lambda c: c + conv(relu(c), "d"))(conv()),
    "rectified, and a result": lambda: mx.sym.Group([relu(c := conv()), c]),
    "normalized and added": lambda: forked(conv(), norm),
    "leaky and added": lambda: forked(conv(), lambda x: mx.sym.LeakyReLU(x, act_type="leaky", name="r")),
    "clipped and added": lambda: forked(conv(), lambda x: mx.sym.clip(x, a_min=0, a_max=6, name="r")),
    "norm rectified and added": lambda: forked(norm(conv())),
    "dropout between": lambda: forked(mx.sym.Dropout(conv(), p=0.5)),
    "a copy between, and a result": lambda: mx.sym.Group([relu(c := conv()), mx.sym.identity(c)]),
    "twice": lambda: (lambda e: conv(relu(e, "s"), "f") + e)(forked(conv())),
}
RIGHT: dict[str, Callable[[], Any]] = {
    "a chain": lambda: conv(relu(norm(conv())), "d"),
    "a chain with dropout": lambda: mx.sym.identity(conv(relu(mx.sym.Dropout(norm(conv()), p=0.5)), "d")),
    "a block": lambda: (lambda r: relu(conv(relu(conv(r, "d"), "s"), "e") + r, "t"))(relu(conv())),
    "a bottleneck": lambda: (lambda b: conv(relu(conv(b, "d"), "s"), "e") + b)(norm(conv())),
    "two rectifiers": lambda: (lambda c: relu(conv(relu(c), "d") + relu(c, "s"), "t"))(conv()),
    "dense": lambda: dense(relu(dense(DATA, "c")), "d"),
    "side by side": lambda: (lambda c: mx.sym.Concat(c, conv(relu(c), "d"), dim=1))(conv()),
}


def answers(symbol: Any) -> list[np.ndarray]:
    """As Gluon computes it, which joins nothing by itself."""
    given, _, states = symbol.infer_shape(data=SHAPE)
    known = [*zip(symbol.list_arguments(), given), *zip(symbol.list_auxiliary_states(), states)]
    random, arrays = np.random.RandomState(0), {}
    for name, shape in sorted(known):
        arrays[name] = mx.nd.array(random.uniform(0.1 if name.endswith("var") else -1.0, 1.0, shape))
    with quiet():  # that no types are known
        net = mx.gluon.SymbolBlock(symbol, [DATA])
    for name, param in net.collect_params().items():
        param.shape = arrays[name].shape
        param.initialize()
        param.set_data(arrays[name])
    outputs = net(arrays["data"])
    return [one.asnumpy() for one in (outputs if isinstance(outputs, list) else [outputs])]


def gap(symbol: Any, other: Any) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(answers(symbol), answers(other), strict=True))


# Signed where what is added is not, the other way round, or where nobody knows.
UNLIKE: dict[str, Callable[[], Any]] = {
    "a block that narrows": lambda: (lambda r: relu(conv(r, "d") + norm(conv(r, "e")), "s"))(relu(conv())),
    "a shortcut that is rectified": lambda: (lambda r: conv(r, "d") + mx.sym.identity(r))(relu(conv())),
    "one that is pooled": lambda: (lambda r: conv(r, "d") + pooled(r))(relu(conv())),
    "the input": lambda: conv() + DATA,
    "a sigmoid": lambda: (lambda r: relu(conv(r, "d") + mx.sym.sigmoid(r), "s"))(conv()),
}


def pooled(x: Any) -> Any:
    return mx.sym.Pooling(x, kernel=(3, 3), pad=(1, 1), pool_type="max", name="p")


def operators(symbol: Any) -> list[str]:
    return [node["op"] for node in json.loads(symbol.tojson())["nodes"]]


@pytest.mark.parametrize("name", WRONG)
def test_what_mxnet_joins_wrongly_is_kept_apart(name: str) -> None:
    symbol = WRONG[name]()
    assert gap(symbol, symbol.get_backend_symbol(BACKEND)) > 0.1
    made = joined(symbol)
    assert gap(symbol, made) < 1e-4
    assert COPY in operators(made)
    assert "_sg_mkldnn_conv" in operators(made)


@pytest.mark.parametrize("name", RIGHT)
def test_what_mxnet_joins_rightly_stays_as_it_is(name: str) -> None:
    symbol = RIGHT[name]()
    made = joined(symbol)
    assert operators(made) == operators(symbol.get_backend_symbol(BACKEND))
    assert gap(symbol, made) < 1e-4


def test_an_input_and_its_copy_stay_one_input() -> None:
    symbol = conv(mx.sym.Dropout(mx.sym.identity(DATA), p=0.5) + DATA)
    assert joined(symbol).list_arguments() == symbol.list_arguments()
    assert gap(symbol, joined(symbol)) < 1e-4


@pytest.mark.parametrize("name", UNLIKE)
def test_a_sum_of_unlike_signs_is_no_part_of_a_step(name: str) -> None:
    symbol = UNLIKE[name]()
    assert "with_sum" in symbol.get_backend_symbol(BACKEND).tojson()
    made = joined(symbol)
    assert "with_sum" not in made.tojson()
    assert SUM in operators(made)
    assert gap(symbol, made) < 1e-4


def test_a_dense_layer_is_read_by_one_step() -> None:
    symbol = (lambda c: conv(c) + mx.sym.sigmoid(c))(relu(dense(DATA, "d")))
    made = joined(symbol)
    assert operators(made).index(COPY) == operators(made).index("_sg_mkldnn_fully_connected") + 1
    assert gap(symbol, made) < 1e-4


def test_a_leaky_rectifier_is_no_part_of_a_dense_layer() -> None:
    symbol = mx.sym.LeakyReLU(dense(DATA, "d"), act_type="leaky")
    made = joined(symbol)
    assert operators(made)[-3:] == ["_sg_mkldnn_fully_connected", COPY, "LeakyReLU"]
    assert gap(symbol, made) < 1e-4


@pytest.mark.parametrize("rectified", [True, False])
def test_a_sum_of_like_signs_is_part_of_a_step(rectified: bool) -> None:
    x = relu(conv(), "r") if rectified else norm(conv())
    made = joined(relu(conv(x, "d") + x, "s") if rectified else conv(x, "d") + x)
    assert "with_sum" in made.tojson()
    assert SUM not in operators(made)


def test_what_is_added_to_itself_can_be_computed() -> None:
    made = joined((c := conv()) + c)
    assert [one for one in operators(made) if one != "null"] == ["_sg_mkldnn_conv", COPY, "elemwise_add"]
    assert gap(c + c, made) < 1e-4


def test_a_copy_takes_no_name_that_is_taken() -> None:
    c = conv()
    symbol = mx.sym.Group([relu(c), c, mx.sym.sin(DATA, name="c_copy")])
    assert "c_copy_2" in [node["name"] for node in json.loads(joined(symbol).tojson())["nodes"]]
    assert gap(symbol, joined(symbol)) < 1e-4
