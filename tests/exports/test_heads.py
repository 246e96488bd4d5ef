"""What heads of old symbols answer in use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gluon_ref import graphs
from gluon_ref.backend import mx
from gluon_ref.exports import heads


def answer(symbol: Any, **given: np.ndarray) -> np.ndarray:
    arrays = {name: mx.nd.array(one) for name, one in given.items()}
    found: np.ndarray = symbol.bind(mx.cpu(), arrays).forward(is_train=False)[0].asnumpy()
    return found


HEADS = [
    ("SoftmaxOutput", {}, (2, 5)),
    ("SoftmaxOutput", {}, (2, 3, 5)),
    ("SoftmaxOutput", {"multi_output": True}, (2, 3, 5)),
    ("SoftmaxOutput", {"preserve_shape": True}, (2, 3, 5)),
    ("LinearRegressionOutput", {}, (2, 5)),
    ("MAERegressionOutput", {}, (2, 5)),
    ("LogisticRegressionOutput", {}, (2, 5)),
    ("SVMOutput", {}, (2, 5)),
]


@pytest.mark.parametrize(("op", "options", "shape"), HEADS)
def test_a_head_answers_the_same_without_its_label(op: str, options: dict[str, Any], shape: tuple[int, ...]) -> None:
    symbol = getattr(mx.sym, op)(mx.sym.var("data"), mx.sym.var("wanted"), name="head", **options)
    bare = heads.without_labels(symbol)
    assert bare.list_inputs() == ["data"]
    assert bare.list_outputs() == ["head_output"]
    data = np.random.normal(0, 2, shape).astype(np.float32)
    label = symbol.infer_shape(data=shape)[0][1]  # MXNet writes past one of another shape
    expected = answer(symbol, data=data, wanted=np.zeros(label))
    np.testing.assert_allclose(answer(bare, data=data), expected, atol=1e-6)  # softmax is summed in another order


def plugin() -> graphs.Graph:
    """A network that ends in WarpCTC, whose label is made of an argument."""
    label = mx.sym.reshape(mx.sym.var("label"), shape=(-1,))
    dense = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=3, name="dense")
    head = mx.sym.SoftmaxOutput(dense, label, name="ctc")
    graph = graphs.parse("it", head.tojson())
    options = (("input_length", "2"), ("label_length", "1"))
    nodes = [replace(one, op="WarpCTC", options=options) if one.name == "ctc" else one for one in graph.nodes]
    return replace(graph, nodes=tuple(nodes))


def test_a_head_that_no_wheel_has_answers_shares_and_needs_no_label() -> None:
    assert heads.labels(plugin()) == ("label",)
    symbol = graphs.symbol(heads.built_in(plugin()))
    assert symbol.list_inputs() == ["data", "dense_weight", "dense_bias"]
    assert symbol.list_outputs() == ["ctc_output"]
    given = {"data": (4, 5), "dense_weight": (3, 5), "dense_bias": (3,)}
    arrays = {name: np.random.normal(size=shape).astype(np.float32) for name, shape in given.items()}
    scores = np.exp(arrays["data"] @ arrays["dense_weight"].T + arrays["dense_bias"])
    np.testing.assert_allclose(answer(symbol, **arrays), scores / scores.sum(axis=1, keepdims=True), rtol=1e-5)


def test_a_label_is_what_only_a_head_reads_as_one() -> None:
    label = mx.sym.var("softmax_label")
    head = mx.sym.SoftmaxOutput(mx.sym.var("data"), label, name="softmax")
    graph = graphs.parse("it", head.tojson())
    assert heads.labels(graph) == ("softmax_label",)
    both = graphs.parse("it", mx.sym.Group([head, mx.sym.sum(label)]).tojson())
    assert heads.labels(both) == ()


def test_nodes_after_a_head_read_its_answer() -> None:
    head = mx.sym.SoftmaxOutput(mx.sym.var("data"), name="softmax")
    bare = heads.without_labels(mx.sym.sum(head * 2, axis=1))
    data = np.random.normal(0, 2, (3, 5)).astype(np.float32)
    np.testing.assert_allclose(answer(bare, data=data), [2, 2, 2], rtol=1e-6)  # shares sum to 1


def test_a_network_without_heads_stays_as_it_is() -> None:
    symbol = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=3, name="dense")
    assert heads.without_labels(symbol).list_arguments() == symbol.list_arguments()
