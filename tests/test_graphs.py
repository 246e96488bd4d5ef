from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref import graphs
from gluon_ref.backend import mx
from gluon_ref.errors import DataError, PathError

Change = Callable[[dict[str, Any]], object]


def network() -> Any:
    """Half of the input's columns through a dense layer with three units."""
    parts = mx.sym.SliceChannel(mx.sym.var("data"), num_outputs=2, name="halves")
    return mx.sym.Activation(mx.sym.FullyConnected(parts[1], num_hidden=3, name="dense"), act_type="relu", name="act")


DOCUMENT = json.loads(network().tojson())


def node(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in document["nodes"] if one["name"] == name)


def write(folder: Path, change: Change = lambda document: None) -> Path:
    document = copy.deepcopy(DOCUMENT)
    change(document)
    (folder / "net.json").write_text(json.dumps(document), encoding="utf-8")
    return folder / "net.json"


def test_a_graph_answers_as_the_one_that_was_written(tmp_path: Path) -> None:
    values = {
        "data": mx.nd.arange(8).reshape((2, 4)),
        "dense_weight": mx.nd.arange(6).reshape((3, 2)),
        "dense_bias": mx.nd.ones((3,)),
    }
    expected, given = (
        one.eval(ctx=mx.cpu(), **values)[0].asnumpy() for one in (network(), graphs.load(write(tmp_path)))
    )
    np.testing.assert_array_equal(given, expected)
    assert expected.tolist() == [[4, 14, 24], [8, 34, 60]]


def test_a_graph_is_read_from_text_as_from_a_file(tmp_path: Path) -> None:
    path = write(tmp_path)
    assert graphs.parse(str(path), path.read_text()) == graphs.read(path)
    with pytest.raises(DataError, match=r"here: not a symbol file \(KeyError: 'nodes'\)"):
        graphs.parse("here", "{}")


ROLES = {
    ("BatchNorm", ()): ("data", "gamma", "beta", "moving_mean", "moving_var"),
    ("Convolution", (("kernel", "(3,)"), ("num_filter", "2"), ("no_bias", "True"))): ("data", "weight"),
    ("RNN", (("mode", "gru"), ("state_size", "2"), ("num_layers", "1"))): ("data", "parameters", "state"),
    ("broadcast_sub", ()): ("lhs", "rhs"),
    ("Concat", (("num_args", "2"),)): ("arg0", "arg1"),
}


@pytest.mark.parametrize(("op", "options"), ROLES)
def test_an_operator_has_names_for_its_inputs(op: str, options: tuple[tuple[str, str], ...]) -> None:
    assert graphs.roles(graphs.Node(op, "step_step_x", (), options)) == ROLES[op, options]


def test_a_graph_is_told_of_without_mxnet(tmp_path: Path) -> None:
    graph = graphs.read(write(tmp_path))
    assert graph.arguments == ["data", "dense_weight", "dense_bias"]
    assert [one.op for one in graph.nodes if one.op != graphs.VARIABLE] == [
        "SliceChannel",
        "FullyConnected",
        "Activation",
    ]
    assert (graph.heads, graph.version) == (((5, 0),), 10901)
    assert graph.nodes[1].options == (("num_outputs", "2"),)


def test_steps_of_one_name_are_told_apart(tmp_path: Path) -> None:
    data = mx.sym.var("data")
    net = mx.sym.Group([mx.sym.SliceChannel(data, num_outputs=2, name="x")[1], mx.sym.relu(data, name="x")])
    net.save(str(tmp_path / "net.json"))
    assert graphs.load(tmp_path / "net.json").list_outputs() == ["x_output1", "x_output"]


def test_options_of_older_releases_are_read(tmp_path: Path) -> None:
    def older(document: dict[str, Any]) -> None:
        for one in document["nodes"]:
            one["attr"] = one.pop("attrs", {})

    assert graphs.load(write(tmp_path, older)).list_outputs() == ["act_output"]


def edge(name: str, *inputs: object) -> Change:
    return lambda document: node(document, name).update(inputs=list(inputs))


def options(name: str, op: str = "Activation", **attrs: object) -> Change:
    return lambda document: node(document, name).update(op=op, attrs=attrs)


