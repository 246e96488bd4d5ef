"""The convolutional network over tokens: by hand, at the ends of a text, and padding without effect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.errors import OptionError
from gluon_ref.exporters import symbol
from gluon_ref.exports.sources import from_net
from gluon_ref.inputs import text
from gluon_ref.layers import settle
from gluon_ref.models import text_cnn

from ..conftest import TEXT

# oneDNN may choose another kernel for another width, which sums in another order.
CLOSE = {"rtol": 1e-4, "atol": 1e-6}


def made(**options: Any) -> Any:
    """A small network with random weights, biases included."""
    net = text_cnn.build(TEXT, **{"embedding": 3, "filters": 5, "dropout": 0.0, **options})
    net.initialize(mx.init.Uniform(0.5))
    settle(net, text.fields(TEXT), mx.cpu())
    for param in net.collect_params(".*bias").values():
        param.set_data(mx.nd.random.uniform(-0.5, 0.5, shape=param.shape))
    return net


def by_hand(**options: Any) -> Any:
    """A network whose filters add up the tokens of a window, a counting 1, b 2 ..., and whose scores add those."""
    net = made(embedding=1, filters=1, **options)
    for param in net.collect_params().values():
        param.set_data(mx.nd.zeros(param.shape) if param.name.endswith("bias") else mx.nd.ones(param.shape))
    net.embedding.weight.set_data(mx.nd.array([[9.0], [0.0], *([value] for value in range(1, 8))]))
    return net


def padded(width: int) -> tuple[Any, Any]:
    """Three texts of 7, 4 and 1 tokens."""
    rows = np.zeros((3, width), dtype=np.int32)
    for row, length in zip(rows, (7, 4, 1)):
        row[:length] = np.arange(length) % 6 + 2
    return mx.nd.array(rows, dtype="int32"), mx.nd.array([7, 4, 1], dtype="int32")


@pytest.mark.parametrize(
    ("widths", "score"),
    [
        ((1,), [6, 4, 1]),  # abcdefa, abcd and a: the largest token
        ((2,), [11, 7, 1]),  # ef, cd, and a with nothing beside it
        ((3,), [15, 9, 1]),  # def, bcd, a
        ((1, 3), [21, 13, 2]),
    ],
)
def test_scores_by_hand(widths: tuple[int, ...], score: list[float]) -> None:
    scores = by_hand(widths=widths)(*padded(8)).asnumpy()
    np.testing.assert_allclose(scores, np.repeat(np.array(score, dtype=np.float32)[:, None], 3, axis=1), rtol=1e-6)


def test_a_bias_is_a_threshold_of_what_was_found_by_hand() -> None:
    net = by_hand(widths=(2,))
    net.bias.set_data(mx.nd.array([-5.0]))
    np.testing.assert_allclose(net(*padded(8)).asnumpy()[:, 0], [6, 2, 0], rtol=1e-6)


@pytest.mark.parametrize("width", [7, 8, 20])
def test_a_pattern_that_is_nowhere_counts_nothing_by_hand(width: int) -> None:
    net = by_hand(widths=(2,))
    net.convolutions[0].weight.set_data(-mx.nd.ones((1, 1, 2)))
    net.bias.set_data(mx.nd.array([5.0]))
    np.testing.assert_array_equal(net(*padded(width)).asnumpy(), np.full((3, 3), 5.0))


@pytest.mark.parametrize("widths", [(1,), (2, 5), (3, 4, 5), (9,)])
def test_padding_does_not_change_a_score(widths: tuple[int, ...]) -> None:
    net = made(widths=widths)
    narrow, wide = net(*padded(7)).asnumpy(), net(*padded(20)).asnumpy()
    np.testing.assert_allclose(narrow, wide, **CLOSE)
    tokens, length = padded(7)
    alone = net(tokens[2:3, :1], length[2:3]).asnumpy()
    np.testing.assert_allclose(alone, narrow[2:3], **CLOSE)


def test_padding_does_not_change_a_gradient() -> None:
    net = made()
    found = []
    for width in (7, 20):
        with mx.autograd.record():
            loss = (net(*padded(width)) ** 2).sum()
        loss.backward()
        found.append({name: param.grad().asnumpy() for name, param in net.collect_params().items()})
    for name, gradient in found[0].items():
        assert np.abs(gradient).max() > 0, f"{name} gets no gradient"
        np.testing.assert_allclose(gradient, found[1][name], err_msg=name, **CLOSE)


def test_what_stands_in_the_padding_does_not_change_a_score() -> None:
    net = made()
    tokens, length = padded(9)
    dirty = tokens.asnumpy()
    dirty[dirty == 0] = 5
    np.testing.assert_array_equal(
        net(tokens, length).asnumpy(), net(mx.nd.array(dirty, dtype="int32"), length).asnumpy()
    )


def test_neighbours_and_their_order_count() -> None:
    net = made(widths=(2,))
    length = mx.nd.array([3, 3, 3], dtype="int32")
    scores = net(mx.nd.array([[2, 3, 4], [4, 3, 2], [2, 4, 3]], dtype="int32"), length).asnumpy()
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(scores[first] - scores[second]).max() > 1e-3


def test_token_dropout_silences_whole_tokens() -> None:
    net = made(token_dropout=0.5)
    tokens, _ = padded(7)
    with mx.autograd.train_mode():
        silent = net.silence(net.embedding(tokens)).asnumpy() == 0  # (batch, time, embedding)
    assert 0 < silent.sum() < silent.size
    np.testing.assert_array_equal(silent.any(axis=2), silent.all(axis=2))
    assert (net.silence(net.embedding(tokens)).asnumpy() != 0).all(), "something is silenced outside training"


@pytest.mark.parametrize("widths", [(1,), (3, 4, 5)])
def test_hybrid_and_exported_equal_eager(widths: tuple[int, ...], tmp_path: Path) -> None:
    net = made(widths=widths)
    eager = net(*padded(8)).asnumpy()
    net.hybridize(static_alloc=True)
    np.testing.assert_allclose(net(*padded(8)).asnumpy(), eager, **CLOSE)
    symbol.write(from_net(net, text.fields(TEXT)), tmp_path)
    answer = symbol.open(tmp_path, text.fields(TEXT))
    np.testing.assert_allclose(answer(*(array.asnumpy() for array in padded(12)))[0], eager, **CLOSE)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"embedding": 0}, "model text_cnn: embedding=0; expected 1 or more"),
        ({"filters": 0}, "model text_cnn: filters=0; expected 1 or more"),
        ({"widths": (3, 0)}, "model text_cnn: widths=3,0; expected 1 or more"),
        ({"widths": (3, 3)}, "model text_cnn: widths=3,3; expected at least one, each once"),
        ({"widths": ()}, "model text_cnn: widths=; expected at least one, each once"),
        ({"dropout": 1.0}, "model text_cnn: dropout=1.0"),
        ({"token_dropout": -0.1}, "model text_cnn: token_dropout=-0.1"),
    ],
)
def test_an_option_out_of_range_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        text_cnn.build(TEXT, **options)
