"""Tests of gluon_ref.conversion.activating: activations, softmax, and the outputs that old symbols end in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.errors import ConversionError
from gluon_ref.records import Field

from .agreement import disagreement, make_source, runtime

DATA, LABEL = mx.sym.var("data"), mx.sym.var("softmax_label")
KINDS = ("relu", "sigmoid", "tanh", "softrelu", "softsign")
LEAKY = {
    "leaky": {"slope": 0.3},
    "elu": {"slope": 0.7},
    "selu": {},
    "gelu": {},
    "rrelu": {"lower_bound": 0.2, "upper_bound": 0.5},
}
SOFT = {
    "over_the_last": mx.sym.softmax(DATA),
    "over_the_second": mx.sym.softmax(DATA, axis=1),
    "over_the_third": mx.sym.softmax(DATA, axis=-2),
    "tempered": mx.sym.softmax(DATA, temperature=3.0),
    "of_large_scores": mx.sym.softmax(DATA * 300, axis=2),
    "of_negatives": mx.sym.softmin(DATA, axis=1),
    "logarithm": mx.sym.log_softmax(DATA, axis=1),
    "tempered_logarithm": mx.sym.log_softmax(DATA, temperature=0.5),
    "in_another_dtype": mx.sym.softmax(DATA, dtype="float64"),
    "of_channels": mx.sym.SoftmaxActivation(DATA, mode="channel"),
    "of_instances": mx.sym.SoftmaxActivation(DATA),
    "output": mx.sym.SoftmaxOutput(DATA, LABEL),
    "output_of_places": mx.sym.SoftmaxOutput(DATA, LABEL, multi_output=True),
    "output_in_shape": mx.sym.SoftmaxOutput(DATA, LABEL, preserve_shape=True),
}
OUTPUTS = {
    "linear": mx.sym.LinearRegressionOutput(DATA, LABEL),
    "logistic": mx.sym.LogisticRegressionOutput(DATA, LABEL),
    "absolute": mx.sym.MAERegressionOutput(DATA, LABEL),
    "margin": mx.sym.SVMOutput(DATA, LABEL),
    "no_gradient": mx.sym.BlockGrad(DATA),
    "loss": mx.sym.MakeLoss(DATA),
    "new_loss": mx.sym.make_loss(DATA),
    "dropout": mx.sym.Dropout(DATA, p=0.5),
    "copy": mx.sym.identity(DATA),
}
IMAGE = [Field("data", (3, 5, 7))]


@pytest.mark.parametrize("kind", KINDS)
def test_activations(kind: str) -> None:
    assert disagreement(mx.sym.Activation(DATA * 5, act_type=kind), IMAGE) < 1e-5


def test_a_large_input_does_not_overflow() -> None:
    values = {"data": np.array([[-1e4, -90, 0, 90, 1e4]], np.float32)}
    assert disagreement(mx.sym.Activation(DATA, act_type="softrelu"), [Field("data", (5,))], values=values) < 1e-5


@pytest.mark.parametrize("kind", LEAKY)
def test_leaky_activations(kind: str) -> None:
    assert disagreement(mx.sym.LeakyReLU(DATA, act_type=kind, **LEAKY[kind])[0], IMAGE) < 1e-5


@pytest.mark.parametrize("shape", [(7,), (7, 3), (7, 3, 5)])
@pytest.mark.parametrize("slopes", [1, 7])
def test_prelu_has_a_slope_for_all_or_one_a_channel(shape: tuple[int, ...], slopes: int) -> None:
    """mx2onnx lines the slopes up with the last axis: a wrong answer where that is as long, else none."""
    gamma = {"gamma": np.linspace(0.1, 0.9, slopes).astype(np.float32)}
    symbol = mx.sym.LeakyReLU(DATA, gamma=mx.sym.var("gamma"), act_type="prelu")
    assert disagreement(symbol, [Field("data", shape)], gamma) < 1e-5


@pytest.mark.parametrize("symbol", SOFT.values(), ids=SOFT.keys())
def test_softmax(symbol: Any) -> None:
    """mx2onnx takes SoftmaxOutput over all of a sample whatever it says, and knows no SoftmaxActivation."""
    assert disagreement(symbol, IMAGE) < 1e-5


@pytest.mark.parametrize("options", [{}, {"multi_output": True}, {"preserve_shape": True}])
@pytest.mark.parametrize("shape", [(5,), (5, 3)])
def test_softmax_outputs_of_few_axes(options: dict[str, bool], shape: tuple[int, ...]) -> None:
    assert disagreement(mx.sym.SoftmaxOutput(DATA, LABEL, **options), [Field("data", shape)]) < 1e-5


@pytest.mark.parametrize("axis", [1, 2])
def test_softmax_up_to_a_length(axis: int) -> None:
    symbol = mx.sym.softmax(DATA, mx.sym.var("length"), axis=axis, use_length=True)
    values = {
        "data": np.random.normal(size=(2, 3, 4)).astype(np.float32),
        "length": np.array([[1, 2, 3, 3], [3, 1, 2, 2]], np.int32)[:, : 4 if axis == 1 else 3],
    }
    fields = [Field("data", (3, 4)), Field("length", values["length"].shape[1:], "int32")]
    assert disagreement(symbol, fields, values=values) < 1e-5


@pytest.mark.parametrize("symbol", OUTPUTS.values(), ids=OUTPUTS.keys())
def test_what_matters_to_training_only_is_left_out(symbol: Any) -> None:
    assert disagreement(symbol, [Field("data", (5,))]) < 1e-6


def test_dropout_while_predicting_is_refused() -> None:
    symbol = mx.sym.Dropout(DATA, mode="always", name="drop")
    with pytest.raises(ConversionError, match=r"Dropout drop .*mode=always: its answers are random"):
        runtime(make_source(symbol, IMAGE), {})
