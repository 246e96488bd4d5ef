"""Tests of whole nets of GluonCV's zoo as ONNX models; benchmarks/zoo.py tries the rest of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gluon_ref.backend import gluoncv, mx
from gluon_ref.exports.sources import from_net
from gluon_ref.records import Field

from .agreement import runtime


def build(name: str, size: int, **options: Any) -> Any:
    """A net with random weights and statistics; what is exponentiated stays small."""
    net = gluoncv.model_zoo.get_model(name, pretrained=False, **options)
    net.initialize(mx.init.Xavier(rnd_type="gaussian", factor_type="in", magnitude=2))
    net(mx.nd.zeros((1, 3, size, size)))
    for key, param in net.collect_params().items():
        if key.endswith(("gamma", "running_var")):
            param.set_data(mx.nd.random.uniform(0.5, 1.5, shape=param.shape))
        elif key.endswith(("beta", "running_mean")):
            param.set_data(mx.nd.random.normal(0, 0.1, shape=param.shape))
        elif "yolooutput" in key and key.endswith("weight"):
            param.set_data(param.data() * 0.3)
    return net


def compare(net: Any, size: int, batch: int, opset: int = 13) -> float:
    """Largest difference of the outputs, over the largest number in each."""
    images = np.random.normal(size=(batch, 3, size, size)).astype(np.float32)
    expected = net(mx.nd.array(images))
    source = from_net(net, (Field("data", (3, size, size)),))
    found = runtime(source, {"data": images}, opset)
    gaps = []
    for one, other in zip(expected if isinstance(expected, (list, tuple)) else [expected], found):
        one = one.asnumpy()
        assert one.shape == other.shape
        assert one.std() > 1e-3  # it says something
        gaps.append(float(np.abs(one - other).max() / np.abs(one).max()))
    return max(gaps)


@pytest.mark.parametrize(("name", "size"), [("cifar_resnet20_v1", 32), ("mobilenet0.25", 64)])
def test_classifiers_answer_alike(name: str, size: int, capfd: pytest.CaptureFixture[str]) -> None:
    """ONNX Runtime says on stderr what it finds odd in a model."""
    net = build(name, size)
    for batch, opset in ((1, 13), (3, 17)):
        assert compare(net, size, batch, opset) < 1e-5
    assert "onnxruntime" not in capfd.readouterr().err


def test_a_detector_answers_alike_with_its_boxes_chosen() -> None:
    net = build("yolo3_mobilenet0.25_voc", 64, pretrained_base=False)
    assert compare(net, 64, 2) < 1e-4
    net.set_nms(nms_thresh=0, post_nms=-1)
    net.hybridize(False)
    source = from_net(net, (Field("data", (3, 64, 64)),))
    assert [one.shape for one in source.outputs] == [(5040, 1), (5040, 1), (5040, 4)]
    assert "_contrib_box_nms" not in source.symbol.tojson()
