"""GluonCV's classifiers as models: heads, frozen features, weights from a file, and what is refused."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref.backend import gluoncv, mx
from gluon_ref.errors import DataError, FitError, MachineError, PathError, UnknownNameError
from gluon_ref.layers import settle
from gluon_ref.models import backbone
from gluon_ref.records import Facts, Field

from ..conftest import VALUE

COLOUR = Facts("image", "label", (3, 32, 32), labels=("a", "b", "c"), mean=(3.0,) * 3, std=(2.0,) * 3)


def made(**options: Any) -> Any:
    net = backbone.build(COLOUR, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that loaded weights stay as they are
        net.initialize()
    settle(net, [Field("data", COLOUR.shape)], mx.cpu())
    return net


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A file of cifar_resnet20_v1 for ten classes, as GluonCV saves it."""
    net = gluoncv.model_zoo.get_model("cifar_resnet20_v1", classes=10)
    net.initialize(mx.init.Uniform(0.1))
    net(mx.nd.zeros((1, 3, 32, 32)))
    path = tmp_path / "weights.params"
    net.save_parameters(str(path))
    return path


@pytest.mark.parametrize("network", ["cifar_resnet20_v1", "resnet18_v1b", "mobilenetv3_small", "densenet121"])
def test_any_classifier_gives_a_score_per_label(network: str) -> None:
    net = backbone.build(COLOUR, network=network)
    net.initialize()
    side = 224 if network == "densenet121" else 32
    assert net(mx.nd.random.uniform(0, 255, shape=(1, 3, side, side))).shape == (1, 3)


def test_images_too_small_for_the_network_are_refused() -> None:
    net = backbone.build(COLOUR, network="squeezenet1.1")
    net.initialize()
    with pytest.raises(FitError, match=r"model backbone: inputs data 3x32x32 \(.*kernel size \(13\) exceeds input"):
        settle(net, [Field("data", COLOUR.shape)], mx.cpu())


def test_names_do_not_depend_on_what_was_built_before() -> None:
    first, second = (list(backbone.build(COLOUR).collect_params()) for _ in range(2))
    assert first == second


def test_weights_of_another_number_of_classes_load_all_but_the_last_layer(weights: Path) -> None:
    net = made(weights=str(weights))
    saved = mx.nd.load(str(weights))
    for name, param in net.zoo._collect_params_with_prefix().items():
        alike = param.shape == saved[name].shape and (param.data() == saved[name]).asnumpy().all()
        assert alike is not name.startswith("output.") or "bias" in name, name
    assert net.zoo.output.weight.shape[0] == 3


def test_frozen_trains_the_last_layer_only_and_keeps_running_statistics(weights: Path) -> None:
    net = made(weights=str(weights), frozen=True)
    trained = [name for name, param in net._collect_params_with_prefix().items() if param.grad_req != "null"]
    assert trained == ["zoo.output.weight", "zoo.output.bias"]
    before = {name: param.data().asnumpy() for name, param in net._collect_params_with_prefix().items()}
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    with mx.autograd.record():
        loss = net(mx.nd.random.uniform(0, 255, shape=(4, 3, 32, 32))).square().sum()
    loss.backward()
    trainer.step(4)
    mx.nd.waitall()  # oneDNN lays out weights anew, after the forward pass outside of training: not to be read yet
    changed = {
        n for n, p in net._collect_params_with_prefix().items() if not np.array_equal(before[n], p.data().asnumpy())
    }
    assert changed == set(trained)


def test_an_unknown_network_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown name 'resnet18_v1bb'.*did you mean resnet18_v1b"):
        backbone.build(COLOUR, network="resnet18_v1bb")


@pytest.mark.parametrize("network", ["yolo3_darknet53_voc", "fcn_resnet50_voc"])
def test_a_network_that_is_no_classifier_is_refused(network: str) -> None:
    with pytest.raises(FitError, match=f"model backbone: network={network}"):
        backbone.build(COLOUR, network=network)


def test_data_without_labels_is_refused() -> None:
    with pytest.raises(FitError, match=r"model backbone: samples carry value; expected labels"):
        backbone.build(VALUE)


def test_weights_that_do_not_fit_are_refused(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(PathError, match=r"weights=nowhere.params is no file"):
        backbone.build(COLOUR, weights="nowhere.params")
    with pytest.raises(DataError, match=r"and network=cifar_resnet56_v1 differ in"):
        backbone.build(COLOUR, network="cifar_resnet56_v1", weights=str(weights))
    broken = tmp_path / "broken.params"
    broken.write_bytes(b"not parameters")
    with pytest.raises(DataError, match=r"broken.params: not a whole file of arrays"):
        backbone.build(COLOUR, weights=str(broken))


def test_the_hub_out_of_reach_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*args: Any, **kwargs: Any) -> str:
        raise OSError("no route to host")

    monkeypatch.setattr(gluoncv.model_zoo.model_store, "get_model_file", unreachable)
    with pytest.raises(MachineError, match=r"weights=hub could not be had \(no route to host\).*model.weights=FILE"):
        backbone.build(COLOUR, weights="hub")
