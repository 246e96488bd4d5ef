"""Small networks with samples of their inputs, to be carried in 8 bits."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from gluon_ref.backend import mx, quiet
from gluon_ref.exports.sources import from_net
from gluon_ref.models import cnn, lstm
from gluon_ref.records import Field, Source

from ..conftest import IMAGE, TEXT

FIELD = Field("data", (1, 8, 9))
LAYERS = ["cnn_features_conv0_fwd", "cnn_features_conv1_fwd", "cnn_features_dense0_fwd", "cnn_head_dense_fwd"]


def pixels(batch: int) -> np.ndarray:
    """Images as `IMAGE` has them, float32 (batch, 1, 8, 9)."""
    return np.random.uniform(0, 10, (batch, *FIELD.shape)).astype(np.float32)


def image_source(**options: Any) -> Source:
    """A convolutional net of two blocks with scores of a size that trained nets have."""
    net = cnn.build(IMAGE, filters=(5, 7), units=11, **options)
    net.initialize(mx.init.Xavier(magnitude=12))
    return dataclasses.replace(
        from_net(net, [FIELD], True, {"task": "classify"}), calibration=[(pixels(16),), (pixels(9),)]
    )


def text_source() -> Source:
    """A bidirectional LSTM, without samples."""
    net = lstm.build(TEXT, units=6, embedding=5)
    net.initialize(mx.init.Xavier(magnitude=6))
    return from_net(net, [Field("tokens", (-1,), "int32"), Field("length", (), "int32")], True)


def drawn(symbol: Any) -> Source:
    """Any network of such images, with random weights and samples of its input."""
    shapes = dict(zip(symbol.list_arguments(), symbol.infer_shape(data=(1, *FIELD.shape))[0]))
    weights = {name: mx.nd.random.normal(scale=0.5, shape=one) for name, one in shapes.items() if name != "data"}
    return Source(symbol, weights, (FIELD,), (Field("scores", (-1,)),), {}, calibration=[(pixels(32),)])


def expected(source: Source, *inputs: np.ndarray) -> np.ndarray:
    """What the network answers in float32, by Gluon: executors join steps first, some wrongly."""
    with quiet():  # that no types are known
        net = mx.gluon.SymbolBlock(source.symbol, [mx.sym.var(field.name) for field in source.inputs])
    for name, param in net.collect_params().items():
        param._load_init(source.arrays[name], mx.cpu())
    outputs = net(*(mx.nd.array(one, dtype=one.dtype) for one in inputs))
    return (outputs[0] if isinstance(outputs, list) else outputs).asnumpy()


def gap(given: np.ndarray, wanted: np.ndarray) -> float:
    """Largest difference, as a share of the largest score."""
    assert given.shape == wanted.shape
    return float(np.abs(given - wanted).max() / np.abs(wanted).max())


def bare(symbol: Any, fields: Sequence[Field], calibration: Sequence[tuple[np.ndarray, ...]] = ()) -> Source:
    """A symbol with random parameters."""
    shapes = {field.name: (2, *field.shape) for field in fields}
    found, results, _ = symbol.infer_shape(**shapes)
    given = {
        name: mx.nd.random.normal(shape=shape)
        for name, shape in zip(symbol.list_arguments(), found)
        if name not in shapes
    }
    outputs = tuple(Field(f"out{at}", shape[1:]) for at, shape in enumerate(results))
    return Source(symbol, given, tuple(fields), outputs, {}, calibration=calibration)
