from __future__ import annotations

import dataclasses
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref import arrays
from gluon_ref.backend import mx
from gluon_ref.errors import ConversionError, DataError, OptionError, PathError, UnknownNameError
from gluon_ref.exporters import int8
from gluon_ref.records import Field, Source

from . import rounding
from .rounding import LAYERS


def rounded_layers(folder: Path) -> int:
    """How many layers of the graph that was written are in 8 bits."""
    nodes = json.loads((folder / int8.SYMBOL).read_text())["nodes"]
    return sum(node.get("attrs", {}).get("quantized", "").lower() == "true" for node in nodes)


def test_layers_are_named_from_input_to_output() -> None:
    assert int8.layers(rounding.image_source()) == LAYERS


@pytest.mark.parametrize("method", ["minmax", "entropy"])
def test_scores_are_about_the_networks(tmp_path: Path, method: Any) -> None:
    source, images = rounding.image_source(), rounding.pixels(7)
    written = int8.write(source, tmp_path, calibration_method=method)
    (scores,) = int8.open(tmp_path, source.inputs)(images)
    # Rounding to 8 bits in four layers; entropy clips the few largest values on top.
    assert 0 < rounding.gap(scores, rounding.expected(source, images)) < (0.1 if method == "minmax" else 0.5)
    assert written == {"layers": LAYERS, "left_out": [], "outputs": ["scores"]}
    assert rounded_layers(tmp_path) == 4


def test_a_sample_answers_alike_in_any_batch(tmp_path: Path) -> None:
    source, images = rounding.image_source(), rounding.pixels(7)
    int8.write(source, tmp_path)
    answer = int8.open(tmp_path, source.inputs)
    (scores,) = answer(images)
    for batch in (1, 3, 7):
        np.testing.assert_allclose(answer(images[:batch])[0], scores[:batch], atol=1e-5)


def test_a_shortcut_before_a_rectifier_is_not_rectified(tmp_path: Path) -> None:
    start = mx.sym.Convolution(mx.sym.var("data"), kernel=(3, 3), pad=(1, 1), num_filter=8, name="first")
    inner = mx.sym.Activation(start, act_type="relu", name="relu")
    block = start + mx.sym.Convolution(inner, kernel=(3, 3), pad=(1, 1), num_filter=8, name="second")
    source = rounding.drawn(mx.sym.FullyConnected(block, num_hidden=3, name="scores"))
    images = rounding.pixels(7)
    assert int8.write(source, tmp_path)["layers"] == ["first", "second", "scores"]
    assert rounding.gap(int8.open(tmp_path, source.inputs)(images)[0], rounding.expected(source, images)) < 0.1


@pytest.mark.parametrize("narrower", [True, False])
def test_sums_of_signed_and_unsigned_numbers_are_about_the_networks(tmp_path: Path, narrower: bool) -> None:
    def conv(x: Any, name: str) -> Any:
        return mx.sym.Convolution(x, kernel=(3, 3), pad=(1, 1), num_filter=8, name=name)

    start = mx.sym.Activation(conv(mx.sym.var("data"), "first"), act_type="relu")
    if narrower:  # a rectified sum with a shortcut that is not
        source = rounding.drawn(mx.sym.Activation(conv(start, "second") + conv(start, "third"), act_type="relu"))
    else:
        source = rounding.drawn(conv(start, "second") + start)
    images = rounding.pixels(7)
    source = dataclasses.replace(source, calibration=[(images,)])
    int8.write(source, tmp_path)
    assert rounding.gap(int8.open(tmp_path, source.inputs)(images)[0], rounding.expected(source, images)) < 0.05


@pytest.mark.parametrize("leaky", [True, False])
def test_dense_layers_that_mxnet_fails_on_are_about_the_networks(tmp_path: Path, leaky: bool) -> None:
    first = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=9, name="first")
    first = mx.sym.LeakyReLU(first, act_type="leaky") if leaky else mx.sym.Activation(first, act_type="relu")
    second = mx.sym.FullyConnected(first, num_hidden=5, name="second")
    source = rounding.drawn(second if leaky else mx.sym.Concat(first, second, dim=1))
    images = rounding.pixels(7)
    source = dataclasses.replace(source, calibration=[(images,)])
    assert int8.write(source, tmp_path)["layers"] == ["first", "second"]
    assert rounding.gap(int8.open(tmp_path, source.inputs)(images)[0], rounding.expected(source, images)) < 0.05


