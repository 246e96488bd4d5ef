"""Multilayer perceptron: flatten, dense layers with an activation and dropout, scores."""

from __future__ import annotations

from typing import Any, Literal

from ..backend import mx
from ..layers import Head, Standardize, check_dropout, check_units
from ..records import Facts

TAKES = ("vector", "image")
GIVES = "scores"


class MLP(mx.gluon.HybridBlock):
    """Score a vector or an image by fully connected layers.

    Inputs:
        data: float32 (batch, features) or (batch, channel, height, width), raw values.
    Outputs:
        scores: float32 (batch, outputs); logits, or values in their own units.
    """

    def __init__(self, facts: Facts, units: tuple[int, ...], activation: str, dropout: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        nn = mx.gluon.nn
        with self.name_scope():
            self.standardize = Standardize(facts, prefix="standardize_")
            self.hidden = nn.HybridSequential(prefix="hidden_")
            with self.hidden.name_scope():
                self.hidden.add(nn.Flatten())  # (batch, features)
                for width in units:
                    self.hidden.add(nn.Dense(width, activation=activation))  # (batch, width)
                    if dropout:
                        self.hidden.add(nn.Dropout(dropout))
            self.head = Head(facts, prefix="head_")

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Raw values to scores."""
        return self.head(self.hidden(self.standardize(x)))  # (batch, outputs)


def build(
    facts: Facts,
    *,
    units: tuple[int, ...] = (256, 128),
    activation: Literal["relu", "sigmoid", "tanh"] = "relu",
    dropout: float = 0.0,
) -> MLP:
    """A multilayer perceptron for these facts.

    Args:
        facts: of the data.
        units: width of each hidden layer, 1 or more; none makes a linear model.
        activation: after each hidden layer.
        dropout: share of hidden units silenced while training, in [0, 1).
    Raises:
        OptionError: for an option out of range.
    """
    check_units("model mlp", "units", units)
    check_dropout("model mlp", "dropout", dropout)
    return MLP(facts, units, activation, dropout, prefix="mlp_")
