from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gluon_ref import graphs
from gluon_ref.backend import mx
from gluon_ref.exporters._uses import parts, uses


def told(symbol: Any, **shapes: tuple[int, ...]) -> dict[str, list[dict[str, Any]]]:
    return uses(graphs.parse("here", symbol.tojson()), shapes)


def var(name: str) -> Any:
    return mx.sym.var(name)


def dense(data: Any, weight: Any, name: str = "dense", **options: Any) -> Any:
    return mx.sym.FullyConnected(data, weight, num_hidden=3, no_bias=True, name=name, **options)


def conv(**options: Any) -> Any:
    return mx.sym.Convolution(var("x"), var("w"), var("b"), num_filter=2, name="conv", **options)


AXES = [
    (mx.sym.FullyConnected(var("x"), var("w"), var("b"), num_hidden=3), "w", ["out", "in"]),
    (mx.sym.FullyConnected(var("x"), var("w"), var("b"), num_hidden=3), "b", ["out"]),
    (conv(kernel=(3,)), "w", ["out", "in / groups", "width"]),
    (conv(kernel=(3, 5)), "w", ["out", "in / groups", "height", "width"]),
    (conv(kernel=(3, 5, 1)), "w", ["out", "in / groups", "depth", "height", "width"]),
    (conv(kernel=(3, 5), layout="NHWC"), "w", ["out", "height", "width", "in / groups"]),
    (conv(kernel=(3, 5)), "b", ["out"]),
    (
        mx.sym.Deconvolution(var("x"), var("w"), kernel=(2, 2), num_filter=2),
        "w",
        ["in", "out / groups", "height", "width"],
    ),
    (mx.sym.Embedding(var("x"), var("w"), input_dim=7, output_dim=2), "w", ["vocab", "width"]),
    (mx.sym.BatchNorm(var("x"), var("g"), var("b"), var("m"), var("v")), "g", ["channel"]),
    (mx.sym.BatchNorm(var("x"), var("g"), var("b"), var("m"), var("v")), "v", ["channel"]),
    (mx.sym.LeakyReLU(var("x"), var("w"), act_type="prelu"), "w", ["channel"]),
]


@pytest.mark.parametrize(("symbol", "name", "axes"), AXES)
def test_axes_of_known_operators_are_named(symbol: Any, name: str, axes: list[str]) -> None:
    ((use,),) = told(symbol, **{name: (2,) * len(axes)}).values()
    assert use["axes"] == axes


def test_a_use_tells_operator_node_role_and_options() -> None:
    (use,) = told(conv(kernel=(3, 5), num_group=2, cudnn_off=True, workspace=7), w=(2, 1, 3, 5))["w"]
    assert (use["operator"], use["node"], use["role"]) == ("Convolution", "conv", "weight")
    # Those that were given, and those that MXNet takes; not those that only say how to compute.
    options = {"kernel": "(3, 5)", "num_filter": "2", "num_group": "2", "no_bias": "False"}
    assert options.items() <= use["options"].items()
    assert not {"cudnn_off", "workspace"} & set(use["options"])


def test_an_array_has_a_use_for_each_reader() -> None:
    weight = var("w")
    first = dense(var("x"), weight, "first")
    both = told(mx.sym.Group([first, dense(first, weight, "second"), weight + first]), w=(3, 3))
    assert [(use["node"], use["role"]) for use in both["w"]][:2] == [("first", "weight"), ("second", "weight")]
    assert (both["w"][2]["operator"], both["w"][2]["role"], "axes" in both["w"][2]) == ("elemwise_add", "lhs", False)
    assert set(both) == {"w"}  # of inputs, which have no array, nothing is told


def test_what_hands_numbers_on_is_passed_through() -> None:
    reshaped = mx.sym.Reshape(mx.sym.BlockGrad(var("w"), name="held"), shape=(3, 2), name="reshaped")
    (use,) = told(dense(var("x"), reshaped), w=(6,))["w"]
    assert (use["node"], use["role"], use["through"]) == ("dense", "weight", ["held", "reshaped"])
    joined = mx.sym.Concat(var("w"), var("v"), dim=0, name="joined")
    (use,) = told(dense(var("x"), joined), w=(1, 2), v=(2, 2))["v"]
    assert (use["through"], "axes" in use) == (["joined"], False)  # a part of the weight only


def test_many_paths_are_walked_once() -> None:
    node = var("w")
    for _ in range(64):
        node = mx.sym.Concat(node, node, dim=0)
    assert len(told(mx.sym.Flatten(node) * 2, w=(1, 2))["w"]) == 1


def rnn(flat: Any, **options: Any) -> Any:
    states = [var("h"), var("c")] if options["mode"] == "lstm" else [var("h")]
    return mx.sym.RNN(var("x"), flat, *states, state_size=3, name="rnn", **options)


GATES = {"lstm": ["input", "forget", "candidate", "output"], "gru": ["reset", "update", "candidate"], "rnn_tanh": None}


@pytest.mark.parametrize("mode", GATES)
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("both", [False, True])
def test_a_joined_array_of_a_recurrent_layer_says_which_part_it_is(mode: str, layers: int, both: bool) -> None:
    cell = {"lstm": mx.gluon.rnn.LSTM, "gru": mx.gluon.rnn.GRU, "rnn_tanh": mx.gluon.rnn.RNN}[mode]
    extra = {"activation": "tanh"} if mode == "rnn_tanh" else {}
    layer = cell(3, num_layers=layers, bidirectional=both, input_size=5, prefix="", **extra)
    states = [var("h"), var("c")] if mode == "lstm" else [var("h")]
    shapes = {name: param.shape for name, param in layer.collect_params().items()}
    found = told(mx.sym.Group([layer(var("x"), states)[0]]), **shapes)
    assert set(found) == set(shapes)
    assert len(shapes) == 4 * layers * (2 if both else 1)
    for name, (use,) in found.items():
        assert (use["operator"], use["role"], use["part"], use.get("gates")) == ("RNN", "parameters", name, GATES[mode])
        assert len(use["axes"]) == len(shapes[name])


FLAT: list[dict[str, Any]] = [
    {"mode": "lstm", "num_layers": 2, "bidirectional": True},
    {"mode": "lstm", "num_layers": 2, "projection_size": 2},
    {"mode": "gru", "num_layers": 3},
    {"mode": "rnn_relu", "num_layers": 1, "bidirectional": True},
]


@pytest.mark.parametrize("options", FLAT)
def test_a_flat_array_says_where_each_part_begins(options: dict[str, Any]) -> None:
    symbol = rnn(var("w"), **options)
    shapes = symbol.infer_shape(x=(7, 2, 5))[0]
    size = dict(zip(symbol.list_arguments(), shapes))["w"]
    (use,) = told(symbol, w=size)["w"]
    assert [one["part"] for one in use["parts"]] == parts({key: str(value) for key, value in use["options"].items()})
    ends = [one["begin"] + int(np.prod(one["shape"])) for one in use["parts"]]
    assert [0, *ends] == [*(one["begin"] for one in use["parts"]), *size]
    assert use["parts"][0]["shape"][1] == 5  # the input's width, which no option tells


def test_a_flat_array_that_is_joined_otherwise_is_told_of_without_parts() -> None:
    joined = mx.sym.Concat(var("w"), var("v"), dim=0)
    (use,) = told(rnn(joined, mode="gru", num_layers=1), w=(20,), v=(52,))["w"]
    assert (use["role"], "part" in use, "parts" in use) == ("parameters", False, False)