def test_a_graph_that_mxnet_cannot_join_is_sent_to_onnx(tmp_path: Path) -> None:
    def conv(x: Any, name: str) -> Any:
        return mx.sym.Convolution(x, kernel=(3, 3), pad=(1, 1), num_filter=1, name=name)

    data = mx.sym.var("data")
    added = conv(data + data, "second")
    source = rounding.drawn(conv(conv(data, "first"), "third") + added + added)
    for ask in (int8.layers, lambda source: int8.write(source, tmp_path)):
        with pytest.raises(ConversionError, match=r"MXNet cannot quantize the network \(.*\); .*export to onnx-int8"):
            ask(source)


def test_layers_that_are_left_out_stay_in_float32(tmp_path: Path) -> None:
    source, images = rounding.image_source(), rounding.pixels(7)
    gaps = []
    for count in range(len(LAYERS) + 1):
        folder = tmp_path / str(count)
        folder.mkdir()
        written = int8.write(source, folder, leave_out=tuple(LAYERS[:count]))
        assert (written["layers"], written["left_out"]) == (LAYERS[count:], LAYERS[:count])
        assert rounded_layers(folder) == len(LAYERS) - count
        scores = int8.open(folder, source.inputs)(images)[0]
        gaps.append(rounding.gap(scores, rounding.expected(source, images)))
    assert gaps[-1] < 1e-5 < min(gaps[:-1])


def test_mxnet_alone_reads_what_was_written(tmp_path: Path) -> None:
    source, images = rounding.image_source(), rounding.pixels(5)
    int8.write(source, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = mx.gluon.SymbolBlock.imports(str(tmp_path / int8.SYMBOL), ["data"], str(tmp_path / int8.PARAMS))
    alone = net(mx.nd.array(images)).asnumpy()
    np.testing.assert_array_equal(int8.open(tmp_path, source.inputs)(images)[0], alone)


def joined() -> Source:
    """A dense layer of two batches one after another, which MXNet tells that it cannot join in 8 bits."""
    data = mx.sym.var("data")
    net = mx.sym.FullyConnected(mx.sym.Concat(data, data * 2, dim=0), num_hidden=5, name="dense")
    samples = np.random.normal(size=(4, 5)).astype(np.float32)
    return rounding.bare(net, [Field("data", (5,))], [(samples,)])


@pytest.mark.parametrize("make", [rounding.image_source, joined])
def test_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str], make: Callable[[], Source]) -> None:
    source = make()
    int8.write(source, tmp_path)
    int8.open(tmp_path, source.inputs)(source.calibration[0][0])
    assert capfd.readouterr() == ("", "")


def test_arrays_that_the_graph_does_not_read_are_left_behind(tmp_path: Path) -> None:
    source = rounding.image_source()
    known = {**source.arrays, "forgotten": mx.nd.ones((2,))}
    int8.write(dataclasses.replace(source, arrays=known), tmp_path)
    assert "forgotten" not in arrays.bare(tmp_path, arrays.check(tmp_path / int8.PARAMS))
    int8.open(tmp_path, source.inputs)(rounding.pixels(1))


@pytest.mark.parametrize("method", ["minmax", "entropy"])
def test_a_layer_that_always_gives_zero_does_no_harm(tmp_path: Path, method: Any) -> None:
    source = rounding.image_source()
    for name in ("cnn_features_dense0_weight", "cnn_features_dense0_bias"):
        source.arrays[name][:] = 0
    int8.write(source, tmp_path, calibration_method=method)
    assert np.isfinite(int8.open(tmp_path, source.inputs)(rounding.pixels(2))[0]).all()


def dense(weight: Any = None) -> Source:
    """Two inputs, one of them never read, and a sum of a dense layer and what it was given."""
    data = mx.sym.var("data")
    net = mx.sym.FullyConnected(data, weight, num_hidden=5, name="dense") + data
    fields = [Field("unread", (2,)), Field("data", (5,))]
    samples = tuple(np.random.normal(size=(6, *field.shape)).astype(np.float32) for field in fields)
    found = rounding.bare(net, fields[1:], [samples])
    return dataclasses.replace(found, inputs=tuple(fields))


def test_an_input_that_is_never_read_is_accepted(tmp_path: Path) -> None:
    source = dense()
    int8.write(source, tmp_path)
    ((unread, data),) = source.calibration
    given = int8.open(tmp_path, source.inputs)(unread, data)[0]
    assert rounding.gap(given, rounding.expected(dataclasses.replace(source, inputs=source.inputs[1:]), data)) < 0.1


def test_layers_of_computed_weights_are_none(tmp_path: Path) -> None:
    source = dense(mx.sym.var("half") * 2)
    assert int8.layers(source) == []
    with pytest.raises(ConversionError, match="format int8: no layer that can be computed in 8 bits; expected"):
        int8.write(source, tmp_path)


