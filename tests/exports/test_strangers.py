"""Models of anyone's: what belongs together is read, what does not is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref.answering import open_subject
from gluon_ref.backend import mx
from gluon_ref.errors import DataError, FitError, OptionError, PathError, VerificationError
from gluon_ref.evaluation import evaluate
from gluon_ref.exporting import export_files
from gluon_ref.exports.strangers import of_files
from gluon_ref.prediction import predict

from .files import classifier, write

SHAPE = {"data": (1, 3, 6, 7)}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write(classifier(), tmp_path, data=(1, 3, 6, 7))


@pytest.mark.parametrize("exporter", ["symbol", "onnx"])
def test_a_net_with_a_label_is_exported_without_it(files: tuple[Path, Path], exporter: str, tmp_path: Path) -> None:
    result = export_files(*files, SHAPE, exporter, tmp_path / "out")
    cases = [row.case for row in result.comparisons]
    assert cases == ["random, batch 1", "random, batch 2", "random, batch 7", "zeros", "large"]
    assert not result.trained
    artefact = open_subject(result.folder)
    assert artefact.facts is None
    assert artefact.outputs == ("softmax",)
    data = np.random.normal(0, 1, (4, 3, 6, 7)).astype(np.float32)
    module = mx.mod.Module(mx.sym.load(str(files[0])), label_names=["softmax_label"])
    module.bind([("data", data.shape)], [("softmax_label", (4,))], for_training=False)
    _, arrays, states = mx.model.load_checkpoint(str(files[0]).removesuffix("-symbol.json"), 0)
    module.set_params(arrays, states)
    module.forward(mx.io.DataBatch([mx.nd.array(data)], [mx.nd.zeros(4)]), is_train=False)
    # Sums of a hundred float32 products, in another order.
    np.testing.assert_allclose(artefact.answer(data)[0], module.get_outputs()[0].asnumpy(), atol=1e-5)


def test_several_inputs_and_outputs_keep_their_names_and_types(tmp_path: Path) -> None:
    words = mx.sym.Embedding(mx.sym.var("words"), input_dim=9, output_dim=4, name="embedding")
    scale = mx.sym.var("scale")
    symbol = mx.sym.Group([mx.sym.broadcast_mul(mx.sym.sum(words, axis=1), scale), mx.sym.max(words, axis=1)])
    files = write(symbol, tmp_path, words=(2, 5), scale=(2, 4))
    shapes = {"words": (1, -1), "scale": (1, 4)}
    result = export_files(*files, shapes, "onnx", tmp_path / "out", dtypes={"words": "int32"})
    assert "random, size 33" in [row.case for row in result.comparisons]
    artefact = open_subject(result.folder)
    assert [field.name for field in artefact.inputs] == ["words", "scale"]
    sums, largest = artefact.answer(np.array([[1, 2, 3]]), np.ones((1, 4), dtype=np.float32))
    assert (sums.shape, largest.shape) == ((1, 4), (1, 4))
    assert (sums > largest).all()


def test_a_net_of_one_batch_size_is_told_and_exported(tmp_path: Path) -> None:
    symbol = mx.sym.reshape(mx.sym.var("data"), shape=(3, 8))
    symbol = mx.sym.FullyConnected(symbol, num_hidden=2, name="dense")
    files = write(symbol, tmp_path, data=(3, 2, 4))
    result = export_files(*files, {"data": (3, 2, 4)}, "onnx", tmp_path / "out")
    assert result.notes == ("the network takes batches of 3 only, and so does the artefact",)
    assert [row.case for row in result.comparisons] == ["random, batch 3", "zeros", "large"]
    np.save(tmp_path / "six.npy", np.ones((6, 2, 4)))
    assert len(list(predict(result.folder, [str(tmp_path / "six.npy")]))) == 6
    np.save(tmp_path / "four.npy", np.ones((4, 2, 4)))
    with pytest.raises(DataError, match=r"four.npy: 4 rows; expected a multiple of 3"):
        list(predict(result.folder, [str(tmp_path / "four.npy")]))


def test_a_recurrent_layer_takes_its_states_as_inputs(tmp_path: Path) -> None:
    layer = mx.gluon.rnn.LSTM(4, num_layers=2, input_size=3, prefix="lstm_")
    layer.initialize()
    layer.hybridize()
    layer(mx.nd.zeros((5, 1, 3)), layer.begin_state(1))
    layer.export(str(tmp_path / "net"), epoch=0)
    files = tmp_path / "net-symbol.json", tmp_path / "net-0000.params"
    shapes = {name: (5, 1, 3) if name == "data0" else (2, 1, 4) for name in ("data0", "data1", "data2")}
    result = export_files(*files, shapes, "onnx", tmp_path / "out")
    assert result.notes == ("the network takes data1 of 2 rows and data2 of 2 rows only, and so does the artefact",)
    fields = open_subject(result.folder).inputs
    assert [field.batch for field in fields] == [0, 2, 2]
    np.savez(tmp_path / "one.npz", data0=np.ones((4, 1, 3)), data1=np.zeros((2, 1, 4)), data2=np.zeros((2, 1, 4)))
    (answer,) = predict(result.folder, [str(tmp_path / "one.npz")])  # steps and layers are no rows of one kind
    assert [np.shape(output) for output in answer["outputs"].values()] == [(4, 1, 4), (2, 1, 4), (2, 1, 4)]


def test_samples_for_a_net_of_one_batch_size_come_in_whole_batches(tmp_path: Path) -> None:
    symbol = mx.sym.FullyConnected(mx.sym.reshape(mx.sym.var("data"), shape=(3, 8)), num_hidden=2, name="dense")
    files = write(symbol, tmp_path, data=(3, 2, 4))
    np.savez(tmp_path / "real.npz", data=np.ones((8, 2, 4)))
    shapes = {"data": (3, 2, 4)}
    subject = of_files(*files, shapes, {}, tmp_path / "real.npz")
    assert [one[0].shape for one in subject.source.calibration] == [(3, 2, 4)] * 2
    np.savez(tmp_path / "real.npz", data=np.ones((2, 2, 4)))
    with pytest.raises(DataError, match=r"real.npz: 2 samples; expected 3 or more"):
        of_files(*files, shapes, {}, tmp_path / "real.npz")


@pytest.mark.parametrize("exporter", ["symbol", "onnx", "npz"])
def test_steps_are_results_where_they_are_asked_for(exporter: str, tmp_path: Path) -> None:
    files = write(classifier(), tmp_path, data=(1, 3, 6, 7))
    document = json.loads(files[0].read_text())
    for node in document["nodes"]:
        if node["name"] == "softmax":
            node["op"] = "Frobnicate"  # what comes after is not even read
    files[0].write_text(json.dumps(document))
    result = export_files(*files, SHAPE, exporter, tmp_path / "out", outputs=["dense_output", "norm"])
    scores, normed = open_subject(result.folder).answer(np.zeros((2, 3, 6, 7), dtype=np.float32))
    assert (scores.shape, normed.shape) == ((2, 5), (2, 4, 4, 5))
    assert not [note for note in result.notes if "does not read" in note]


@pytest.mark.parametrize(("name", "told"), [("dens", "did you mean dense?"), ("other", "the file names them all")])
def test_a_result_that_is_no_step_is_refused(files: tuple[Path, Path], name: str, told: str) -> None:
    with pytest.raises(OptionError) as caught:
        of_files(*files, SHAPE, {}, None, [name])
    assert str(caught.value).startswith(f"--output: {files[0]} has no node called {name}; ")
    assert str(caught.value).endswith(told)


def test_a_result_that_a_step_has_not_is_refused(files: tuple[Path, Path]) -> None:
    with pytest.raises(DataError, match=r"output 3 of dense, which has 1"):
        of_files(*files, SHAPE, {}, None, ["dense_output3"])


def test_real_inputs_are_compared_too(files: tuple[Path, Path], tmp_path: Path) -> None:
    np.savez(tmp_path / "real.npz", data=np.random.normal(0, 1, (70, 3, 6, 7)))
    out = tmp_path / "out"
    result = export_files(*files, SHAPE, "onnx", out, calibration=tmp_path / "real.npz")
    assert (result.comparisons[-1].case, result.comparisons[-1].samples) == ("given samples", 70)
    assert result.metrics["agreement"]["network"] == 1


def test_embeddings_are_judged_by_their_angle(tmp_path: Path) -> None:
    """Numbers so near to each other that rounding makes another one the largest."""
    symbol, params = write(
        mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=32, name="dense"), tmp_path, data=(1, 8)
    )
    weight = 1 + np.random.normal(0, 1e-4, (32, 8))
    mx.nd.save(str(params), {"arg:dense_weight": mx.nd.array(weight), "arg:dense_bias": mx.nd.zeros(32)})
    np.savez(tmp_path / "real.npz", data=np.random.normal(0, 1, (64, 8)).astype(np.float32))
    shape, given = {"data": (1, 8)}, {"calibration": tmp_path / "real.npz"}
    with pytest.raises(
        VerificationError, match=r"agreement fell .*; .*--watch similarity if the output is an embedding"
    ):
        export_files(symbol, params, shape, "onnx-int8", tmp_path / "out", **given)
    result = export_files(symbol, params, shape, "onnx-int8", tmp_path / "out", watch="similarity", **given)
    assert result.metrics["similarity"]["artefact"] > 0.999
    with pytest.raises(OptionError, match=r"watch=angle; expected agreement or similarity; pass --watch agreement"):
        export_files(symbol, params, shape, "onnx-int8", tmp_path / "more", watch="angle", **given)


def test_answers_for_files_of_arrays(files: tuple[Path, Path], tmp_path: Path) -> None:
    folder = export_files(*files, SHAPE, "onnx", tmp_path / "out").folder
    np.save(tmp_path / "two.npy", np.zeros((2, 3, 6, 7), dtype=np.float32))
    answers = list(predict(folder, [str(tmp_path / "two.npy")]))
    assert [one["input"] for one in answers] == [f"{tmp_path / 'two.npy'}, row {row}" for row in (1, 2)]
    assert sum(answers[0]["outputs"]["softmax"]) == pytest.approx(1)
    with pytest.raises(FitError, match=r"is of a model whose task nobody stated; expected an artefact of a run"):
        evaluate(folder)


WRONG: list[tuple[dict[str, tuple[int, ...]], dict[str, str], str]] = [
    ({}, {}, r"--shape: .*net-symbol.json also reads data, which .*net-0000.params does not hold; .*--shape data=1"),
    ({"image": (1, 3, 6, 7)}, {}, r"--shape: .*also reads data"),
    ({**SHAPE, "x": (1,)}, {}, r"--shape: .*net-symbol.json has no input x; expected a shape for data"),
    ({"data": (1, 3, 6)}, {}, r"--shape: data=1,3,6 does not fit the network and its parameters"),
    ({"data": (1, 4, 6, 7)}, {}, r"--shape: data=1,4,6,7 does not fit the network and its parameters"),
    ({"data": (1, 3, 2, 2)}, {}, r"--shape: data=1,3,2,2 does not fit"),
    (SHAPE, {"data": "float"}, r"--dtype: data=float; expected float32, float64"),
    (SHAPE, {"conv_weight": "float16"}, r"--shape: .* has no input conv_weight"),
]


@pytest.mark.parametrize(("shapes", "dtypes", "told"), WRONG)
def test_shapes_that_do_not_fit_are_refused(
    files: tuple[Path, Path],
    shapes: dict[str, tuple[int, ...]],
    dtypes: dict[str, str],
    told: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(OptionError, match=told):
        export_files(*files, shapes, "onnx", tmp_path / "out", dtypes=dtypes)
    assert not (tmp_path / "out").exists()
    assert capfd.readouterr() == ("", "")


def test_files_that_do_not_belong_together_are_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = write(mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=2), tmp_path / "other", data=(1, 3))
    told = r"no arrays conv_weight, conv_bias, norm_gamma, norm_beta and 4 more, which .* reads, but"
    with pytest.raises(DataError, match=told):
        of_files(files[0], other[1], SHAPE, {}, None)
    wide = classifier()
    more = write(wide, tmp_path / "other", "wide", data=(1, 5, 6, 7))
    with pytest.raises(OptionError, match=r"does not fit the network and its parameters"):
        of_files(files[0], more[1], SHAPE, {}, None)


def test_arrays_that_the_network_does_not_read_are_told(files: tuple[Path, Path], tmp_path: Path) -> None:
    arrays = mx.nd.load(str(files[1]))
    mx.nd.save(str(files[1]), {**arrays, "arg:more": mx.nd.ones((2,))})
    assert of_files(*files, SHAPE, {}, None).notes[0].endswith("also holds more, which the network does not read")


def test_missing_and_broken_files_are_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(PathError, match=r"none.json: cannot be read"):
        of_files(tmp_path / "none.json", files[1], SHAPE, {}, None)
    with pytest.raises(PathError, match=r"none.params: cannot be read"):
        of_files(files[0], tmp_path / "none.params", SHAPE, {}, None)
    content = files[1].read_bytes()
    files[1].write_bytes(content[:-7])
    with pytest.raises(DataError, match=r"net-0000.params: not a whole file of arrays"):
        of_files(*files, SHAPE, {}, None)
    files[0].write_text(files[0].read_text()[:-7])
    with pytest.raises(DataError, match=r"net-symbol.json: not a symbol file"):
        of_files(*files, SHAPE, {}, None)


CALIBRATIONS: list[tuple[Any, str]] = [
    ({"x": np.zeros((2, 3, 6, 7))}, r"real.npz: no array data; expected data Nx3x6x7"),
    ({"data": np.zeros((2, 3, 6))}, r"real.npz: data 2x3x6 float64; expected data Nx3x6x7"),
    ({"data": np.zeros((0, 3, 6, 7))}, r"real.npz: data 0x3x6x7 float64"),
    ({"data": np.array(["text"])}, r"real.npz: data 1 <U4"),
]


@pytest.mark.parametrize(("arrays", "told"), CALIBRATIONS)
def test_real_inputs_that_are_none_are_refused(
    files: tuple[Path, Path], arrays: dict[str, np.ndarray], told: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "real.npz", **arrays)
    with pytest.raises(DataError, match=told):
        of_files(*files, SHAPE, {}, tmp_path / "real.npz")


def test_a_file_of_real_inputs_that_is_no_such_file_is_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(PathError, match=r"--calibration: .*none.npz cannot be read"):
        of_files(*files, SHAPE, {}, tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("no arrays")
    with pytest.raises(DataError, match=r"text.npz: no arrays of numpy's"):
        of_files(*files, SHAPE, {}, tmp_path / "text.npz")
    np.savez(tmp_path / "cut.npz", data=np.zeros((2, 3, 6, 7)))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "cut.npz").read_bytes()[:-30])
    with pytest.raises(DataError, match=r"cut.npz: no arrays of numpy's"):
        of_files(*files, SHAPE, {}, tmp_path / "cut.npz")
