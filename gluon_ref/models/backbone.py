"""Any classifier of GluonCV's model zoo by name, with a new last layer: for transfer learning."""

from __future__ import annotations

import re
import socket
from functools import partial
from pathlib import Path
from typing import Any

from .. import arrays
from ..backend import gluoncv, mx
from ..errors import DataError, FitError, MachineError, PathError, UnknownNameError
from ..layers import Standardize
from ..records import Facts

TAKES = ("image",)
GIVES = "scores"
STARTS = ("weights",)
HUB = "hub"
# Names of GluonCV's that end in a data set, or in int8, are detectors, segmenters, video and quantized networks.
OTHER_TASKS = re.compile(
    r"_(voc|coco|custom|citys|ade|mhpv1|kinetics\d+|ucf101|hmdb51|sthsthv2|otb15|int8)$|^custom_|_pose_|^monodepth|_s$"
)
WHERE = "model backbone"
TIMEOUT_S = 10  # GluonCV asks without a limit, five times


class Backbone(mx.gluon.HybridBlock):
    """Score an image by a network of GluonCV's.

    Inputs:
        data: float32 (batch, channel, height, width), raw pixels.
    Outputs:
        scores: float32 (batch, labels), logits.
    """

    def __init__(self, facts: Facts, network: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        with self.name_scope():  # not every network of GluonCV's takes a prefix
            self.standardize = Standardize(facts, prefix="standardize_")
            self.zoo = _build_zoo(network, facts.outputs)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Raw pixels to scores."""
        scores = self.zoo(self.standardize(x))  # (batch, labels)
        # Inception and its like answer with an auxiliary head beside the scores.
        return scores[0] if isinstance(scores, (list, tuple)) else scores


def build(facts: Facts, *, network: str = "cifar_resnet20_v1", weights: str = "", frozen: bool = False) -> Backbone:
    """A GluonCV classifier with one score per label of these facts.

    Args:
        facts: of the data.
        network: a classifier's name in gluoncv.model_zoo.
        weights: a .params file of that network; "hub" to download GluonCV's own; empty to start at random.
        frozen: train the last layer only; batch norm then keeps its running statistics.
    Raises:
        UnknownNameError: when GluonCV has no such network.
        FitError: when the network is no classifier, or the data has no labels.
        PathError: when the weights file cannot be read.
        DataError: when the weights are of another network.
    """
    if facts.target != "label":
        raise FitError(WHERE, f"samples carry {facts.target}", "labels", "choose --set model.name=cnn")
    if network.lower() not in gluoncv.model_zoo.get_model_list():
        raise UnknownNameError(f"{WHERE}: network", network, gluoncv.model_zoo.get_model_list())
    net = Backbone(facts, network, prefix="backbone_")
    head = _head(network, net.zoo, facts.outputs)
    if weights:
        _load(network, net.zoo, head, weights)
    if frozen:
        _freeze(net.zoo, head)
    return net


def _build_zoo(network: str, labels: int) -> Any:
    if OTHER_TASKS.search(network.lower()):
        raise _no_classifier(network)
    make = partial(gluoncv.model_zoo.get_model, network, classes=labels, pretrained=False)
    try:
        # What is built on another network would download that one's weights; classifiers do not know the argument.
        return make(pretrained_base=False)
    except (TypeError, Warning):  # Darknet raises a Warning
        return make()


def _no_classifier(network: str) -> FitError:
    return FitError(
        WHERE,
        f"network={network}",
        "a classifier of images, whose last layer gives one score per label",
        "pass --set model.network=resnet18_v1",
    )


def _head(network: str, zoo: Any, labels: int) -> str:
    """Name of the last child with parameters, which classifiers end in; it has a score per label afterwards."""
    named = [(name, child) for name, child in zoo._children.items() if list(child.collect_params().values())]
    name, child = named[-1] if named else ("", None)
    sizes = {param.shape[0] for param in child.collect_params().values()} if child else set()
    if sizes == {labels}:
        return str(name)
    if not isinstance(child, mx.gluon.nn.Dense):
        raise _no_classifier(network)
    with zoo.name_scope():  # HRNet and the pruned ResNets have their own thousand classes, whatever they are asked
        setattr(zoo, name, mx.gluon.nn.Dense(labels, prefix=f"{name}_"))
    return str(name)


def _load(network: str, zoo: Any, head: str, weights: str) -> None:
    path = Path(weights)
    if weights == HUB:
        path = _download(network)
    elif not path.is_file():
        raise PathError(WHERE, f"weights={weights} is no file", "a .params file, or hub", "check the path")
    loaded = arrays.load(path)
    params = zoo._collect_params_with_prefix()
    if not any("." in name for name in loaded):
        raise DataError(
            WHERE,
            f"{path} holds no structured names",
            "what save_parameters wrote",
            "load it into the network it came from and call save_parameters",
        )
    kept = {name: value for name, value in loaded.items() if not name.startswith(f"{head}.")}
    wanted = {name for name in params if not name.startswith(f"{head}.")}
    wrong = sorted(wanted ^ set(kept)) or [name for name in wanted if not _agrees(params[name].shape, kept[name].shape)]
    if wrong:
        raise DataError(
            WHERE,
            f"{path} and network={network} differ in {wrong[0]}",
            f"weights of {network}",
            "name the network the file was saved from",
        )
    for name, value in kept.items():
        params[name].shape = value.shape
        params[name].initialize(init=mx.init.Constant(value), ctx=mx.cpu())
        params[name].set_data(value)


def _agrees(expected: tuple[int, ...], given: tuple[int, ...]) -> bool:
    return len(expected) == len(given) and all(a in (0, b) for a, b in zip(expected, given))


def _download(network: str) -> Path:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT_S)
    try:
        return Path(gluoncv.model_zoo.model_store.get_model_file(network, tag=True))
    except (OSError, ValueError, RuntimeError) as error:
        raise MachineError(
            WHERE,
            f"weights=hub could not be had ({error})",
            "a network that reaches GluonCV's bucket",
            "pass --set model.weights=FILE with a file you have",
        ) from None
    finally:
        socket.setdefaulttimeout(before)


def _freeze(zoo: Any, head: str) -> None:
    for name, param in zoo._collect_params_with_prefix().items():
        if not name.startswith(f"{head}."):
            param.grad_req = "null"

    def hold(block: Any) -> None:
        if isinstance(block, mx.gluon.nn.BatchNorm):
            block._kwargs["use_global_stats"] = True

    zoo.apply(hold)
