"""The code of docs/weights.md does what the page says: it is taken from there and run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref import catalog
from gluon_ref.backend import mx
from gluon_ref.exporters import npz
from gluon_ref.exports.sources import from_net
from gluon_ref.layers import settle
from gluon_ref.loop import answering
from gluon_ref.records import Facts, Field, Source
from tests.conftest import IMAGE, TEXT, VECTOR

PAGE = Path(__file__).parents[2] / "docs" / "weights.md"
BLOCKS = re.findall(r"^```python\n(.+?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
(LISTED,) = re.findall(
    r"^```\n(standardize.+?)^\.\.\.\n```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
)
LISTING, PARAMS, FUNCTIONS, USE = BLOCKS
CLOSE = {"rtol": 1e-4, "atol": 1e-5}  # float32 sums of two libraries, in another order
OUTPUT = (Field("out", ()),)  # of networks whose outputs nobody asks about


def network(name: str, facts: Facts, folder: Path) -> Any:
    """A model with random weights and statistics, and its weights in the folder."""
    form = catalog.find("inputs", facts.takes)
    net = catalog.find("models", name).build(facts)
    net.initialize(mx.init.Uniform(0.5))
    settle(net, form.fields(facts), mx.cpu())
    for key, param in net._collect_params_with_prefix().items():
        if not key.startswith("standardize"):
            low = 0.5 if key.endswith(("gamma", "running_var")) else -0.3
            param.set_data(mx.nd.random.uniform(low, low + 0.7, param.shape))
    answer = answering(net, mx.cpu())
    cases = [form.collate(form.imagine(facts, size, np.random.RandomState(size)), facts) for size in (1, 3, 5)]
    answers = [(case, answer(*case)[0]) for case in cases]
    npz.write(from_net(net, form.fields(facts), classes=True), folder)
    return answers


def run(code: str, folder: Path) -> str:
    """What a page's code prints where MXNet cannot be imported."""
    blocked = "import sys; sys.modules['mxnet'] = None\n"
    words = [sys.executable, "-c", blocked + code.replace("DIR/", f"{folder}/")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_numpy_alone_lists_the_arrays(tmp_path: Path) -> None:
    network("cnn", IMAGE, tmp_path)
    told = run(LISTING, tmp_path)
    assert told.startswith(LISTED)
    assert told.splitlines()[-1] == "head.dense.bias (3,) FullyConnected bias ['out']"


def test_params_are_read_without_mxnet(tmp_path: Path) -> None:
    mx.nd.save(str(tmp_path / "model-0000.params"), {"arg:x": mx.nd.ones((2,)), "aux:y": mx.nd.zeros((3,))})
    told = run(f"{PARAMS}\nprint({{name: one.tolist() for name, one in weights.items()}})", tmp_path)
    assert told == "{'x': [1.0, 1.0], 'y': [0.0, 0.0, 0.0]}\n"


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """The page's functions."""
    pytest.importorskip("torch")
    names: dict[str, Any] = {}
    exec(compile(FUNCTIONS, str(PAGE), "exec"), names)
    return names


@pytest.mark.parametrize(("name", "facts"), [("mlp", VECTOR), ("mlp", IMAGE), ("cnn", IMAGE), ("lstm", TEXT)])
def test_pytorch_answers_alike_with_the_weights(tmp_path: Path, page: dict[str, Any], name: str, facts: Facts) -> None:
    answers = network(name, facts, tmp_path)
    told, weights = page["read"](tmp_path)
    net = page["LSTM"](told, weights) if name == "lstm" else page[name](weights)
    torch = page["torch"]
    for inputs, expected in answers:
        with torch.inference_mode():
            given = net(*(torch.from_numpy(one) for one in inputs)).numpy()
        np.testing.assert_allclose(given, expected, **CLOSE)
        assert np.abs(expected).max() > 0.1


def test_the_page_ends_with_scores(tmp_path: Path, page: dict[str, Any]) -> None:
    network("cnn", IMAGE, tmp_path)
    names = dict(page)
    exec(USE.replace('"DIR"', repr(str(tmp_path))), names)
    assert names["scores"].shape == (1, 3)


class Wrapped(mx.gluon.HybridBlock):
    """A recurrent layer that starts from zeros and gives its output alone."""

    def __init__(self, layer: Any) -> None:
        super().__init__(prefix="")
        self.layer = layer

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return self.layer(x)


def recurrent(layer: Any, folder: Path, **shapes: Any) -> Any:
    """A layer of Gluon's in the folder; its output for random inputs, and those."""
    layer.initialize(mx.init.Uniform(0.7))
    for param in layer.collect_params().values():
        param.set_data(mx.nd.random.uniform(-0.7, 0.7, param.shape))
    data = mx.nd.random.normal(shape=(7, 2, 5))  # (time, batch, width)
    expected = layer(data).asnumpy()
    net = Wrapped(layer)
    net.hybridize()
    net(data)
    net.export(str(folder / "net"))
    symbol = mx.sym.load(str(folder / "net-symbol.json"))
    known = {param.name: param.data() for param in layer.collect_params().values()}
    structure = {param.name: name for name, param in net._collect_params_with_prefix().items()}
    npz.write(Source(symbol, known, (Field("data", (2, 5)),), OUTPUT, structure), folder)
    return data.asnumpy(), expected


KINDS: Mapping[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "LSTM": ("LSTM", {}, {}),
    "GRU": ("GRU", {}, {}),
    "tanh": ("RNN", {"activation": "tanh"}, {"nonlinearity": "tanh"}),
    "relu": ("RNN", {"activation": "relu"}, {"nonlinearity": "relu"}),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("both", [False, True])
def test_a_recurrent_layer_has_its_gates_in_the_same_order(
    tmp_path: Path, page: dict[str, Any], kind: str, layers: int, both: bool
) -> None:
    name, gluon, other = KINDS[kind]
    layer = getattr(mx.gluon.rnn, name)(3, num_layers=layers, bidirectional=both, input_size=5, prefix="r_", **gluon)
    data, expected = recurrent(layer, tmp_path)
    told, weights = page["read"](tmp_path)
    node = next(one["name"] for one in told["graph"]["nodes"] if one["op"] == "RNN")
    torch = page["torch"]
    net = getattr(torch.nn, name)(5, 3, layers, bidirectional=both, **other)
    with torch.inference_mode():
        given = page["loaded"](net, page["recurrent"](told, weights, node))(torch.from_numpy(data))[0].numpy()
    np.testing.assert_allclose(given, expected, **CLOSE)


def test_a_batch_norm_goes_on_learning_at_the_same_pace(tmp_path: Path, page: dict[str, Any]) -> None:
    norm = mx.gluon.nn.BatchNorm(in_channels=2, prefix="norm_")
    norm.initialize()
    for name, param in norm._collect_params_with_prefix().items():
        param.set_data(mx.nd.random.uniform(0.5, 1.5, param.shape))
        assert name in ("gamma", "beta", "running_mean", "running_var")
    weights = {f"n.{name}": param.data().asnumpy() for name, param in norm._collect_params_with_prefix().items()}
    data = mx.nd.random.normal(3, 2, shape=(4, 2, 3, 5))
    with mx.autograd.record():
        out = norm(data)
    out.backward()
    torch = page["torch"]
    layer = page["batch_norm"]({name: torch.from_numpy(one) for name, one in weights.items()}, "n")
    layer.train()(torch.from_numpy(data.asnumpy()))
    np.testing.assert_allclose(layer.running_mean.numpy(), norm.running_mean.data().asnumpy(), **CLOSE)
    count, before = 4 * 3 * 5, weights["n.running_var"]
    fresh = norm.running_var.data().asnumpy() - 0.9 * before
    np.testing.assert_allclose(layer.running_var.numpy(), 0.9 * before + fresh * count / (count - 1), **CLOSE)


def test_every_key_of_the_description_is_on_the_page(tmp_path: Path) -> None:
    network("lstm", TEXT, tmp_path)
    told = json.loads((tmp_path / "weights.json").read_text(encoding="utf-8"))
    uses = [use for one in told["arrays"] for use in one["uses"]]
    keys = {key for one in (told, *told["arrays"], *uses) for key in one}
    assert keys <= set(re.findall(r"`(\w+)`", PAGE.read_text(encoding="utf-8")))
