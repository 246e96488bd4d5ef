"""The nets of benchmarks/exports.py: built alike by Gluon and by PyTorch, and served to be timed.

`python benchmarks/_nets.py NET KIND FOLDER INPUTS` opens what the benchmark wrote into FOLDER and answers as
gluon_ref/benches/worker.py does. KIND is imperative, hybridized, static, torch, or a format.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gluon_ref.benches.worker import attend
from gluon_ref.records import Facts, Field

IMAGE = Facts("image", "label", (1, 28, 28), labels=tuple("0123456789"), mean=(72.9,), std=(90.0,))
VECTOR = Facts("vector", "label", (784,), labels=tuple("0123456789"), mean=(72.9,) * 784, std=(90.0,) * 784)
TEXT = Facts("text", "label", (-1,), labels=tuple("0123"), vocab=tuple(map(str, range(10_000))), split="word")
STEPS = 64
# Net -> facts, model, options.
NETS: dict[str, tuple[Facts, str, dict[str, Any]]] = {
    "mlp": (VECTOR, "mlp", {"units": (256, 128), "dropout": 0.0}),
    "cnn": (IMAGE, "cnn", {"filters": (32, 64, 128), "units": 128}),
    "lstm": (TEXT, "lstm", {"embedding": 100, "units": 128, "directions": "forward"}),
}
GLUON = ("imperative", "hybridized", "static")


def inputs(net: str, batch: int) -> tuple[np.ndarray, ...]:
    """Random inputs; texts all of STEPS tokens."""
    facts, random = NETS[net][0], np.random.RandomState(0)
    if facts.takes == "text":
        tokens = random.randint(1, len(facts.vocab), (batch, STEPS)).astype(np.int32)
        return tokens, np.full(batch, STEPS, dtype=np.int32)
    return (random.randint(0, 256, (batch, *facts.shape)).astype(np.float32),)


def build(net: str) -> tuple[Any, tuple[Field, ...]]:
    """The Gluon network, with the same random weights each time, and its inputs."""
    from gluon_ref import catalog
    from gluon_ref.backend import mx
    from gluon_ref.layers import settle

    facts, model, options = NETS[net]
    mx.random.seed(0)
    np.random.seed(0)
    network = catalog.find("models", model).build(facts, **options)
    network.initialize(mx.init.Xavier())
    fields = catalog.find("inputs", facts.takes).fields(facts)
    settle(network, fields, mx.cpu())
    return network, tuple(fields)


def opened(net: str, kind: str, folder: str) -> Callable[..., tuple[np.ndarray, ...]]:
    """A kind of a net as a function of numpy arrays."""
    if kind == "torch":
        return torch_net(net, Path(folder))
    network, fields = build(net)
    if kind not in GLUON:
        module = importlib.import_module(f"gluon_ref.exporters.{kind.replace('-', '_')}")
        answer: Callable[..., tuple[np.ndarray, ...]] = module.open(Path(folder), fields)
        return answer
    from gluon_ref.backend import mx
    from gluon_ref.loop import answering

    if kind != "imperative":
        network.hybridize(static_alloc=kind == "static")
    return answering(network, mx.cpu())


def torch_net(net: str, folder: Path) -> Callable[..., tuple[np.ndarray, ...]]:
    """The same network in PyTorch, eager, with the weights of an npz artefact."""
    import torch
    from torch import nn

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    json.loads((folder / "weights.json").read_text(encoding="utf-8"))  # it is one
    with np.load(folder / "weights.npz", allow_pickle=False) as arrays:
        weights = {name: torch.from_numpy(arrays[name]) for name in arrays.files}

    def dense(name: str) -> Any:
        layer = nn.Linear(*reversed(weights[f"{name}.weight"].shape))
        layer.load_state_dict({"weight": weights[f"{name}.weight"], "bias": weights[f"{name}.bias"]})
        return layer

    def standardize(array: Any) -> Any:
        return (array - weights["standardize.mean"]) / weights["standardize.std"]

    makers = {"mlp": _torch_mlp, "cnn": _torch_cnn, "lstm": _torch_lstm}
    network = makers[net](nn, torch, weights, dense, standardize)

    def answer(*given: np.ndarray) -> tuple[np.ndarray, ...]:
        with torch.inference_mode():
            return (network(*(torch.from_numpy(one) for one in given)).numpy(),)

    return answer


def _torch_mlp(nn: Any, torch: Any, weights: Any, dense: Any, standardize: Any) -> Callable[..., Any]:
    names = sorted({name.rsplit(".", 1)[0] for name in weights if name.startswith("hidden.")})
    body = nn.Sequential(*(layer for name in names for layer in (dense(name), nn.ReLU())), dense("head.dense")).eval()
    return lambda data: body(standardize(data))


def _torch_cnn(nn: Any, torch: Any, weights: Any, dense: Any, standardize: Any) -> Callable[..., Any]:
    layers: list[Any] = []
    places = sorted({int(name.split(".")[1]) for name in weights if name.startswith("features.")})
    for at in places:
        mine = {name.split(".")[2]: one for name, one in weights.items() if name.startswith(f"features.{at}.")}
        if "gamma" in mine:
            norm = nn.BatchNorm2d(len(mine["gamma"]))
            state = {"weight": mine["gamma"], "bias": mine["beta"], "num_batches_tracked": torch.tensor(0)}
            norm.load_state_dict({**state, "running_mean": mine["running_mean"], "running_var": mine["running_var"]})
            layers += [norm, nn.ReLU(), nn.MaxPool2d(2)]
        elif mine["weight"].ndim == 4:
            conv = nn.Conv2d(mine["weight"].shape[1], len(mine["weight"]), 3, padding=1, bias=False)
            conv.load_state_dict({"weight": mine["weight"]})
            layers.append(conv)
        else:
            layers += [nn.Flatten(), dense(f"features.{at}"), nn.ReLU()]
    body = nn.Sequential(*layers, dense("head.dense")).eval()
    return lambda data: body(standardize(data))


def _torch_lstm(nn: Any, torch: Any, weights: Any, dense: Any, standardize: Any) -> Callable[..., Any]:
    width, units = weights["embedding.weight"].shape[1], weights["layer0.forth.h2h_weight"].shape[1]
    embedding = nn.Embedding.from_pretrained(weights["embedding.weight"])
    layer = nn.LSTM(width, units, batch_first=True).eval()
    parts = {"weight_ih": "i2h_weight", "weight_hh": "h2h_weight", "bias_ih": "i2h_bias", "bias_hh": "h2h_bias"}
    layer.load_state_dict({f"{mine}_l0": weights[f"layer0.forth.{theirs}"] for mine, theirs in parts.items()})
    head = dense("head.dense").eval()

    def answer(tokens: Any, length: Any) -> Any:
        states = layer(embedding(tokens))[0]  # (batch, time, units)
        padded = torch.arange(tokens.shape[1]) >= length[:, None]
        return head(states.masked_fill(padded[:, :, None], -1e9).amax(dim=1))

    return answer


if __name__ == "__main__":
    NET, KIND, FOLDER, SOURCE = sys.argv[1:]
    attend(lambda example: opened(NET, KIND, FOLDER), SOURCE)
