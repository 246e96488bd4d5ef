from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from gluon_ref.backend import mx
from gluon_ref.errors import ConversionError, DataError, OptionError, PathError, UnknownNameError
from gluon_ref.exporters import onnx as plain
from gluon_ref.exporters import onnx_int8
from gluon_ref.records import Field, Source

from . import rounding
from .rounding import FIELD, LAYERS


def weights(folder: Path) -> dict[str, np.ndarray]:
    """Arrays of more than one axis in the file."""
    stored = onnx.load(folder / onnx_int8.MODEL).graph.initializer
    return {one.name: onnx.numpy_helper.to_array(one) for one in stored if len(one.dims) > 1}


def operators(folder: Path) -> list[str]:
    return [node.op_type for node in onnx.load(folder / onnx_int8.MODEL).graph.node]


def test_layers_are_named_from_input_to_output() -> None:
    """But for the first convolution: over one channel, 8 bits are no faster."""
    assert onnx_int8.layers(rounding.image_source()) == LAYERS[1:]


@pytest.mark.parametrize("options", [{}, {"calibration_method": "average"}, {"per_channel": False}])
def test_scores_are_about_the_networks(tmp_path: Path, options: dict[str, object]) -> None:
    source, images = rounding.image_source(), rounding.pixels(7)
    written = onnx_int8.write(source, tmp_path, **options)
    scores, shares = onnx_int8.open(tmp_path, source.inputs)(images)
    # Rounding to 8 bits in four layers; the wrong scale of a single one gives 0.5 and more.
    assert 0 < rounding.gap(scores, rounding.expected(source, images)) < 0.1
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    assert written["quantization"] == "static"
    assert (written["layers"], written["left_out"]) == (LAYERS[1:], LAYERS[:1])
    assert written["outputs"] == ["scores", "probabilities"]


def test_a_border_of_minus_infinity_does_no_harm(tmp_path: Path) -> None:
    made = mx.sym.Convolution(mx.sym.var("data"), kernel=(3, 3), pad=(1, 1), num_filter=8, name="first")
    border = mx.sym.Pad(made, mode="constant", constant_value=-np.inf, pad_width=(0, 0, 0, 0, 0, 1, 0, 1))
    pooled = mx.sym.Pooling(border, kernel=(2, 2), stride=(2, 2), pool_type="max")
    source = rounding.drawn(mx.sym.FullyConnected(pooled, num_hidden=3, name="second"))
    images = rounding.pixels(7)
    onnx_int8.write(source, tmp_path)
    assert rounding.gap(onnx_int8.open(tmp_path, source.inputs)(images)[0], rounding.expected(source, images)) < 0.1
    assert "Pad" not in operators(tmp_path)


def test_a_sample_answers_alike_in_any_batch(tmp_path: Path) -> None:
    source, images = rounding.image_source(), rounding.pixels(7)
    onnx_int8.write(source, tmp_path)
    answer = onnx_int8.open(tmp_path, source.inputs)
    scores = answer(images)[0]
    for batch in (1, 3):
        np.testing.assert_allclose(answer(images[:batch])[0], scores[:batch], atol=1e-5)


def test_weights_take_a_byte_each(tmp_path: Path) -> None:
    onnx_int8.write(rounding.image_source(), tmp_path)
    kinds = [array.dtype.name for array in weights(tmp_path).values() if array.size > 1]
    assert sorted(kinds) == ["float32", "int8", "int8", "int8"]  # the first layer's, and the others'


def test_layers_that_are_left_out_stay_in_float32(tmp_path: Path) -> None:
    source, images = rounding.image_source(), rounding.pixels(7)
    gaps = []
    for count in range(1, len(LAYERS) + 1):
        folder = tmp_path / str(count)
        folder.mkdir()
        written = onnx_int8.write(source, folder, leave_out=tuple(LAYERS[:count]))
        assert (written["layers"], written["left_out"]) == (LAYERS[count:], LAYERS[:count])
        assert sum(array.dtype == np.int8 for array in weights(folder).values()) == len(LAYERS) - count
        scores = onnx_int8.open(folder, source.inputs)(images)[0]
        gaps.append(rounding.gap(scores, rounding.expected(source, images)))
    assert gaps[-1] < 1e-5 < min(gaps[:-1])


def test_a_recurrent_net_is_rounded_as_it_runs(tmp_path: Path) -> None:
    source = rounding.text_source()
    assert not source.calibration
    written = onnx_int8.write(source, tmp_path)
    assert written["quantization"] == "dynamic"
    assert operators(tmp_path).count("DynamicQuantizeLSTM") == 2
    assert len(written["layers"]) == len(set(written["layers"])) == 4
    answer = onnx_int8.open(tmp_path, source.inputs)
    for batch, steps in ((3, 5), (1, 2)):
        tokens = np.random.randint(1, 9, (batch, steps)).astype(np.int32)
        length = np.random.randint(1, steps + 1, batch).astype(np.int32)
        given = answer(tokens, length)[0]
        assert 0 < rounding.gap(given, rounding.expected(source, tokens, length)) < 0.1


