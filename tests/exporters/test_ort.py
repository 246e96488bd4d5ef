"""ORT: small, portable files that answer alike, and the operators that they need."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from gluon_ref import catalog
from gluon_ref.backend import mx
from gluon_ref.errors import DataError, PathError
from gluon_ref.exporters import ort
from gluon_ref.exports.sources import from_net
from gluon_ref.layers import settle
from gluon_ref.loop import answering
from gluon_ref.records import Field, Source
from tests.conftest import IMAGE

FIELDS = (Field("data", IMAGE.shape),)


@pytest.fixture
def net() -> object:
    net = catalog.find("models", "cnn").build(IMAGE)
    net.initialize(mx.init.Xavier())
    settle(net, FIELDS, mx.cpu())
    return net


@pytest.fixture
def source(net: object) -> Source:
    return from_net(net, FIELDS, classes=True, about={"task": "classify"})


@pytest.mark.parametrize("level", ["basic", "extended"])
def test_the_file_answers_like_the_network(net: object, level: str, tmp_path: Path) -> None:
    images = np.random.RandomState(1).randint(0, 256, (5, *IMAGE.shape)).astype(np.float32)
    expected = answering(net, mx.cpu())(images)[0]
    written = ort.write(from_net(net, FIELDS, classes=True), tmp_path, level=level)
    scores, probabilities = ort.open(tmp_path, FIELDS)(images)
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)  # float32, in another order of sums
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert written == {"level": level, "opset": 13, "outputs": ["scores", "probabilities"]}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.ort", "required_operators.config"]


def test_no_layout_is_that_of_this_processor(source: Source, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ort.write(source, tmp_path)
    operators = (tmp_path / ort.OPERATORS).read_text()
    assert "com.microsoft;1;FusedConv" in operators
    assert "nchwc" not in operators
    assert "hardware specific" not in capfd.readouterr().err  # as ONNX Runtime warns of such


def test_basic_keeps_to_the_operators_of_onnx(source: Source, tmp_path: Path) -> None:
    ort.write(source, tmp_path, level="basic", probabilities=False)
    lines = (tmp_path / ort.OPERATORS).read_text().splitlines()
    assert {line.split(";")[0] for line in lines} == {"ai.onnx"}
    assert "ai.onnx;11;Conv" in lines  # Conv of opset 13 is as opset 11 brought it
    assert not any("Softmax" in line for line in lines)


@pytest.mark.filterwarnings("ignore")  # their tool does not close the model's file
@pytest.mark.parametrize("level", ["basic", "extended"])
def test_the_operators_are_those_that_their_tool_finds(source: Source, level: str, tmp_path: Path) -> None:
    from onnxruntime.tools.ort_format_model import create_config_from_models

    (tmp_path / "ours").mkdir()
    ort.write(source, tmp_path / "ours", level=level)
    logging.disable()
    try:
        create_config_from_models([tmp_path / "ours" / ort.MODEL], tmp_path / "theirs", False)
    finally:
        logging.disable(logging.NOTSET)
    theirs = [line for line in (tmp_path / "theirs").read_text().splitlines() if not line.startswith("#")]
    assert (tmp_path / "ours" / ort.OPERATORS).read_text().splitlines() == theirs


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PathError, match=r"model.ort: no such file"):
        ort.open(tmp_path, FIELDS)
    (tmp_path / ort.MODEL).write_bytes(b"ORTM" * 20)
    with pytest.raises(DataError, match=r"model.ort: .*expected a model of the inputs"):
        ort.open(tmp_path, FIELDS)
