"""LSTM over tokens: embedding, layers in one or both directions, pooling over the real steps, scores.

Two cells with the same parameters compute the same: `WrittenLSTM`, where each gate stands as in the equations,
and `FusedLSTM`, which is MXNet's one operator for all of it.
"""

from __future__ import annotations

from typing import Any, Literal

from ..backend import mx
from ..errors import require
from ..layers import Head, check_dropout, check_units
from ..records import Facts

TAKES = ("text",)
GIVES = "scores"
# What an export is made of in place of the options it was trained with: the written cell is a loop, which no format has
# room for; the fused one has the same weights.
EXPORTED = {"cell": "fused"}
# More would only keep whoever opens a stranger's run waiting.
DEEPEST = 64


class Cell(mx.gluon.HybridBlock):
    """One LSTM layer in one direction: what both ways of computing it have in common.

    Args:
        units: width of hidden and cell state.
        input_size: width of the input.
    Inputs:
        x: float32 (time, batch, input_size).
    Outputs:
        h: float32 (time, batch, units), the hidden state after each step, starting from zeros.
    """

    def __init__(self, units: int, input_size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._units = units
        with self.name_scope():
            self.i2h_weight = self.params.get("i2h_weight", shape=(4 * units, input_size))
            self.h2h_weight = self.params.get("h2h_weight", shape=(4 * units, units))
            self.i2h_bias = self.params.get("i2h_bias", shape=(4 * units,), init="zeros")
            self.h2h_bias = self.params.get("h2h_bias", shape=(4 * units,), init="zeros")

    def _zeros(self, F: Any, x: Any) -> Any:
        first = F.slice_axis(F.slice_axis(x, axis=0, begin=0, end=1), axis=2, begin=0, end=1)  # (1, batch, 1)
        return F.broadcast_axis(F.zeros_like(first), axis=2, size=self._units)  # (1, batch, units)


class WrittenLSTM(Cell):
    """The LSTM gate by gate.

    With x the input at a step, h and c the hidden and cell state of the step before, s the logistic function
    and * element by element:

        input gate      i  = s(Wi x + bi + Ui h + di)
        forget gate     f  = s(Wf x + bf + Uf h + df)
        candidate       g  = tanh(Wg x + bg + Ug h + dg)
        output gate     o  = s(Wo x + bo + Uo h + do)
        cell            c' = f * c + i * g
        hidden          h' = o * tanh(c')

    The four W are the rows of i2h_weight, the four U those of h2h_weight, in the order i, f, g, o.

    Source: Hochreiter and Schmidhuber, Long Short-Term Memory, 1997; the forget gate is from Gers et al., 2000.
    """

    def hybrid_forward(self, F: Any, x: Any, i2h_weight: Any, h2h_weight: Any, i2h_bias: Any, h2h_bias: Any) -> Any:
        """Inputs of all steps to hidden states of all steps."""
        width = 4 * self._units
        from_input = F.FullyConnected(x, i2h_weight, i2h_bias, num_hidden=width, flatten=False)  # (time, batch, width)

        def step(from_input: Any, states: list[Any]) -> tuple[Any, list[Any]]:
            h, c = states  # (batch, units) each
            from_hidden = F.FullyConnected(h, h2h_weight, h2h_bias, num_hidden=width)  # (batch, width)
            i, f, g, o = F.split(from_input + from_hidden, num_outputs=4, axis=1)  # (batch, units) each
            input_gate, forget_gate, output_gate = F.sigmoid(i), F.sigmoid(f), F.sigmoid(o)
            candidate = F.tanh(g)
            cell = forget_gate * c + input_gate * candidate
            hidden = output_gate * F.tanh(cell)
            return hidden, [hidden, cell]

        # One array each: foreach refuses to start two states from the same symbol.
        h, c = (F.squeeze(self._zeros(F, x), axis=0) for _ in range(2))  # (batch, units) each
        return F.contrib.foreach(step, from_input, [h, c])[0]  # (time, batch, units)


class FusedLSTM(Cell):
    """The same by MXNet's RNN operator, which takes all parameters as one flat array."""

    def hybrid_forward(self, F: Any, x: Any, i2h_weight: Any, h2h_weight: Any, i2h_bias: Any, h2h_bias: Any) -> Any:
        """Inputs of all steps to hidden states of all steps."""
        flat = F.concat(*(F.reshape(one, shape=(-1,)) for one in (i2h_weight, h2h_weight, i2h_bias, h2h_bias)), dim=0)
        zeros = self._zeros(F, x)  # (1, batch, units)
        return F.RNN(x, flat, zeros, zeros, state_size=self._units, num_layers=1, mode="lstm")  # (time, batch, units)


CELLS = {"fused": FusedLSTM, "written": WrittenLSTM}


class Layer(mx.gluon.HybridBlock):
    """One LSTM layer in one or both directions, which padding cannot enter.

    The fused operator ignores sequence lengths on the CPU. Forward, padding comes after the real steps
    and cannot change them; backward, each sequence is turned round within its own length first.

    Inputs:
        x: float32 (time, batch, input_size).
        length: int32 (batch,), real steps.
    Outputs:
        h: float32 (time, batch, directions * units); beyond `length` without meaning.
    """

    def __init__(self, cell: str, units: int, input_size: int, both: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._both = both
        with self.name_scope():
            self.forth = CELLS[cell](units, input_size, prefix="forth_")
            if both:
                self.back = CELLS[cell](units, input_size, prefix="back_")

    def hybrid_forward(self, F: Any, x: Any, length: Any) -> Any:
        """Inputs of all steps to hidden states of all steps."""
        forth = self.forth(x)
        if not self._both:
            return forth  # (time, batch, units)
        turned = F.SequenceReverse(x, length, use_sequence_length=True)
        back = F.SequenceReverse(self.back(turned), length, use_sequence_length=True)
        return F.concat(forth, back, dim=2)  # (time, batch, 2 * units)


class LSTM(mx.gluon.HybridBlock):
    """Score a text by what its LSTM states are over the real steps.

    Inputs:
        tokens: int32 (batch, time), 0 where padded.
        length: int32 (batch,), number of real tokens, 1 or more.
    Outputs:
        scores: float32 (batch, outputs); logits, or values in their own units.
    """

    def __init__(
        self,
        facts: Facts,
        embedding: int,
        units: int,
        layers: int,
        both: bool,
        pooling: str,
        cell: str,
        token_dropout: float,
        dropout: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        nn = mx.gluon.nn
        self._pooling, self._both, self._units = pooling, both, units
        with self.name_scope():
            self.embedding = nn.Embedding(
                len(facts.vocab), embedding, weight_initializer=mx.init.Normal(0.3), prefix="embedding_"
            )
            self.silence = nn.Dropout(token_dropout, axes=(2,))  # a whole token at a time
            self.layers: list[Layer] = []
            width = embedding
            for index in range(layers):
                layer = Layer(cell, units, width, both, prefix=f"layer{index}_")
                self.register_child(layer, f"layer{index}")
                self.layers.append(layer)
                width = units * (2 if both else 1)
            self.dropout = nn.Dropout(dropout)
            self.head = Head(facts, prefix="head_")

    def hybrid_forward(self, F: Any, tokens: Any, length: Any) -> Any:
        """Tokens to scores."""
        x = self.silence(self.embedding(F.swapaxes(tokens, 0, 1)))  # (time, batch, embedding)
        for index, layer in enumerate(self.layers):
            x = layer(self.dropout(x) if index else x, length)  # (time, batch, directions * units)
        return self.head(self.dropout(_pool(F, x, length, self._pooling, self._both, self._units)))  # (batch, outputs)


def build(
    facts: Facts,
    *,
    embedding: int = 64,
    units: int = 128,
    layers: int = 1,
    directions: Literal["both", "forward"] = "both",
    pooling: Literal["max", "mean", "last", "max+mean"] = "max",
    cell: Literal["fused", "written"] = "fused",
    token_dropout: float = 0.0,
    dropout: float = 0.2,
) -> LSTM:
    """An LSTM classifier or regressor for these facts.

    Args:
        facts: of the data.
        embedding: width of a token's vector, 1 or more.
        units: width of the states in each direction, 1 or more.
        layers: LSTM layers on top of each other, 1 to 64.
        directions: read forward only, or also from the end.
        pooling: how the states of the real steps become one vector; last is the final state of each direction.
        cell: MXNet's fused operator, or the same gates written out, which is slower and easier to read.
        token_dropout: share of whole tokens silenced while training, in [0, 1).
        dropout: share of units silenced while training, between layers and before the scores, in [0, 1).
    Raises:
        OptionError: for an option out of range.
    """
    for name, value in (("embedding", embedding), ("units", units)):
        check_units("model lstm", name, (value,))
    require(1 <= layers <= DEEPEST, "model lstm", "layers", layers, f"1 to {DEEPEST}", 1)
    check_dropout("model lstm", "token_dropout", token_dropout)
    check_dropout("model lstm", "dropout", dropout)
    return LSTM(
        facts, embedding, units, layers, directions == "both", pooling, cell, token_dropout, dropout, prefix="lstm_"
    )


def _pool(F: Any, x: Any, length: Any, pooling: str, both: bool, units: int) -> Any:
    """States (time, batch, directions * units) of the real steps to one vector each, (batch, its width)."""
    parts = []
    if "max" in pooling:
        parts.append(F.max(F.SequenceMask(x, length, use_sequence_length=True, value=-1e9), axis=0))
    if "mean" in pooling:
        total = F.sum(F.SequenceMask(x, length, use_sequence_length=True), axis=0)
        parts.append(F.broadcast_div(total, F.expand_dims(F.cast(length, "float32"), axis=1)))
    if pooling == "last":
        parts.append(F.SequenceLast(F.slice_axis(x, axis=2, begin=0, end=units), length, use_sequence_length=True))
        if both:  # backward, the last step is the first token
            first = F.slice_axis(F.slice_axis(x, axis=0, begin=0, end=1), axis=2, begin=units, end=2 * units)
            parts.append(F.squeeze(first, axis=0))  # (batch, units)
    return parts[0] if len(parts) == 1 else F.concat(*parts, dim=1)