REFUSED: list[tuple[Change, str]] = [
    # Each of these ends the process in MXNet, or makes it run for ever.
    (edge("act", [4, 99, 0]), "output 99 of dense, which has 1"),
    (edge("dense", [1, 2, 0], [2, 0, 0], [3, 0, 0]), "output 2 of halves, which has 2"),
    (lambda document: document.update(heads=[[5, 1, 0]]), "output 1 of act, which has 1"),
    (edge("dense", [1, 4000000000, 0]), "ValueError: an edge from output 4000000000 of node 1, where 4 stand before"),
    (edge("act"), "0 inputs of act, which has 1"),
    (edge("dense", [1, 0, 0], [2, 0, 0]), "2 inputs of dense, which has 3"),
    (options("act", "SequenceMask", use_sequence_length="True"), "1 inputs of act, which has 2"),
    (options("act", "_Native", info="0xdeadbeef"), "act is a _Native, which no network that was written to a file has"),
    (options("act", "_NDArray", info="0x1"), "act is a _NDArray, which no network that was written to a file has"),
    (options("halves", "SliceChannel", num_outputs="2000000000"), "halves has num_outputs=2000000000"),
    (lambda document: node(document, "act").update(subgraphs=[DOCUMENT]), "ValueError: act holds a graph of its own"),
    # These are refused before MXNet has to.
    (options("act", "_backward_Activation"), "act is a _backward_Activation, which no network that was written to a"),
    (options("act", "Custom", op_type="x"), "act is a Custom, which no network that was written to a file has"),
    (options("halves", "SliceChannel", num_outputs="-1"), "halves has num_outputs=-1"),
    (edge("dense", [5, 0, 0]), "ValueError: an edge from output 0 of node 5, where 4 stand before"),
    (edge("dense", [4, 0, 0]), "ValueError: an edge from output 0 of node 4, where 4 stand before"),
    (edge("dense", [-1, 0, 0]), "ValueError: an edge from output 0 of node -1, where 4 stand before"),
    (edge("dense", [True, 0, 0]), "ValueError: an edge from output 0 of node True, where 4 stand before"),
    (edge("data", [0, 0, 0]), "ValueError: an edge from output 0 of node 0, where 0 stand before"),
    (edge("dense_weight", [0, 0, 0]), "ValueError: dense_weight is an argument and has inputs"),
    (lambda document: node(document, "dense_bias").update(name="dense_weight"), "two arguments called dense_weight"),
    (
        lambda document: node(document, "act").update(name="\udc80"),
        "ValueError: node 5 has a name or an option that is",
    ),
    (
        lambda document: node(document, "act").update(attrs={"act_type": 1}),
        "ValueError: node 5 has a name or an option",
    ),
    (lambda document: document.update(heads=[]), "6 nodes, 0 results, written by MXNet 10901"),
    (
        lambda document: document.update(attrs={"mxnet_version": ["int", "x"]}),
        "6 nodes, 1 results, written by MXNet 'x'",
    ),
    (lambda document: document.pop("nodes"), "KeyError: 'nodes'"),
    # And these by MXNet.
    (edge("act", [4, 0, 0], [4, 0, 0]), "(2 vs. 1)"),
    (options("act", "Nonsense"), "Nonsense"),
]


@pytest.mark.parametrize(("change", "given"), REFUSED)
def test_a_graph_that_would_do_harm_is_refused(tmp_path: Path, change: Change, given: str) -> None:
    path = write(tmp_path, change)
    with pytest.raises(DataError) as caught:
        graphs.load(path)
    assert str(caught.value).startswith(f"{path}: not a symbol file (")
    assert given in caught.value.given
    assert str(caught.value).endswith("; expected NET-symbol.json as MXNet writes it; check the path, or export again")


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"nodes": [1], "heads": []}'])
def test_a_file_that_is_no_graph_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net.json").write_bytes(content)
    with pytest.raises(DataError, match=r"net.json: not a symbol file \(\w+Error: .+"):
        graphs.read(tmp_path / "net.json")


def test_a_huge_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "LARGEST_BYTES", 100)
    with pytest.raises(DataError, match=r"more than 100 bytes"):
        graphs.read(write(tmp_path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PathError, match=r"none.json: cannot be read \(No such file or directory\)"):
        graphs.load(tmp_path / "none.json")


def test_mxnet_gets_what_was_checked_not_the_file(tmp_path: Path) -> None:
    """Of a key that stands twice Python takes the last, MXNet's own reader both."""
    path = write(tmp_path)
    twice = path.read_text().replace('"heads"', '"heads": [[0, 99, 0]], "heads"', 1)
    path.write_text(twice)
    assert graphs.load(path).list_outputs() == ["act_output"]


def test_options_of_both_kinds_are_read(tmp_path: Path) -> None:
    step = {"op": "FullyConnected", "name": "dense", "param": {"num_hidden": "3"}, "attr": {"ctx_group": "one"}}
    nodes = [{"op": "null", "name": "data", "inputs": []}, {**step, "inputs": [[0, 0]]}]
    path = tmp_path / "net-symbol.json"
    path.write_text(json.dumps({"nodes": nodes, "heads": [[1, 0]]}))
    assert dict(graphs.read(path).nodes[1].options) == {"num_hidden": "3", "ctx_group": "one"}


def test_names_of_any_letters_reach_mxnet() -> None:
    symbol = graphs.symbol(graphs.parse("it", mx.sym.negative(mx.sym.var("größe"), name="否").tojson()))
    assert symbol.list_arguments() == ["größe"]


def test_a_part_is_what_its_results_need(tmp_path: Path) -> None:
    graph = graphs.read(write(tmp_path))
    at = {node.name: place for place, node in enumerate(graph.nodes)}
    part = graph.ending([(at["halves"], 1), (at["dense"], 0)])
    assert [one.name for one in part.nodes] == ["data", "halves", "dense_weight", "dense_bias", "dense"]
    symbol = graphs.symbol(part)
    assert symbol.list_outputs() == ["halves_output1", "dense_output"]
    assert graphs.symbol(graph.ending(graph.heads)).list_inputs() == network().list_inputs()
    values = {"data": mx.nd.arange(8).reshape((2, 4))}
    (half,) = graphs.symbol(graph.ending([(at["halves"], 1)])).eval(ctx=mx.cpu(), **values)
    np.testing.assert_array_equal(half.asnumpy(), [[2, 3], [6, 7]])
