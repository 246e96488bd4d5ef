"""Convolutional network over tokens: embedding, filters of several widths, each one's maximum over time, scores."""

from __future__ import annotations

from typing import Any

from ..backend import mx
from ..errors import require
from ..layers import Head, check_dropout, check_units
from ..records import Facts

TAKES = ("text",)
GIVES = "scores"


class TextCNN(mx.gluon.HybridBlock):
    """Score a text by how strongly each filter finds its pattern of neighbouring tokens, wherever it stands.

    Windows may reach over either end of the text, into zeros. One window at each end holds nothing else and gives 0,
    so that further zeros, which is what padding is, cannot change a maximum.

    Inputs:
        tokens: int32 (batch, time), 0 where padded.
        length: int32 (batch,), number of real tokens, 1 or more.
    Outputs:
        scores: float32 (batch, outputs); logits, or values in their own units.
    Source: Kim, Convolutional Neural Networks for Sentence Classification, 2014, https://arxiv.org/abs/1408.5882, its
        CNN-rand; here the vectors' norm has no limit, and a text has windows beyond both of its ends.
    """

    def __init__(
        self,
        facts: Facts,
        embedding: int,
        filters: int,
        widths: tuple[int, ...],
        token_dropout: float,
        dropout: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        nn = mx.gluon.nn
        with self.name_scope():
            self.embedding = nn.Embedding(
                len(facts.vocab), embedding, weight_initializer=mx.init.Uniform(0.25), prefix="embedding_"
            )
            self.silence = nn.Dropout(token_dropout, axes=(2,))  # a whole token at a time
            self.convolutions: list[Any] = []
            for index, width in enumerate(widths):
                # Its bias comes after the maximum, where it means the same and leaves the windows of zeros at 0.
                convolution = nn.Conv1D(
                    filters, width, padding=width, use_bias=False, in_channels=embedding, prefix=f"conv{index}_"
                )
                self.register_child(convolution, f"conv{index}")
                self.convolutions.append(convolution)
            self.maximum = nn.GlobalMaxPool1D(prefix="maximum_")
            self.bias = self.params.get("bias", shape=(filters * len(widths),), init="zeros")
            self.dropout = nn.Dropout(dropout)
            self.head = Head(facts, prefix="head_")

    def hybrid_forward(self, F: Any, tokens: Any, length: Any, bias: Any) -> Any:
        """Tokens to scores."""
        x = self.silence(self.embedding(tokens))  # (batch, time, embedding)
        x = F.SequenceMask(x, length, use_sequence_length=True, axis=1)
        x = F.swapaxes(x, 1, 2)  # (batch, embedding, time)
        found = [self.maximum(convolution(x)) for convolution in self.convolutions]  # (batch, filters, 1) each
        h = F.flatten(F.concat(*found, dim=1))  # (batch, len(widths) * filters)
        return self.head(self.dropout(F.relu(F.broadcast_add(h, bias))))  # (batch, outputs)


def build(
    facts: Facts,
    *,
    embedding: int = 128,
    filters: int = 100,
    widths: tuple[int, ...] = (3, 4, 5),
    token_dropout: float = 0.0,
    dropout: float = 0.5,
) -> TextCNN:
    """A convolutional classifier or regressor of texts for these facts.

    Args:
        facts: of the data.
        embedding: width of a token's vector, 1 or more.
        filters: filters of each width, 1 or more.
        widths: how many neighbouring tokens a filter sees, 1 or more; each width once.
        token_dropout: share of whole tokens silenced while training, in [0, 1).
        dropout: share of filters silenced while training, before the scores, in [0, 1).
    Raises:
        OptionError: for an option out of range.
    """
    for name, value in (("embedding", (embedding,)), ("filters", (filters,)), ("widths", widths)):
        check_units("model text_cnn", name, value)
    require(
        0 < len(widths) == len(set(widths)),
        "model text_cnn",
        "widths",
        ",".join(map(str, widths)),
        "at least one, each once",
        "3,4,5",
    )
    check_dropout("model text_cnn", "token_dropout", token_dropout)
    check_dropout("model text_cnn", "dropout", dropout)
    return TextCNN(facts, embedding, filters, widths, token_dropout, dropout, prefix="text_cnn_")
