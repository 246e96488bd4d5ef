"""What is told of a symbol file without running it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gluon_ref import catalog, graphs
from gluon_ref.backend import mx
from gluon_ref.errors import DataError
from gluon_ref.exports.surveying import survey

from .files import classifier, write


def stranger(folder: Path, *nodes: dict[str, Any], **more: Any) -> Path:
    """A symbol file by hand, its last node the result."""
    document = {"nodes": list(nodes), "heads": [[len(nodes) - 1, 0, 0]], "arg_nodes": [], **more}
    path = folder / "hand-symbol.json"
    path.write_text(json.dumps(document))
    return path


DATA = {"op": "null", "name": "data", "inputs": []}
WEIGHT = {"op": "null", "name": "kernel", "inputs": []}


def test_inputs_labels_outputs_operators_and_sizes_are_told(tmp_path: Path) -> None:
    symbol, params = write(classifier(), tmp_path, data=(1, 3, 6, 7))
    found = survey(symbol)
    assert (found["kind"], found["version"]) == ("symbol", "1.9.1")
    assert (found["inputs"], found["labels"], found["outputs"]) == (["data"], ["softmax_label"], ["softmax"])
    assert found["operators"]["Convolution"] == found["operators"]["SoftmaxOutput"] == 1
    assert found["params"] == params.name
    # 4 filters of 3x3x3 with biases; four arrays of a norm over 4; 80 features to 5 with biases.
    assert found["parameters"] == 4 * 27 + 4 + 4 * 4 + 80 * 5 + 5
    assert found["size_bytes"] == 4 * found["parameters"]
    assert found["arrays"]["dense_weight"] == [5, 80]
    assert found["warnings"] == []


def test_without_params_what_operators_learn_is_no_input(tmp_path: Path) -> None:
    symbol, params = write(classifier(), tmp_path, data=(1, 3, 6, 7))
    params.unlink()
    found = survey(symbol)
    assert found["inputs"] == ["data"]
    assert "parameters" not in found


def test_the_newest_params_are_read(tmp_path: Path) -> None:
    symbol, params = write(classifier(), tmp_path, data=(1, 3, 6, 7))
    params.rename(tmp_path / "net-0007.params")
    (tmp_path / "net-0003.params").write_text("an older one")
    (tmp_path / "net-best.params").write_text("of another name")
    assert survey(symbol)["params"] == "net-0007.params"
    (tmp_path / "net-0007.params").write_text("no arrays")
    with pytest.raises(DataError, match=r"net-0007.params: not a whole file of arrays"):
        survey(symbol)


def test_every_format_can_carry_a_plain_net(tmp_path: Path) -> None:
    symbol, _ = write(classifier(), tmp_path, data=(1, 3, 6, 7))
    assert survey(symbol)["formats"] == dict.fromkeys(catalog.names("exporters"), "can carry it")


def test_an_operator_that_onnx_has_not_is_named_with_its_node(tmp_path: Path) -> None:
    fft = {"op": "_contrib_fft", "name": "spectrum", "inputs": [[0, 0, 0]]}
    found = survey(stranger(tmp_path, DATA, fft))
    assert found["formats"]["symbol"] == "can carry it"
    for name in ("onnx", "onnx-int8", "ort", "bundle"):
        assert found["formats"][name] == "stopped by _contrib_fft (spectrum)"


def test_a_custom_operator_is_warned_of_and_stops_every_format(tmp_path: Path) -> None:
    custom = {"op": "Custom", "name": "mine", "attrs": {"op_type": "evil"}, "inputs": [[0, 0, 0]]}
    found = survey(stranger(tmp_path, DATA, custom))
    assert set(found["formats"].values()) == {"stopped by Custom (mine)"}
    assert found["warnings"][0].startswith("mine is a Custom, which calls code that is not in the file")


def test_an_operator_that_nobody_knows_is_told(tmp_path: Path) -> None:
    found = survey(stranger(tmp_path, DATA, {"op": "Frobnicate", "name": "what", "inputs": [[0, 0, 0]]}))
    assert found["formats"]["symbol"] == "stopped by Frobnicate (what)"
    assert found["warnings"] == ["what is a Frobnicate, which MXNet 1.9.1 does not have"]


def test_a_head_of_a_plugin_is_carried_as_what_it_answers(tmp_path: Path) -> None:
    label = {"op": "null", "name": "label", "inputs": []}
    options = {"input_length": "2", "label_length": "1"}
    head = {"op": "WarpCTC", "name": "ctc", "attrs": options, "inputs": [[0, 0, 0], [1, 0, 0]]}
    found = survey(stranger(tmp_path, DATA, label, head))
    assert (found["inputs"], found["labels"], found["operators"]) == (["data"], ["label"], {"WarpCTC": 1})
    assert found["warnings"] == [
        "ctc is a WarpCTC, which MXNet 1.9.1 does not have; exports have the softmax, which it answers"
    ]
    assert {found["formats"][name] for name in ("symbol", "onnx", "ort", "bundle")} == {"can carry it"}


@pytest.mark.parametrize("key", ["attrs", "attr", "param"])
def test_files_of_all_releases_are_read(key: str, tmp_path: Path) -> None:
    options = {key: {"kernel": "(3,3)", "num_filter": "2", "no_bias": "True"}}
    step = {"op": "Convolution", "name": "conv", "inputs": [[0, 0], [1, 0]], "backward_source_id": -1, **options}
    found = survey(stranger(tmp_path, {**DATA, key: {}}, {**WEIGHT, key: {}}, step))
    assert (found["version"], found["inputs"]) == ("not told (before 0.9)", ["data"])
    assert set(found["formats"].values()) == {"can carry it"}


def test_a_recurrent_layer_has_no_place_among_the_8_bits_of_mxnet(tmp_path: Path) -> None:
    layer = mx.gluon.rnn.LSTM(4, input_size=3, prefix="lstm_")
    layer.initialize()
    layer.hybridize()
    layer(mx.nd.zeros((5, 1, 3)))
    layer.export(str(tmp_path / "net"), epoch=0)
    found = survey(tmp_path / "net-symbol.json")["formats"]
    assert found["int8"] == "stopped by RNN (lstm_rnn0)"
    assert found["onnx-int8"] == "can carry it"


def test_steps_that_are_alike_are_asked_about_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A million of them took two minutes to list, ten seconds so."""
    asked: list[str] = []
    roles = graphs.roles
    monkeypatch.setattr(graphs, "roles", lambda node: asked.append(node.name) or roles(node))
    x = mx.sym.var("data")
    for at in range(5):
        x = mx.sym.FullyConnected(x, num_hidden=3 if at < 3 else 4, name=f"dense{at}")
    x.save(str(tmp_path / "net-symbol.json"))
    assert survey(tmp_path / "net-symbol.json")["inputs"] == ["data"]
    assert asked == ["dense0", "dense3"]
