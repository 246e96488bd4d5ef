"""Graphs that MXNet stumbles over, mended."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gluon_ref import graphs
from gluon_ref.backend import mx
from gluon_ref.errors import ConversionError
from gluon_ref.exports.mending import mended, refuse_chance


def mend(symbol: Any) -> Any:
    return graphs.symbol(mended(graphs.parse("it", symbol.tojson())))


def operators(symbol: Any) -> list[str]:
    return [node.op for node in graphs.parse("it", symbol.tojson()).nodes if node.op != graphs.VARIABLE]


def answer(symbol: Any, **arrays: np.ndarray) -> np.ndarray:
    given = {name: mx.nd.array(array) for name, array in arrays.items()}
    bound = symbol.bind(mx.cpu(), given, grad_req="null")
    for _ in range(2):  # the first time oneDNN has not laid out the weights yet
        found: np.ndarray = bound.forward()[0].asnumpy()
    return found


def test_a_dense_layer_right_behind_a_convolution_to_one_place_answers() -> None:
    """As it is, MXNet has no answer: "We can't generate TBlob for MKLDNN data", or a broken process."""
    x = mx.sym.Convolution(mx.sym.var("data"), num_filter=8, num_group=8, kernel=(16, 16), no_bias=True, name="depth")
    symbol = mx.sym.FullyConnected(x, num_hidden=3, name="dense")
    data = np.random.normal(size=(2, 8, 16, 16)).astype(np.float32)
    depth, weight = np.random.normal(size=(8, 1, 16, 16)), np.random.normal(size=(3, 8))
    params = {"depth_weight": depth, "dense_weight": weight, "dense_bias": np.zeros(3)}
    with pytest.raises(mx.base.MXNetError, match="MKLDNN"):
        answer(symbol, data=data, **params)
    wanted = (data * depth[:, 0]).sum(axis=(2, 3)) @ weight.T
    np.testing.assert_allclose(answer(mend(symbol), data=data, **params), wanted, rtol=1e-3)  # float32 beside float64


def convolved() -> Any:
    return mx.sym.Convolution(mx.sym.var("data"), num_filter=4, kernel=(3, 3), name="conv")


def dense(x: Any, **options: Any) -> Any:
    return mx.sym.FullyConnected(x, num_hidden=3, name="dense", **options)


ADDED = [
    (dense(mx.sym.Activation(convolved(), act_type="relu")), 1),
    (dense(mx.sym.BatchNorm(convolved())), 1),
    (dense(mx.sym.Flatten(convolved())), 0),
    (dense(convolved(), flatten=False), 0),
    (dense(mx.sym.relu(mx.sym.var("data"))), 0),
    (mx.sym.FullyConnected(mx.sym.relu(dense(mx.sym.Flatten(convolved()))), num_hidden=2), 0),
]


@pytest.mark.parametrize(("symbol", "count"), ADDED)
def test_a_flatten_is_added_only_behind_convolutions(symbol: Any, count: int) -> None:
    assert operators(mend(symbol)).count("Flatten") - operators(symbol).count("Flatten") == count


def test_a_step_called_like_an_argument_gets_a_name_of_its_own() -> None:
    symbol = mx.sym.negative(mx.sym.relu(mx.sym.var("data"), name="data"), name="data_step")
    names = [node.name for node in graphs.parse("it", mend(symbol).tojson()).nodes]
    assert names == ["data", "data_step2", "data_step"]


CHANCE = [
    (mx.sym.var("data") + mx.sym.random.normal(shape=(1, 3), name="noise"), r"_random_normal \(noise\)"),
    (mx.sym.sample_multinomial(mx.sym.var("data"), name="drawn"), r"_sample_multinomial \(drawn\)"),
    (mx.sym.Dropout(mx.sym.var("data"), mode="always", name="drop"), r"Dropout \(drop\)"),
]


@pytest.mark.parametrize(("symbol", "told"), CHANCE)
def test_answers_by_chance_are_refused(symbol: Any, told: str) -> None:
    with pytest.raises(ConversionError, match=rf"it: answers by chance, of {told}; .*; make what is drawn an input"):
        refuse_chance(graphs.parse("it", symbol.tojson()))


def test_steps_that_only_sound_like_chance_are_not() -> None:
    sampled = mx.sym.BilinearSampler(
        mx.sym.Dropout(mx.sym.UpSampling(mx.sym.var("data"), scale=2, sample_type="nearest"))
    )
    refuse_chance(graphs.parse("it", sampled.tojson()))
