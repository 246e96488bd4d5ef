"""Tests of gluon_ref.conversion.convolving: convolutions of every rank, dense layers, products."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.errors import ConversionError
from gluon_ref.records import Field, Source

from .agreement import disagreement, imperative, make_source, runtime

DATA, OTHER = mx.sym.var("data"), mx.sym.var("other")
LINE, IMAGE, VOLUME = ([Field("data", shape)] for shape in ((4, 9), (4, 7, 9), (4, 5, 6, 7)))
CONVOLUTIONS = {
    "of_sequences": (mx.sym.Convolution(DATA, kernel=(3,), num_filter=5, stride=(2,), pad=(1,), layout="NCW"), LINE),
    "of_images": (mx.sym.Convolution(DATA, kernel=(3, 2), num_filter=5, pad=(1, 0)), IMAGE),
    "of_volumes": (mx.sym.Convolution(DATA, kernel=(2, 3, 2), num_filter=3, no_bias=True), VOLUME),
    "dilated": (mx.sym.Convolution(DATA, kernel=(3, 2), num_filter=5, dilate=(2, 3)), IMAGE),
    "by_groups": (mx.sym.Convolution(DATA, kernel=(3, 3), num_filter=6, num_group=2, layout="NCHW"), IMAGE),
    "of_old": (mx.sym.Convolution_v1(DATA, kernel=(3, 2), num_filter=5, pad=(1, 0)), IMAGE),
    "transposed": (mx.sym.Deconvolution(DATA, kernel=(3, 2), num_filter=5, stride=(2, 3), pad=(1, 0)), IMAGE),
    "transposed_sequences": (mx.sym.Deconvolution(DATA, kernel=(3,), num_filter=5, stride=(2,)), LINE),
    "transposed_adjusted": (mx.sym.Deconvolution(DATA, kernel=(3, 3), num_filter=5, stride=(2, 3), adj=(1, 2)), IMAGE),
    "transposed_by_groups": (
        mx.sym.Deconvolution(DATA, kernel=(4, 4), num_filter=6, stride=(2, 2), pad=(1, 1), num_group=2, no_bias=False),
        IMAGE,
    ),
    "transposed_dilated": (mx.sym.Deconvolution(DATA, kernel=(3, 2), num_filter=5, dilate=(2, 3)), IMAGE),
}
DENSE = {
    "of_vectors": (mx.sym.FullyConnected(DATA, num_hidden=5), (4,)),
    "of_all_axes": (mx.sym.FullyConnected(DATA, num_hidden=5), (4, 3)),
    "of_the_last_axis": (mx.sym.FullyConnected(DATA, num_hidden=5, flatten=False), (-1, 4)),
    "of_the_last_of_four": (mx.sym.FullyConnected(DATA, num_hidden=5, flatten=False, no_bias=True), (3, -1, 4)),
    "without_bias": (mx.sym.FullyConnected(DATA, num_hidden=5, no_bias=True, flatten=True), (4, 3)),
    "with_one_weight_computed": (
        mx.sym.FullyConnected(DATA, mx.sym.var("w") * 2, num_hidden=5, flatten=False, no_bias=True),
        (3, 4),
    ),
}
PAIRS = [(False, False), (True, False), (False, True), (True, True)]


@pytest.mark.parametrize(("symbol", "fields"), CONVOLUTIONS.values(), ids=CONVOLUTIONS.keys())
def test_convolutions(symbol: Any, fields: list[Field]) -> None:
    """mx2onnx refuses sequences."""
    assert disagreement(symbol, fields) < 1e-5


def test_a_target_shape_decides_padding_and_adjustment() -> None:
    """As 15x20 less 1x2, worked by hand; oneDNN's own operator has no answer, and mx2onnx refuses it."""
    options = {"kernel": (3, 4), "num_filter": 5, "stride": (2, 2), "name": "turn"}
    aimed = make_source(mx.sym.Deconvolution(DATA, target_shape=(14, 18), **options), IMAGE)
    plain = mx.sym.Deconvolution(DATA, pad=(1, 1), adj=(1, 0), **options)
    given = {"data": np.random.normal(size=(2, 4, 7, 9)).astype(np.float32)}
    (expected,) = imperative(Source(plain, aimed.arrays, aimed.inputs, aimed.outputs, {}), given)
    np.testing.assert_allclose(runtime(aimed, given)[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("symbol", "shape"), DENSE.values(), ids=DENSE.keys())
def test_dense_layers(symbol: Any, shape: tuple[int, ...]) -> None:
    arrays = {"w": np.random.normal(size=(5, 4)).astype(np.float32)} if "w" in symbol.list_inputs() else {}
    assert disagreement(symbol, [Field("data", shape)], arrays) < 1e-5


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_products_of_batches_of_matrices(first: bool, second: bool) -> None:
    symbol = mx.sym.batch_dot(DATA, OTHER, transpose_a=first, transpose_b=second)
    shapes = (5, 3) if first else (3, 5), (7, 5) if second else (5, 7)
    fields = [Field("data", shapes[0]), Field("other", shapes[1])]
    assert disagreement(symbol, fields) < 1e-5
    symbol = mx.sym.linalg.gemm2(DATA, OTHER, transpose_a=first, transpose_b=second, alpha=0.5)
    assert disagreement(symbol, fields) < 1e-5
    symbol = mx.sym.linalg.gemm(DATA, OTHER, mx.sym.var("more"), transpose_a=first, transpose_b=second, beta=3.0)
    assert disagreement(symbol, [*fields, Field("more", (3, 7))]) < 1e-5


@pytest.mark.parametrize(("first", "second"), PAIRS)
@pytest.mark.parametrize("axes", [(), (2,)])
def test_products_with_a_matrix_of_weights(first: bool, second: bool, axes: tuple[int, ...]) -> None:
    """mx2onnx multiplies matrices where MXNet, beyond two axes, sums over the last of one and the first of another."""
    weight = np.random.normal(size=(*axes, 7, 6) if second else (6, *axes, 7)).astype(np.float32)
    data = mx.sym.transpose(DATA, axes=(1 + len(axes), *range(1 + len(axes)))) if first else DATA
    symbol = mx.sym.dot(data, mx.sym.var("w"), transpose_a=first, transpose_b=second)
    assert disagreement(symbol, [Field("data", (*axes, 6))], {"w": weight}) < 1e-5


@pytest.mark.parametrize(("name", "shape"), [("Convolution", (3, 2, 2, 4)), ("Deconvolution", (4, 2, 2, 3))])
def test_channels_at_the_end_are_refused(name: str, shape: tuple[int, ...]) -> None:
    symbol = getattr(mx.sym, name)(DATA, kernel=(2, 2), num_filter=3, layout="NHWC", name="conv", no_bias=True)
    fields, weight = (Field("data", (5, 6, 4)),), {"conv_weight": mx.nd.ones(shape)}
    with pytest.raises(ConversionError, match=rf"{name} conv .*layout=NHWC: only NCHW is carried; transpose"):
        runtime(Source(symbol, weight, fields, (Field("out", (6, 7, 3)),), {}), {})


def test_a_target_shape_where_the_size_varies_is_refused() -> None:
    symbol = mx.sym.Deconvolution(DATA, kernel=(4,), num_filter=5, stride=(2,), target_shape=(12,))
    with pytest.raises(ConversionError, match="target_shape on an axis that varies"):
        runtime(make_source(symbol, [Field("data", (4, -1))]), {})