def test_a_recurrent_net_keeps_layers_in_float32_too(tmp_path: Path) -> None:
    source = rounding.text_source()
    known = onnx_int8.layers(source)
    onnx_int8.write(source, tmp_path, leave_out=tuple(known))
    assert {"DynamicQuantizeLSTM", "MatMulInteger"}.isdisjoint(operators(tmp_path))
    tokens, length = np.array([[1, 2, 3]], np.int32), np.array([2], np.int32)
    scores = onnx_int8.open(tmp_path, source.inputs)(tokens, length)[0]
    assert rounding.gap(scores, rounding.expected(source, tokens, length)) < 1e-5


def test_the_file_says_what_the_float_model_says(tmp_path: Path) -> None:
    source = rounding.image_source()
    for exporter in (plain, onnx_int8):
        exporter.write(source, tmp_path)
        model = onnx.load(tmp_path / onnx_int8.MODEL)
        onnx.checker.check_model(model)
        assert {one.key: one.value for one in model.metadata_props} == {"task": "classify"}
        assert [(one.domain, one.version) for one in model.opset_import] == [("", 13)]
        assert (model.ir_version, model.producer_name) == (8, "gluon_ref")
        assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"


def test_scores_keep_their_bits_and_poolings_in_float32_come_before_the_rounding(tmp_path: Path) -> None:
    onnx_int8.write(rounding.image_source(), tmp_path)
    steps = operators(tmp_path)
    first = steps.index("MaxPool")
    assert steps[first : first + 3] == ["MaxPool", "Max", "QuantizeLinear"]
    assert steps[steps.index("Gemm", steps.index("Gemm") + 1) :] == ["Gemm", "Softmax"]


def test_the_quantizer_has_nothing_to_advise(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for source in (rounding.image_source(), rounding.text_source()):
        onnx_int8.write(source, tmp_path)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("make", [rounding.image_source, rounding.text_source])
def test_nothing_is_printed_and_no_logging_set_up(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, make: Callable[[], Source]
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # as in a program that has set up none
    source = make()
    onnx_int8.write(source, tmp_path)
    onnx_int8.open(tmp_path, source.inputs)
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger().handlers == []


def test_a_fixed_batch_stays(tmp_path: Path) -> None:
    source = dataclasses.replace(rounding.image_source(), inputs=(dataclasses.replace(FIELD, batch=4),))
    onnx_int8.write(source, tmp_path)
    assert onnx_int8.open(tmp_path, source.inputs)(rounding.pixels(4))[0].shape == (4, 3)


def test_an_unknown_layer_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError) as caught:
        onnx_int8.write(rounding.image_source(), tmp_path, leave_out=("cnn_head_dense",))
    assert str(caught.value) == (
        "format onnx-int8: leave_out: unknown name 'cnn_head_dense'; expected one of "
        f"{', '.join(sorted(LAYERS))}; did you mean cnn_head_dense_fwd?"
    )
    assert not list(tmp_path.iterdir())


def test_samples_are_asked_for(tmp_path: Path) -> None:
    source = dataclasses.replace(rounding.image_source(), calibration=())
    with pytest.raises(OptionError) as caught:
        onnx_int8.write(source, tmp_path)
    assert str(caught.value) == (
        "format onnx-int8: no samples to find the ranges of values by; expected real inputs of the network; "
        "pass --calibration FILE.npz with a few hundred real samples, an array for each input"
    )


def test_a_network_without_weights_is_refused(tmp_path: Path) -> None:
    source = rounding.bare(mx.sym.relu(mx.sym.var("data")), [FIELD])
    with pytest.raises(ConversionError, match="format onnx-int8: no layer that can be computed in 8 bits; expected"):
        onnx_int8.write(source, tmp_path)
    assert onnx_int8.layers(source) == []


def test_what_the_quantizer_stumbles_over_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from onnxruntime import quantization

    def stumble(*_: object, **__: object) -> None:
        raise ValueError("no range for conv")

    monkeypatch.setattr(quantization, "quantize_static", stumble)
    with pytest.raises(ConversionError, match=r"ONNX Runtime cannot quantize the network \(no range for conv\)"):
        onnx_int8.write(rounding.image_source(), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_missing_or_broken_file_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(PathError, match=r"model.onnx: no such file"):
        onnx_int8.open(tmp_path, [FIELD])
    (tmp_path / onnx_int8.MODEL).write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"model.onnx: .*expected a model"):
        onnx_int8.open(tmp_path, [FIELD])


def test_two_inputs_are_calibrated_by_their_names(tmp_path: Path) -> None:
    left, right = mx.sym.var("left"), mx.sym.var("right")
    dense = mx.sym.FullyConnected(left, num_hidden=3, name="dense") + mx.sym.FullyConnected(right, num_hidden=3)
    fields = [Field("left", (5,)), Field("right", (2,))]
    given = tuple(np.random.normal(size=(9, *field.shape)).astype(np.float32) for field in fields)
    source = rounding.bare(dense, fields, [given])
    onnx_int8.write(source, tmp_path)
    assert rounding.gap(onnx_int8.open(tmp_path, fields)(*given)[0], rounding.expected(source, *given)) < 0.05
