"""Tests of gluon_ref.conversion.sequences, with batch and time free: ONNX Runtime answers as MXNet does."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest

from gluon_ref.backend import mx
from gluon_ref.conversion.graph import to_onnx
from gluon_ref.models import text_cnn
from gluon_ref.records import Field, Source

from ..conftest import TEXT
from . import models
from .agreement import disagreement, make_source, runtime

F = mx.sym
DATA, LENGTH, INDEX = F.var("data"), F.var("length"), F.var("index")
TURNED = F.swapaxes(DATA, 0, 1)  # time first, as most of these operators want it
# Axes after batch and time.
TAILS = [(), (2,), (2, 5)]


@pytest.mark.parametrize("dtype", ["float32", "int32"])
@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize(
    "symbol",
    [
        pytest.param(F.SequenceMask(TURNED, LENGTH, use_sequence_length=True), id="mask"),
        pytest.param(F.SequenceMask(TURNED, LENGTH, use_sequence_length=True, value=-1e9), id="mask-value"),
        pytest.param(F.SequenceMask(DATA, LENGTH, use_sequence_length=True, axis=1, value=2.5), id="mask-axis-1"),
        pytest.param(F.SequenceReverse(TURNED, LENGTH, use_sequence_length=True), id="reverse"),
        pytest.param(F.SequenceLast(TURNED, LENGTH, use_sequence_length=True), id="last"),
        pytest.param(F.SequenceLast(DATA, LENGTH, use_sequence_length=True, axis=1), id="last-axis-1"),
    ],
)
def test_each_sequence_ends_at_its_length(symbol: Any, tail: tuple[int, ...], dtype: str) -> None:
    fields = [Field("data", (-1, *tail)), Field("length", (), dtype)]
    for lengths, time in (([4, 1, 2], 4), ([1], 1), ([3, 9], 9)):
        size = (len(lengths), time, *tail)
        values = {"data": np.random.normal(size=size).astype("float32"), "length": np.array(lengths, dtype)}
        assert disagreement(symbol, fields, values=values) == 0


@pytest.mark.parametrize(("tail", "op"), [((2,), "ScatterND"), ((-1, 2), "Where")])
def test_what_is_masked_alone_is_written_where_a_step_has_a_fixed_size(tail: tuple[int, ...], op: str) -> None:
    fields = [Field("data", (-1, *tail)), Field("length", (), "int32")]
    symbol = F.SequenceMask(DATA, LENGTH, use_sequence_length=True, axis=1, value=-1)
    assert op in models.operators(to_onnx(make_source(symbol, fields)))
    for lengths in ([4, 4], [1, 3], [0, 0]):
        values = {"data": np.full((2, 4, *map(abs, tail)), np.nan, np.float32), "length": np.array(lengths, np.int32)}
        assert disagreement(symbol, fields, values=values) == 0


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize(
    "symbol",
    [
        pytest.param(F.SequenceMask(DATA), id="mask"),
        pytest.param(F.SequenceReverse(DATA), id="reverse"),
        pytest.param(F.SequenceLast(DATA), id="last"),
        pytest.param(F.SequenceLast(DATA, axis=1), id="last-axis-1"),
    ],
)
def test_without_lengths_a_sequence_is_the_whole_axis(symbol: Any, tail: tuple[int, ...]) -> None:
    assert disagreement(symbol, [Field("data", (-1, *tail))]) == 0


@pytest.mark.parametrize(
    "symbol",
    [
        F.swapaxes(DATA, 1, 2),
        F.swapaxes(DATA, -1, 0),
        F.reverse(DATA, axis=1),
        F.reverse(DATA, axis=(0, 2)),
        F.slice_axis(DATA, axis=1, begin=1, end=-1),
        F.slice_axis(DATA, axis=-1, begin=-2, end=None),
        F.slice_axis(DATA, axis=0, begin=0, end=1),
        F.broadcast_to(F.slice_axis(DATA, axis=2, begin=0, end=1), shape=(0, 0, 5)),
        F.Group(list(F.split(DATA, num_outputs=2, axis=2))),
        F.Group(list(F.split(DATA, num_outputs=4, axis=-1, squeeze_axis=True))),
        F.split(DATA, num_outputs=1, axis=2),
        F.Group(list(F.split_v2(DATA, (1, 3), axis=-1))),
        F.Group(list(F.split_v2(DATA, (2, 5), axis=1))),
        F.Group(list(F.split_v2(DATA, (1,), axis=1))),
        F.Group(list(F.split_v2(DATA, 4, axis=2, squeeze_axis=True))),
    ],
    ids=str,
)
def test_elements_are_moved_and_left_out(symbol: Any) -> None:
    assert disagreement(symbol, [Field("data", (-1, 4))]) == 0


@pytest.mark.parametrize("mode", ["clip", "wrap"])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_take_reaches_beyond_either_end(axis: int, mode: str, dtype: str) -> None:
    values = {
        "data": np.random.normal(size=(3, 5, 4)).astype("float32"),
        "index": np.array([[-9, -1, 0], [2, 4, 9]], dtype),
    }
    fields = [Field("data", (-1, 4)), Field("index", (-1,), dtype)]
    assert disagreement(F.take(DATA, INDEX, axis=axis, mode=mode), fields, values=values) == 0


def test_take_is_left_to_raise_where_it_would() -> None:
    symbol, fields = F.take(DATA, INDEX, mode="raise"), [Field("data", (5,)), Field("index", (), "int32")]
    values = {"data": np.random.normal(size=(3, 5)).astype("float32"), "index": np.array([2, 0], "int32")}
    assert disagreement(symbol, fields, values=values) == 0
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument, match="indices element out of"):
        runtime(make_source(symbol, fields), values | {"index": np.array([3, 0], "int32")})


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_unknown_tokens_get_the_first_or_last_vector(dtype: str) -> None:
    symbol = F.Embedding(DATA, F.var("weight"), input_dim=4, output_dim=2)
    values = {"data": np.array([[-1, 0, 3], [4, 9, 1]], dtype)}
    assert disagreement(symbol, [Field("data", (-1,), dtype)], values=values) == 0


@pytest.mark.parametrize(
    "symbol",
    [
        DATA + F.zeros((0, 0, 4)),
        DATA + F.ones((0, 0, 0)),
        F.broadcast_add(DATA, F.ones((1, 1, 4))),
        F.broadcast_add(DATA, F.full((1, 1, 4), 2.5)),
        F.broadcast_mul(DATA, F.full((1, 1, 1), -3)),
    ],
    ids=["zeros", "ones", "ones-known", "full", "full-whole-number"],
)
def test_constants_have_the_size_of_what_they_meet(symbol: Any) -> None:
    assert disagreement(symbol, [Field("data", (-1, 4))]) < 1e-6


def test_constants_keep_their_dtype() -> None:
    symbol = F.cast(DATA, "int32") + F.zeros((0, 4), dtype="int32")
    assert disagreement(symbol, [Field("data", (4,))]) == 0


@pytest.mark.parametrize("kind", ["RNNCell", "LSTMCell", "GRUCell"])
def test_cells_unrolled_start_from_zeros_of_any_batch(kind: str) -> None:
    cell = getattr(mx.gluon.rnn, kind)(5, input_size=3, prefix="cell_")
    cell.initialize(mx.init.Uniform(0.5))
    outputs, states = cell.unroll(4, DATA, merge_outputs=True)
    arrays = {name: one.data().asnumpy() for name, one in cell.collect_params().items()}
    symbol = F.Group([outputs, *states])
    assert disagreement(symbol, [Field("data", (4, 3))], arrays) < 1e-6


@pytest.mark.parametrize(
    ("symbol", "wanted"),
    [
        (F.swapaxes(DATA, 0, 1), ["Transpose"]),
        (F.SequenceReverse(TURNED, LENGTH, use_sequence_length=True), ["Transpose", "Cast", "ReverseSequence"]),
        (F.SequenceReverse(DATA), ["Slice"]),
        (F.slice_axis(DATA, axis=1, begin=1, end=None), ["Slice"]),
    ],
)
def test_no_step_is_spent_on_finding_out_shapes(symbol: Any, wanted: list[str]) -> None:
    fields = [Field("data", (3, 2)), Field("length", (), "int32")]
    used = [field for field in fields if field.name in symbol.list_inputs()]
    source = Source(symbol, {}, tuple(used), (Field("made", (-1, -1)),), {})
    assert models.operators(to_onnx(source)) == wanted


def test_this_packages_own_text_cnn_keeps_batch_and_length_free() -> None:
    net = text_cnn.build(TEXT, embedding=3, filters=2, widths=(2, 5))
    net.initialize(mx.init.Uniform(0.5))
    tokens, lengths = np.array([[2, 3, 4], [6, 0, 0]], dtype=np.int32), np.array([3, 1], dtype=np.int32)
    net(mx.nd.array(tokens), mx.nd.array(lengths))
    arrays = {name: one.data().asnumpy() for name, one in net.collect_params().items()}
    symbol, fields = net(DATA, LENGTH), [Field("data", (-1,), "int32"), Field("length", (), "int32")]
    assert disagreement(symbol, fields, arrays, {"data": tokens, "length": lengths}) < 1e-6
    longer = {"data": np.tile(tokens, (3, 3)), "length": np.array([9, 1, 5, 3, 8, 2], dtype=np.int32)}
    assert disagreement(symbol, fields, arrays, longer) < 1e-6
