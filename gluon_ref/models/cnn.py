"""Convolutional network: three 3x3 blocks with pooling, a dense layer, scores."""

from __future__ import annotations

from typing import Any, Literal

from ..backend import mx
from ..errors import FitError, require
from ..layers import Head, Standardize, check_dropout, check_units
from ..records import Facts

TAKES = ("image",)
GIVES = "scores"


class CNN(mx.gluon.HybridBlock):
    """Score an image by convolution blocks, each of which halves height and width.

    Inputs:
        data: float32 (batch, channel, height, width), raw pixels.
    Outputs:
        scores: float32 (batch, outputs); logits, or values in their own units.
    """

    def __init__(
        self,
        facts: Facts,
        filters: tuple[int, ...],
        units: int,
        activation: str,
        pooling: str,
        batch_norm: bool,
        dropout: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        nn = mx.gluon.nn
        pool = nn.MaxPool2D if pooling == "max" else nn.AvgPool2D
        with self.name_scope():
            self.standardize = Standardize(facts, prefix="standardize_")
            self.features = nn.HybridSequential(prefix="features_")
            with self.features.name_scope():
                for width in filters:
                    # Batch norm has a bias of its own, so the convolution before it needs none.
                    self.features.add(nn.Conv2D(width, kernel_size=3, padding=1, use_bias=not batch_norm))
                    if batch_norm:
                        self.features.add(nn.BatchNorm())
                    self.features.add(nn.Activation(activation))
                    self.features.add(pool(pool_size=2))  # (batch, width, height / 2, width / 2)
                self.features.add(nn.Flatten())
                self.features.add(nn.Dropout(dropout))
                self.features.add(nn.Dense(units, activation=activation))  # (batch, units)
                self.features.add(nn.Dropout(dropout))
            self.head = Head(facts, prefix="head_")

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Raw pixels to scores."""
        return self.head(self.features(self.standardize(x)))  # (batch, outputs)


def build(
    facts: Facts,
    *,
    filters: tuple[int, ...] = (32, 64, 128),
    units: int = 128,
    activation: Literal["relu", "sigmoid", "tanh"] = "relu",
    pooling: Literal["max", "average"] = "max",
    batch_norm: bool = True,
    dropout: float = 0.3,
) -> CNN:
    """A convolutional network for these facts.

    Args:
        facts: of the data.
        filters: filters of each block, 1 or more; each block halves height and width.
        units: width of the dense layer, 1 or more.
        activation: after each convolution and the dense layer.
        pooling: what each 2x2 window is reduced to.
        batch_norm: normalise each convolution's output over the batch.
        dropout: share of units silenced while training, before and after the dense layer, in [0, 1).
    Raises:
        OptionError: for an option out of range.
        FitError: for images smaller than the pooling needs.
    """
    require(len(filters) >= 1, "model cnn", "filters", "", "at least one block", "32,64,128")
    check_units("model cnn", "filters", filters)
    check_units("model cnn", "units", (units,))
    check_dropout("model cnn", "dropout", dropout)
    side = min(facts.shape[1:])
    if side < 2 ** len(filters):
        raise FitError(
            "model cnn",
            f"images of {facts.shape[1]}x{facts.shape[2]} for {len(filters)} blocks",
            f"at least {2 ** len(filters)} pixels a side, since each block halves them",
            "pass --set model.filters=32 with fewer blocks",
        )
    return CNN(facts, filters, units, activation, pooling, batch_norm, dropout, prefix="cnn_")
