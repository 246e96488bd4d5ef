"""Residual network for small images: the ResNet-20 family, 6n + 2 layers deep."""

from __future__ import annotations

from typing import Any

from ..backend import mx
from ..errors import FitError, require
from ..layers import Head, Standardize, check_dropout, check_units
from ..records import Facts

TAKES = ("image",)
GIVES = "scores"
DEEPEST = 1202  # the deepest that was tried


class Block(mx.gluon.HybridBlock):
    """Two 3x3 convolutions beside a shortcut, which is a 1x1 convolution where the shape changes.

    Inputs:
        x: float32 (batch, channel, height, width).
    Outputs:
        y: float32 (batch, filters, height / stride, width / stride).
    """

    def __init__(self, filters: int, stride: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        nn = mx.gluon.nn
        with self.name_scope():
            self.body = nn.HybridSequential(prefix="body_")
            with self.body.name_scope():
                self.body.add(
                    nn.Conv2D(filters, 3, strides=stride, padding=1, use_bias=False),
                    nn.BatchNorm(),
                    nn.Activation("relu"),
                    nn.Conv2D(filters, 3, padding=1, use_bias=False),
                    nn.BatchNorm(),
                )
            self.shortcut = nn.HybridSequential(prefix="shortcut_")
            if stride > 1:
                with self.shortcut.name_scope():
                    self.shortcut.add(nn.Conv2D(filters, 1, strides=stride, use_bias=False), nn.BatchNorm())

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Features to features."""
        return F.relu(self.body(x) + self.shortcut(x))  # (batch, filters, height / stride, width / stride)


class ResNet(mx.gluon.HybridBlock):
    """Score an image by three stages of residual blocks and the mean over positions.

    Inputs:
        data: float32 (batch, channel, height, width), raw pixels.
    Outputs:
        scores: float32 (batch, outputs); logits, or values in their own units.
    """

    def __init__(self, facts: Facts, blocks: int, width: int, dropout: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        nn = mx.gluon.nn
        with self.name_scope():
            self.standardize = Standardize(facts, prefix="standardize_")
            self.features = nn.HybridSequential(prefix="features_")
            with self.features.name_scope():
                self.features.add(nn.Conv2D(width, 3, padding=1, use_bias=False), nn.BatchNorm(), nn.Activation("relu"))
                for stage in range(3):
                    for block in range(blocks):
                        stride = 2 if stage and not block else 1
                        self.features.add(Block(width * 2**stage, stride, prefix=f"stage{stage}_block{block}_"))
                self.features.add(nn.GlobalAvgPool2D(), nn.Flatten(), nn.Dropout(dropout))  # (batch, 4 * width)
            self.head = Head(facts, prefix="head_")

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Raw pixels to scores."""
        return self.head(self.features(self.standardize(x)))  # (batch, outputs)


def build(facts: Facts, *, depth: int = 20, width: int = 16, dropout: float = 0.0) -> ResNet:
    """A residual network for these facts.

    Args:
        facts: of the data.
        depth: weighted layers, 6n + 2: 8, 14, 20, 32, 44, 56 ... 1202.
        width: filters of the first stage, 1 or more; each later stage has twice as many.
        dropout: share of units silenced before the scores while training, in [0, 1).
    Raises:
        OptionError: for an option out of range.
        FitError: for images below 4 pixels a side.
    Source: He et al., Deep Residual Learning, 2015, https://arxiv.org/abs/1512.03385, section 4.2; here the shortcut
        is a 1x1 convolution where the shape changes (their option B).
    """
    expected = f"6n + 2, 8 to {DEEPEST}"
    require(8 <= depth <= DEEPEST and depth % 6 == 2, "model resnet", "depth", depth, expected, 20)
    check_units("model resnet", "width", (width,))
    check_dropout("model resnet", "dropout", dropout)
    if min(facts.shape[1:]) < 4:
        raise FitError(
            "model resnet",
            f"images of {facts.shape[1]}x{facts.shape[2]}",
            "at least 4 pixels a side",
            "choose --set model.name=mlp",
        )
    return ResNet(facts, (depth - 2) // 6, width, dropout, prefix="resnet_")
