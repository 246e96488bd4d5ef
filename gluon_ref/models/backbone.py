"""Any classifier of GluonCV's model zoo by name, with a new last layer: for transfer learning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..backend import gluoncv, mx
from ..errors import DataError, FitError, MachineError, PathError, UnknownNameError
from ..layers import Standardize
from ..records import Facts

TAKES = ("image",)
GIVES = "scores"
HUB = "hub"


class Backbone(mx.gluon.HybridBlock):
    """Score an image by a network of GluonCV's.

    Inputs:
        data: float32 (batch, channel, height, width), raw pixels.
    Outputs:
        scores: float32 (batch, labels), logits.
    """

    def __init__(self, facts: Facts, zoo: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        with self.name_scope():
            self.standardize = Standardize(facts, prefix="standardize_")
        self.zoo = zoo

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
    where = "model backbone"
    if facts.target != "label":
        raise FitError(where, f"samples carry {facts.target}", "labels", "choose --set model.name=cnn")
    if network.lower() not in gluoncv.model_zoo.get_model_list():
        raise UnknownNameError(f"{where}: network", network, gluoncv.model_zoo.get_model_list())
    zoo = _build_zoo(where, network, facts.outputs)
    head = _head(where, network, zoo, facts.outputs)
    if weights:
        _load(where, network, zoo, head, weights)
    if frozen:
        _freeze(zoo, head)
    return Backbone(facts, zoo, prefix="backbone_")


def _build_zoo(where: str, network: str, labels: int) -> Any:
    try:
        # The prefix is fixed, or names in exports would count the networks built before.
        return gluoncv.model_zoo.get_model(network, classes=labels, pretrained=False, prefix="zoo_")
    except (TypeError, AssertionError, ValueError) as error:
        raise FitError(
            where,
            f"network={network} ({error})",
            "a classifier that takes a number of classes",
            "pass --set model.network=resnet18_v1",
        ) from error


def _head(where: str, network: str, zoo: Any, labels: int) -> str:
    """Name of the last child with parameters, which GluonCV's classifiers end in."""
    named = [name for name, child in zoo._children.items() if list(child.collect_params().values())]
    sizes = {param.shape[0] for param in zoo._children[named[-1]].collect_params().values()} if named else set()
    if not sizes or sizes != {labels}:
        raise FitError(
            where,
            f"network={network}",
            "a classifier, whose last layer gives one score per label",
            "pass --set model.network=resnet18_v1",
        )
    return str(named[-1])


def _load(where: str, network: str, zoo: Any, head: str, weights: str) -> None:
    path = Path(weights)
    if weights == HUB:
        path = _download(where, network)
    elif not path.is_file():
        raise PathError(where, f"weights={weights} is no file", "a .params file, or hub", "check the path")
    try:
        loaded = mx.nd.load(str(path))
    except mx.base.MXNetError as error:
        raise DataError(
            where,
            f"{path} is not a parameters file ({str(error).splitlines()[0]})",
            "what save_parameters wrote",
            "check the file",
        ) from None
    params = zoo._collect_params_with_prefix()
    if not isinstance(loaded, dict) or not any("." in name for name in loaded):
        raise DataError(
            where,
            f"{path} holds no structured names",
            "what save_parameters wrote",
            "load it into the network it came from and call save_parameters",
        )
    kept = {name: value for name, value in loaded.items() if not name.startswith(f"{head}.")}
    wanted = {name for name in params if not name.startswith(f"{head}.")}
    wrong = sorted(wanted ^ set(kept)) or [name for name in wanted if not _agrees(params[name].shape, kept[name].shape)]
    if wrong:
        raise DataError(
            where,
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


def _download(where: str, network: str) -> Path:
    try:
        return Path(gluoncv.model_zoo.model_store.get_model_file(network, tag=True))
    except (OSError, ValueError, RuntimeError) as error:
        raise MachineError(
            where,
            f"weights=hub could not be had ({error})",
            "a network that reaches GluonCV's bucket",
            "pass --set model.weights=FILE with a file you have",
        ) from None


def _freeze(zoo: Any, head: str) -> None:
    for name, param in zoo._collect_params_with_prefix().items():
        if not name.startswith(f"{head}."):
            param.grad_req = "null"

    def hold(block: Any) -> None:
        if isinstance(block, mx.gluon.nn.BatchNorm):
            block._kwargs["use_global_stats"] = True

    zoo.apply(hold)
