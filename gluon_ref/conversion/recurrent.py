"""MXNet's RNN operator, a whole stack of recurrent layers in one node, as one ONNX LSTM, GRU or RNN per layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import folding
from .steps import Steps


@dataclass(frozen=True)
class Mode:
    """A kind of cell.

    Args:
        op: what ONNX calls it.
        order: where ONNX's gates stand among MXNet's: i f g o against i o f c, and r z n against z r h.
        states: 2 where a cell state comes beside the hidden one.
        options: of ONNX's operator.
        activation: of a plain cell; empty for ONNX's own defaults, which are MXNet's too.
    """

    op: str
    order: tuple[int, ...]
    states: int = 1
    options: tuple[tuple[str, int], ...] = ()
    activation: str = ""


MODES = {
    "lstm": Mode("LSTM", (0, 3, 1, 2), states=2),
    # The reset gate scales what comes of the hidden state, its bias among it.
    "gru": Mode("GRU", (1, 0, 2), options=(("linear_before_reset", 1),)),
    "rnn_tanh": Mode("RNN", (0,), activation="Tanh"),
    "rnn_relu": Mode("RNN", (0,), activation="Relu"),
}
DIRECTIONS = {1: "forward", 2: "bidirectional"}


def rnn(node: Mapping[str, Any], **given: Any) -> tuple[list[Any], tuple[Any, ...]]:
    """One RNN node; a converter with mx2onnx's signature.

    Inputs:
        data: float32 (time, batch, features); then the flat parameters, the states float32 (layers * directions,
        batch, units), and with use_sequence_length the lengths (batch,).
    Outputs:
        states of all steps, (time, batch, directions * units); with state_outputs the last states as well. With
        lengths, each sequence is read and turned within its own, and what lies beyond is 0.
    Raises:
        NotImplementedError: for what ONNX has nothing for: projections, clipped states, computed parameters.
    """
    steps = Steps(node, given)
    mode, units, layers = MODES[steps.option("mode")], steps.option("state_size"), steps.option("num_layers")
    directions = 2 if steps.flag("bidirectional") else 1
    _refuse(steps)
    flat = folding.constant(given["mx_graph"], given["weights"], node["inputs"][1])
    if flat is None:
        raise steps.refuse("its parameters are computed from inputs or by chance; ONNX wants them fixed")
    edges = node["inputs"][2 : 2 + mode.states]
    firsts = [
        [""] * layers if folding.zeros(given["mx_graph"], edge) else _parts(steps, name, layers, directions)
        for edge, name in zip(edges, steps.inputs[2:])
    ]
    lengths = _lengths(steps, steps.inputs[2 + mode.states]) if steps.flag("use_sequence_length") else ""
    options = dict(mode.options, hidden_size=units, direction=DIRECTIONS[directions])
    if mode.activation:
        options["activations"] = [mode.activation] * directions
    value, lasts = steps.inputs[0], []
    count = len(steps.results)  # 1, or with state_outputs the last states beside all of them
    for weights, first in zip(_layers(flat, mode, (layers, directions, units, steps.shape[2])), zip(*firsts)):
        fixed = [steps.constant(one, np.float32) for one in weights]
        every, *last = steps.several(mode.op, count, value, *fixed, lengths, *first, **options)
        value = _joined(steps, every, directions * units, directions)  # (time, batch, directions * units)
        lasts.append(last)
    ends = [steps.add("Concat", *some, axis=0) if layers > 1 else some[0] for some in zip(*lasts)]
    return steps.finish([value, *ends])


def _refuse(steps: Steps) -> None:
    """Refuse what ONNX's operators have no counterpart for."""
    for option in ("projection_size", "lstm_state_clip_min", "lstm_state_clip_max"):
        if steps.option(option) is not None:
            raise steps.refuse(f"{option}={steps.option(option)}, which ONNX's recurrent operators lack")
    if steps.dtype != np.float32:
        raise steps.refuse(f"{steps.dtype}, where ONNX's runtimes take float32")


def _layers(flat: np.ndarray, mode: Mode, sizes: tuple[int, int, int, int]) -> Iterator[tuple[np.ndarray, ...]]:
    """W, R and B of each layer as ONNX has them, from one array of all weights and then all biases."""
    layers, directions, units, width = sizes
    gates, order = len(mode.order), list(mode.order)
    weights, rest = np.split(flat.reshape(-1), [flat.size - 2 * layers * directions * gates * units])
    biases = rest.reshape(layers, directions, 2, gates, units)[:, :, :, order].reshape(layers, directions, -1)
    for layer in range(layers):
        columns = directions * units if layer else width
        own, weights = np.split(weights, [directions * gates * units * (columns + units)])
        pair = np.split(own.reshape(directions, -1), [gates * units * columns], axis=1)
        inner, outer = (
            one.reshape(directions, gates, units, -1)[:, order].reshape(directions, gates * units, -1) for one in pair
        )
        yield inner, outer, biases[layer]


def _parts(steps: Steps, state: str, layers: int, directions: int) -> list[str]:
    """Initial states of all layers, (layers * directions, batch, units), as one of each layer."""
    if layers == 1:
        return [state]
    return steps.several("Split", layers, state, steps.constant([directions] * layers), axis=0)


def _lengths(steps: Steps, given: str) -> str:
    """Lengths, int32 (batch,), those beyond the data at its end: ONNX Runtime refuses to answer else."""
    time = steps.count(steps.inputs[0], 0)
    return steps.add("Clip", steps.cast(given, np.int32), steps.constant(0, np.int32), steps.cast(time, np.int32))


def _joined(steps: Steps, every: str, width: int, directions: int) -> str:
    """States (time, directions, batch, units) of a layer with both directions beside each other."""
    if directions == 1:
        return steps.add("Squeeze", every, steps.constant([1]))
    turned = steps.add("Transpose", every, perm=[0, 2, 1, 3])  # (time, batch, directions, units)
    return steps.add("Reshape", turned, steps.constant([0, 0, width]))  # 0 keeps an axis as it is


CONVERTERS = {"RNN": rnn}
