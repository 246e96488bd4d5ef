"""What people's files have beside a network: labels in other shapes, inputs among the parameters, odd numbers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.errors import ConversionError, DataError, OptionError, PathError
from gluon_ref.exporting import export_files
from gluon_ref.exports import mending
from gluon_ref.exports.strangers import of_files
from gluon_ref.inspection import inspect

from .files import classifier, write

SHAPE = {"data": (1, 3, 6, 7)}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write(classifier(), tmp_path, data=(1, 3, 6, 7))


def words() -> Any:
    """As in MXNet's language models: the label is reshaped before the head reads it."""
    data, label = mx.sym.var("data"), mx.sym.Reshape(mx.sym.var("softmax_label"), shape=(-1,))
    flat = mx.sym.Reshape(mx.sym.Embedding(data, input_dim=9, output_dim=4, name="embedding"), shape=(-1, 4))
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(flat, num_hidden=9, name="dense"), label, name="softmax")


def test_a_label_in_another_shape_is_no_input(tmp_path: Path) -> None:
    files = write(words(), tmp_path, data=(2, 5), softmax_label=(2, 5))
    assert inspect(files[0])["labels"] == ["softmax_label"]
    result = export_files(*files, {"data": (2, 5)}, "onnx", tmp_path / "out")
    assert result.notes == ()
    assert inspect(tmp_path / "out")["fields"][0]["name"] == "data"
    assert len(inspect(tmp_path / "out")["fields"]) == 1


def test_a_shape_of_a_label_is_left_out_and_told(files: tuple[Path, Path]) -> None:
    subject = of_files(*files, {**SHAPE, "softmax_label": (1,)}, {}, None)
    assert [field.name for field in subject.source.inputs] == ["data"]
    assert subject.notes == ("softmax_label is a label, which training reads alone: its shape is left out",)


def test_an_input_among_the_parameters_is_one_when_its_shape_is_given(files: tuple[Path, Path], tmp_path: Path) -> None:
    """As an executor's arg_dict has them, which is saved in place of the parameters alone."""
    arrays = mx.nd.load(str(files[1]))
    more = {"arg:data": mx.nd.zeros((1, 3, 6, 7)), "arg:softmax_label": mx.nd.zeros((1,))}
    mx.nd.save(str(files[1]), {**arrays, **more})
    result = export_files(*files, SHAPE, "symbol", tmp_path / "out")
    assert result.notes == (f"{files[1]} also holds data, which --shape makes an input",)
    with pytest.raises(OptionError, match=r"has no input x; expected a shape for an input; .* holds all that it reads"):
        of_files(*files, {"x": (1,)}, {}, None)


@pytest.mark.parametrize("odd", [np.nan, -np.inf])
def test_weights_that_are_no_numbers_are_told(odd: float, files: tuple[Path, Path]) -> None:
    arrays = mx.nd.load(str(files[1]))
    arrays["arg:dense_bias"][1] = odd
    mx.nd.save(str(files[1]), arrays)
    (note,) = of_files(*files, SHAPE, {}, None).notes
    assert note == f"dense_bias in {files[1]} has entries that are infinite or no numbers; answers may be none either"


def test_samples_that_are_no_numbers_are_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    np.save(tmp_path / "real.npy", np.full((2, 3, 6, 7), np.nan))
    with pytest.raises(DataError, match=r"real.npy: entries of data that are infinite or no numbers; expected real"):
        of_files(*files, SHAPE, {}, tmp_path / "real.npy")


def test_a_file_of_no_arrays_is_one_of_a_network_without_parameters(tmp_path: Path) -> None:
    files = write(mx.sym.relu(mx.sym.var("data"), name="relu"), tmp_path, data=(1, 3))
    assert mx.nd.load(str(files[1])) == []
    assert of_files(*files, {"data": (1, 3)}, {}, None).source.arrays == {}


@pytest.mark.parametrize("at", [0, 1])
def test_a_pipe_is_refused_instead_of_waited_for(at: int, files: tuple[Path, Path]) -> None:
    files[at].unlink()
    os.mkfifo(files[at])
    with pytest.raises(PathError, match=r"a pipe or a device; expected a file on a disk"):
        of_files(*files, SHAPE, {}, None)


def test_a_network_of_too_many_steps_is_refused_before_mxnet_walks_it(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mending, "MOST", 12)
    with pytest.raises(DataError, match=r"net-symbol.json: 15 steps; expected at most 12; cut the network"):
        of_files(*files, SHAPE, {}, None)


@pytest.mark.parametrize("dtypes", [{}, {"data": "float16"}])
def test_a_network_of_float16_is_run_in_float32(
    dtypes: dict[str, str], files: tuple[Path, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    """As net.cast("float16") leaves it; on a processor MXNet answers that it has no such product."""
    wide = of_files(*files, SHAPE, {}, None).cases[0].expected[0][0]
    arrays = mx.nd.load(str(files[1]))
    mx.nd.save(str(files[1]), {name: array.astype("float16") for name, array in arrays.items()})
    subject = of_files(*files, SHAPE, dtypes, None)
    assert subject.source.inputs[0].dtype == "float32"
    assert subject.notes == (
        "what is float16 became float32, which holds it: MXNet does not run this network in float16 here",
    )
    np.testing.assert_allclose(subject.cases[0].expected[0][0], wide, atol=0.01)  # weights rounded to three digits
    assert capfd.readouterr() == ("", "")


def test_a_type_that_the_parameters_have_and_the_inputs_have_not_is_named(files: tuple[Path, Path]) -> None:
    arrays = mx.nd.load(str(files[1]))
    mx.nd.save(str(files[1]), {name: array.astype("float64") for name, array in arrays.items()})
    with pytest.raises(OptionError, match=r"the parameters are float64: pass --dtype data=float64, or other shapes"):
        of_files(*files, SHAPE, {}, None)
    with pytest.raises(ConversionError, match=r"Convolution conv .*float64, which ONNX Runtime has no convolution of"):
        export_files(*files, SHAPE, "onnx", files[0].parent / "out", dtypes={"data": "float64"})
