"""Activations, softmax, and the outputs that old symbols end in."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .steps import Steps, converters

ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softrelu": "Softplus", "softsign": "Softsign"}


def activation(steps: Steps) -> str:
    """One of the five that MXNet calls by a word."""
    return steps.add(ACTIVATIONS[steps.option("act_type")], steps.inputs[0])


def leaky(steps: Steps) -> str:
    """Activations that let something through below zero; gelu is that of the error function."""
    kind, data = steps.option("act_type", "leaky"), steps.inputs[0]
    slope = steps.number("slope", 0.25)
    if kind == "prelu":
        return steps.add("PRelu", data, _by_channel(steps))
    if kind == "gelu":
        error = steps.add("Erf", steps.add("Mul", data, steps.like(math.sqrt(0.5))))
        share = steps.add("Mul", steps.add("Add", error, steps.like(1)), steps.like(0.5))
        return steps.add("Mul", data, share)
    if kind == "rrelu":  # random while training; the middle of its bounds otherwise
        slope = (steps.number("lower_bound", 0.125) + steps.number("upper_bound", 0.334)) / 2
    names = {"elu": "Elu", "leaky": "LeakyRelu", "rrelu": "LeakyRelu"}
    return steps.add("Selu", data) if kind == "selu" else steps.add(names[kind], data, alpha=slope)


def _by_channel(steps: Steps) -> str:
    """PReLU's slopes, one for all or one a channel: ONNX lines them up with the last axis, MXNet with the second."""
    shape = steps.shapes[1]
    if len(shape) != 1 or shape[0] == 1 or steps.rank < 3:
        return steps.inputs[1]
    return steps.add("Reshape", steps.inputs[1], steps.constant([shape[0]] + [1] * (steps.rank - 2)))


def _softmax(op: str, sign: int = 1) -> Callable[[Steps], str]:
    def convert(steps: Steps) -> str:
        if steps.flag("use_length"):
            return _up_to_length(steps)
        return steps.add(op, _tempered(steps, sign), axis=steps.axis(default=-1))

    return convert


def _tempered(steps: Steps, sign: int = 1) -> str:
    """Scores divided by the temperature."""
    divisor = sign * float(steps.option("temperature") or 1)
    data = steps.inputs[0]
    if steps.results[0].dtype != steps.dtype:
        data = steps.cast(data, steps.results[0].dtype)
    return data if divisor == 1 else steps.add("Div", data, steps.constant(divisor, steps.results[0].dtype))


def _up_to_length(steps: Steps) -> str:
    """Over the first entries of an axis, as many as the second input says; 0 behind them."""
    axis = steps.axis(default=-1)
    scores, length = _tempered(steps), steps.cast(steps.inputs[1], np.int64)
    places = steps.add("Reshape", steps.positions(scores, axis), steps.constant([-1] + [1] * (steps.rank - 1 - axis)))
    real = steps.add("Less", places, steps.add("Unsqueeze", length, steps.constant([axis])))
    kind = steps.results[0].dtype
    masked = steps.add("Where", real, scores, steps.constant(np.finfo(kind).min, kind))
    return steps.add("Where", real, steps.add("Softmax", masked, axis=axis), steps.constant(0, kind))


def softmax_activation(steps: Steps) -> str:
    """Over the channels at each place, or over the last axis, which MXNet calls an instance."""
    axis = 1 if steps.option("mode", "instance") == "channel" else -1
    return steps.add("Softmax", steps.inputs[0], axis=axis)


def softmax_output(steps: Steps) -> str:
    """The softmax that old symbols end in; its labels matter to training only.

    Over everything but the batch, unless it says otherwise; with four axes over the last one, for there oneDNN
    answers, and MXNet's own operator, which would take everything, does not.
    """
    data = steps.inputs[0]
    if steps.flag("multi_output"):
        return steps.add("Softmax", data, axis=1)
    if steps.flag("preserve_shape") or steps.rank in (2, 4):
        return steps.add("Softmax", data, axis=-1)
    return steps.add(
        "Reshape", steps.add("Softmax", steps.add("Flatten", data, axis=1), axis=1), steps.add("Shape", data)
    )


def same(steps: Steps) -> str:
    """What changes gradients only: the answer is the first input."""
    return steps.inputs[0]


def dropout(steps: Steps) -> str:
    """Nothing, but for mode=always, whose answers are random."""
    if steps.option("mode", "training") != "training":
        raise steps.refuse("mode=always: its answers are random")
    return steps.inputs[0]


CONVERTERS = converters(
    {
        "Activation": activation,
        "LeakyReLU": leaky,
        "softmax": _softmax("Softmax"),
        "softmin": _softmax("Softmax", -1),
        "log_softmax": _softmax("LogSoftmax"),
        "SoftmaxActivation": softmax_activation,
        "SoftmaxOutput": softmax_output,
        "LinearRegressionOutput": same,
        "MAERegressionOutput": same,
        "LogisticRegressionOutput": lambda steps: steps.add("Sigmoid", steps.inputs[0]),
        "SVMOutput": same,
        "IdentityAttachKLSparseReg": same,
        "BlockGrad": same,
        "MakeLoss": same,
        "make_loss": same,
        "Dropout": dropout,
        "_copy": same,
        "identity": same,
    }
)