def test_a_recurrent_net_is_sent_to_onnx(tmp_path: Path) -> None:
    with pytest.raises(ConversionError) as caught:
        int8.write(rounding.text_source(), tmp_path)
    assert str(caught.value) == (
        "format int8: lstm_layer0_forth_rnn0 is recurrent, and MXNet's 8-bit layer of that kind fails; "
        "expected convolutions and dense layers; export to onnx-int8, which carries LSTM"
    )
    assert not list(tmp_path.iterdir())


def test_an_unknown_layer_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="format int8: leave_out: unknown name 'cnn_head'; expected one of cnn_"):
        int8.write(rounding.image_source(), tmp_path, leave_out=("cnn_head",))


def test_samples_are_asked_for(tmp_path: Path) -> None:
    source = dataclasses.replace(rounding.image_source(), calibration=())
    with pytest.raises(OptionError, match=r"format int8: no samples .*; pass --calibration FILE.npz"):
        int8.write(source, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_network_that_gives_nan_is_refused(tmp_path: Path) -> None:
    source = rounding.image_source()
    source.arrays["cnn_features_conv1_weight"][:] = np.nan
    with pytest.raises(
        ConversionError, match=r"MXNet cannot quantize the network \(sg_.*_output is NaN or infinite on"
    ):
        int8.write(source, tmp_path)
    assert not list(tmp_path.iterdir())


Change = Callable[[Any], object]


def subgraph(document: Any) -> Any:
    return next(node["subgraphs"][0] for node in document["nodes"] if "subgraphs" in node)


ALTERED: list[tuple[str, Change, str]] = [
    # What would end the process, or worse, in a graph that MXNet reads: nothing of it is.
    (int8.SYMBOL, lambda graph: subgraph(graph).update(nodes=[]), "another graph than float-symbol.json"),
    (int8.SYMBOL, lambda graph: subgraph(graph).update(heads=[[99, 9, 0]]), "another graph than float-symbol.json"),
    (int8.SYMBOL, lambda graph: graph["heads"].append([1, 99, 0]), "another graph than float-symbol.json"),
    (int8.FLOAT, lambda graph: graph["heads"].append([1, 99, 0]), "output 99 of"),
    (int8.FLOAT, lambda graph: graph["nodes"][-1].update(subgraphs=[{}]), "holds a graph of its own"),
    (int8.RANGES, lambda table: table["layers"].pop(), "another graph than float-symbol.json and ranges.json give"),
    (int8.RANGES, lambda table: table["layers"].append(3), "ValueError: a name that is no text"),
    (int8.RANGES, lambda table: table["ranges"].update(a=[0, float("nan")]), "ValueError: a range that is none"),
    (int8.RANGES, lambda table: table["ranges"].update(a=[1, 0]), "ValueError: a range that is none"),
    (int8.RANGES, lambda table: table["ranges"].update(a=[0]), "ValueError: not enough values"),
    (int8.RANGES, lambda table: table["ranges"].popitem(), "another graph than float-symbol.json and ranges.json give"),
    (int8.RANGES, lambda table: table.pop("ranges"), "KeyError: 'ranges'"),
]


@pytest.mark.parametrize(("name", "change", "told"), ALTERED)
def test_an_altered_file_is_refused(tmp_path: Path, name: str, change: Change, told: str) -> None:
    source = rounding.image_source()
    int8.write(source, tmp_path)
    document = json.loads((tmp_path / name).read_text())
    change(document)
    (tmp_path / name).write_text(json.dumps(document))
    with pytest.raises(DataError) as caught:
        int8.open(tmp_path, source.inputs)
    assert str(caught.value).startswith(f"{tmp_path}/")
    assert told in caught.value.given


@pytest.mark.parametrize("name", [int8.SYMBOL, int8.FLOAT, int8.RANGES, int8.PARAMS])
def test_a_file_that_is_missing_or_no_text_is_named(tmp_path: Path, name: str) -> None:
    source = rounding.image_source()
    int8.write(source, tmp_path)
    (tmp_path / name).write_bytes(b"\xff[")
    with pytest.raises(DataError, match=name):
        int8.open(tmp_path, source.inputs)
    (tmp_path / name).unlink()
    with pytest.raises(PathError, match=f"{name}: cannot be read"):
        int8.open(tmp_path, source.inputs)


def test_inputs_of_another_shape_are_refused(tmp_path: Path) -> None:
    source = rounding.image_source()
    int8.write(source, tmp_path)
    with pytest.raises(DataError, match=r"model-0000.params: .*expected a graph and parameters of one export"):
        int8.open(tmp_path, source.inputs)(np.ones((2, 3, 4), np.float32))
