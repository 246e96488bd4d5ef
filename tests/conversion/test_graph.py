"""The walk from a graph to a model: names, inputs, outputs, what is left out, what is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from gluon_ref.backend import mx
from gluon_ref.conversion.graph import to_onnx, unknown
from gluon_ref.conversion.session import open_model
from gluon_ref.errors import ConversionError, OptionError
from gluon_ref.exports.sources import outputs
from gluon_ref.records import Field, Source

DATA = Field("data", (4,))


def source(symbol: Any, *fields: Field, classes: bool = False, **arrays: Any) -> Source:
    """A network of some inputs."""
    found = {name: mx.nd.array(array) for name, array in arrays.items()}
    inputs = fields or (DATA,)
    results = outputs(symbol, inputs, found)
    return Source(symbol, found, inputs, results, {name: name for name in found}, classes, {"task": "none", "é": "ü"})


def run(model: onnx.ModelProto, folder: Path, *inputs: np.ndarray, fields: tuple[Field, ...] = (DATA,)) -> Any:
    onnx.save(model, folder / "model.onnx")
    return open_model(folder / "model.onnx", fields)(*inputs)


def test_a_node_whose_name_is_another_ones_output_is_not_mistaken_for_it(tmp_path: Path) -> None:
    halves = mx.sym.SliceChannel(mx.sym.var("data"), num_outputs=2, name="half")
    one = mx.sym.negative(halves[0], name="half1")  # as MXNet's own walk calls the second output
    row = np.array([[1, 2, 3, 4]], dtype=np.float32)
    first, second = run(to_onnx(source(mx.sym.Group([one, halves[1]]))), tmp_path, row)
    np.testing.assert_array_equal(first, [[-1, -2]])
    np.testing.assert_array_equal(second, [[3, 4]])


def test_nodes_of_one_name_stay_apart(tmp_path: Path) -> None:
    data = mx.sym.var("data")
    symbol = mx.sym.negative(mx.sym.square(data, name="same"), name="same")
    (given,) = run(to_onnx(source(symbol)), tmp_path, np.array([[1, 2, 3, 4]], dtype=np.float32))
    np.testing.assert_array_equal(given, [[-1, -4, -9, -16]])


def test_parameters_are_no_inputs_and_what_nothing_reads_is_left_out() -> None:
    dense = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=3, name="dense")
    arrays = {"dense_weight": np.ones((3, 4)), "dense_bias": np.zeros(3)}
    model = to_onnx(source(dense, **arrays))
    assert [one.name for one in model.graph.input] == ["data"]
    assert {one.name for one in model.graph.initializer} == set(arrays)
    assert [one.name for one in model.graph.output] == ["dense"]


def test_an_input_that_the_graph_does_not_read_is_still_taken(tmp_path: Path) -> None:
    fields = (DATA, Field("length", (), "int32"))
    model = to_onnx(source(mx.sym.negative(mx.sym.var("data")), *fields))
    row, length = np.ones((1, 4), dtype=np.float32), np.ones(1, dtype=np.int32)
    np.testing.assert_array_equal(run(model, tmp_path, row, length, fields=fields)[0], -row)


def test_an_output_may_be_an_input_or_a_parameter(tmp_path: Path) -> None:
    data = mx.sym.var("data")
    symbol = mx.sym.Group([data, mx.sym.var("weight"), data * 2])
    model = to_onnx(source(symbol, weight=np.arange(3.0)))
    given = run(model, tmp_path, np.ones((2, 4), dtype=np.float32))
    assert [one.tolist() for one in given] == [[[1] * 4] * 2, [0, 1, 2], [[2] * 4] * 2]


def test_results_are_called_so_where_they_are_made(tmp_path: Path) -> None:
    halves = mx.sym.SliceChannel(mx.sym.var("data"), num_outputs=2, name="half")
    twice = halves[1] * 2
    model = to_onnx(source(mx.sym.Group([halves[1], twice, halves[1]])))
    assert [one.op_type for one in model.graph.node] == ["Split", "Mul", "Identity"]  # a second name needs a copy
    given = run(model, tmp_path, np.array([[1, 2, 3, 4]], dtype=np.float32))
    assert [one.tolist() for one in given] == [[[3, 4]], [[6, 8]], [[3, 4]]]


def test_batch_and_varying_axes_are_free_and_fixed_ones_are_not() -> None:
    fields = (Field("data", (-1, 4)), Field("state", (4,), batch=2))
    symbol = mx.sym.Group([mx.sym.var("data") + 1, mx.sym.var("state") + 1])
    shapes = {
        one.name: [axis.dim_param or axis.dim_value for axis in one.type.tensor_type.shape.dim]
        for one in to_onnx(source(symbol, *fields)).graph.input
    }
    assert shapes == {"data": ["batch", "data_1", 4], "state": [2, 4]}


def test_probabilities_are_the_softmax_of_the_scores(tmp_path: Path) -> None:
    model = to_onnx(source(mx.sym.var("data") * 2), probabilities=True)
    scores, shares = run(model, tmp_path, np.array([[0, 0, 0, np.log(2) / 2]], dtype=np.float32))
    np.testing.assert_allclose(shares, [[0.2, 0.2, 0.2, 0.4]], rtol=1e-6)
    np.testing.assert_allclose(scores[0, 3], np.log(2), rtol=1e-6)


def test_pixels_may_come_as_bytes(tmp_path: Path) -> None:
    model = to_onnx(source(mx.sym.var("data") / 2), pixels="uint8")
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    (given,) = run(model, tmp_path, np.array([[0, 1, 2, 255]], dtype=np.float32))
    np.testing.assert_array_equal(given, [[0, 0.5, 1, 127.5]])


@pytest.mark.parametrize("opset", [13, 15, 17])
def test_the_model_tells_its_opset_and_what_there_is_to_tell(opset: int) -> None:
    model = to_onnx(source(mx.sym.sum(mx.sym.var("data"), axis=1)), opset)
    assert [(one.domain, one.version) for one in model.opset_import] == [("", opset)]
    assert {one.key: one.value for one in model.metadata_props} == {"task": "none", "é": "ü"}
    assert model.producer_name == "gluon_ref"


@pytest.mark.parametrize("opset", [12, 18])
def test_other_opsets_are_refused(opset: int) -> None:
    with pytest.raises(OptionError, match=rf"format onnx: opset={opset}; expected 13 to 17; pass --set opset=13"):
        to_onnx(source(mx.sym.var("data") * 2), opset)


def test_operators_without_a_counterpart_are_all_named_with_their_nodes() -> None:
    data = mx.sym.var("data")
    symbol = mx.sym.contrib.fft(data, name="spectrum") + mx.sym.contrib.fft(data, name="again")
    with pytest.raises(ConversionError, match=r"no counterpart for _contrib_fft \(spectrum\); .* export to symbol"):
        to_onnx(source(symbol))
    assert unknown({"_contrib_fft", "Convolution", "Custom"}) == {"_contrib_fft", "Custom"}


def test_an_option_without_a_counterpart_is_named_with_its_node() -> None:
    symbol = mx.sym.Convolution(mx.sym.var("data"), kernel=(1, 1), num_filter=2, layout="NHWC", name="conv")
    fields = (Field("data", (3, 3, 4)),)
    arrays = {"conv_weight": np.ones((2, 1, 1, 4)), "conv_bias": np.zeros(2)}
    with pytest.raises(ConversionError, match=r"Convolution conv cannot be converted \(.*NHWC"):
        to_onnx(source(symbol, *fields, **arrays))
