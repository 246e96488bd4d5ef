"""The LSTM: gate by gate by hand, the written cell and the fused operator held together, and padding without effect."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.errors import OptionError
from gluon_ref.inputs import text
from gluon_ref.layers import settle
from gluon_ref.models import lstm

from ..conftest import TEXT

# Both compute in float32 but sum in different orders.
CLOSE = {"rtol": 1e-4, "atol": 1e-6}


def made(**options: Any) -> Any:
    """A small network with random weights, biases included."""
    net = lstm.build(TEXT, embedding=3, units=5, **{"dropout": 0.0, **options})
    net.initialize(mx.init.Uniform(0.5))
    settle(net, text.fields(TEXT), mx.cpu())
    for param in net.collect_params(".*bias").values():
        param.set_data(mx.nd.random.uniform(-0.5, 0.5, shape=param.shape))
    return net


def copied(source: Any, target: Any) -> Any:
    """`target` with the weights of `source`."""
    theirs = source._collect_params_with_prefix()
    for name, param in target._collect_params_with_prefix().items():
        param.set_data(theirs[name].data())
    return target


def padded(width: int) -> tuple[Any, Any]:
    """Three texts of 7, 4 and 1 tokens."""
    rows = np.zeros((3, width), dtype=np.int32)
    for row, length in zip(rows, (7, 4, 1)):
        row[:length] = np.arange(length) % 6 + 2
    return mx.nd.array(rows, dtype="int32"), mx.nd.array([7, 4, 1], dtype="int32")


def test_one_step_by_hand() -> None:
    cell = lstm.WrittenLSTM(1, 1)
    cell.initialize()
    # Gates in the order i, f, g, o; the state before is zero, so the recurrent weights do not matter.
    cell.i2h_weight.set_data(mx.nd.array([[1.0], [2.0], [3.0], [4.0]]))
    cell.h2h_weight.set_data(mx.nd.ones((4, 1)))
    hidden = cell(mx.nd.array([[[0.5]]])).asscalar()
    logistic = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    assert hidden == pytest.approx(logistic(2.0) * np.tanh(logistic(0.5) * np.tanh(1.5)), rel=1e-6)


def test_the_second_step_remembers_and_forgets_by_hand() -> None:
    cell = lstm.WrittenLSTM(1, 1)
    cell.initialize()
    cell.i2h_weight.set_data(mx.nd.zeros((4, 1)))
    cell.h2h_weight.set_data(mx.nd.zeros((4, 1)))
    cell.i2h_bias.set_data(mx.nd.array([100.0, 0.0, 100.0, 100.0]))  # i = 1, f = 1/2, g = 1, o = 1
    hidden = cell(mx.nd.zeros((3, 1, 1))).asnumpy().ravel()
    assert hidden == pytest.approx(np.tanh([1.0, 1.5, 1.75]), rel=1e-6)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("directions", ["both", "forward"])
@pytest.mark.parametrize("hybridize", [False, True])
def test_the_written_cell_and_the_fused_operator_agree_in_outputs_and_gradients(
    layers: int, directions: str, hybridize: bool
) -> None:
    fused = made(layers=layers, directions=directions)
    written = copied(fused, made(layers=layers, directions=directions, cell="written"))
    found = []
    for net in (fused, written):
        if hybridize:
            net.hybridize(static_alloc=True)
        with mx.autograd.record():
            scores = net(*padded(8))
            loss = (scores**2).sum()
        loss.backward()
        gradients = {name: param.grad().asnumpy() for name, param in net._collect_params_with_prefix().items()}
        found.append((scores.asnumpy(), gradients))
    np.testing.assert_allclose(found[0][0], found[1][0], **CLOSE)
    for name, gradient in found[0][1].items():
        assert np.abs(gradient).max() > 0, f"{name} gets no gradient"
        np.testing.assert_allclose(gradient, found[1][1][name], err_msg=name, **CLOSE)


def test_the_fused_operator_agrees_with_gluons_own_layer() -> None:
    ours, theirs = lstm.FusedLSTM(5, 3), mx.gluon.rnn.LSTM(5, input_size=3)
    for block in (ours, theirs):
        block.initialize(mx.init.Uniform(0.5))
    for name in ("i2h_weight", "h2h_weight", "i2h_bias", "h2h_bias"):
        getattr(theirs, f"l0_{name}").set_data(getattr(ours, name).data())
    x = mx.nd.random.normal(shape=(7, 2, 3))
    np.testing.assert_allclose(ours(x).asnumpy(), theirs(x).asnumpy(), **CLOSE)


@pytest.mark.parametrize("pooling", ["max", "mean", "last", "max+mean"])
@pytest.mark.parametrize("directions", ["both", "forward"])
@pytest.mark.parametrize("cell", ["fused", "written"])
def test_padding_does_not_change_a_score(pooling: str, directions: str, cell: str) -> None:
    net = made(layers=2, pooling=pooling, directions=directions, cell=cell)
    narrow, wide = net(*padded(7)).asnumpy(), net(*padded(20)).asnumpy()
    np.testing.assert_allclose(narrow, wide, **CLOSE)
    tokens, length = padded(7)
    alone = net(tokens[2:3, :1], length[2:3]).asnumpy()
    np.testing.assert_allclose(alone, narrow[2:3], **CLOSE)


@pytest.mark.parametrize("pooling", ["max", "mean", "last", "max+mean"])
def test_what_stands_in_the_padding_does_not_change_a_score(pooling: str) -> None:
    net = made(pooling=pooling)
    tokens, length = padded(9)
    dirty = tokens.asnumpy()
    dirty[dirty == 0] = 5
    np.testing.assert_array_equal(
        net(tokens, length).asnumpy(), net(mx.nd.array(dirty, dtype="int32"), length).asnumpy()
    )


def test_last_pools_the_final_state_of_each_direction() -> None:
    net = made(pooling="last")
    tokens, length = padded(7)
    x = mx.nd.swapaxes(net.embedding(tokens), 0, 1)
    states = net.layers[0](x, length).asnumpy()  # (time, batch, 2 * units)
    # Forward, the last real step; backward, the first token, where the text has been read from its end.
    pooled = lstm._pool(mx.nd, net.layers[0](x, length), length, "last", both=True, units=5).asnumpy()
    np.testing.assert_array_equal(pooled[:, :5], np.stack([states[6, 0, :5], states[3, 1, :5], states[0, 2, :5]]))
    np.testing.assert_array_equal(pooled[:, 5:], states[0, :, 5:])


def test_token_dropout_silences_whole_tokens() -> None:
    net = made(token_dropout=0.5)
    tokens, _ = padded(7)
    with mx.autograd.train_mode():
        silent = (net.silence(net.embedding(tokens)).asnumpy() == 0).all(axis=2)  # (batch, time)
    partly = (net.silence(net.embedding(tokens)).asnumpy() == 0).any()
    assert 0 < silent.sum() < silent.size
    assert not partly, "nothing is silenced outside training"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"units": 0}, "model lstm: units=0; expected 1 or more"),
        ({"embedding": 0}, "model lstm: embedding=0"),
        ({"layers": 0}, "model lstm: layers=0; expected 1 to 64"),
        ({"layers": 10**6}, "model lstm: layers=1000000; expected 1 to 64"),
        ({"dropout": 1.0}, "model lstm: dropout=1.0"),
        ({"token_dropout": -0.1}, "model lstm: token_dropout=-0.1"),
    ],
)
def test_an_option_out_of_range_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        lstm.build(TEXT, **options)
