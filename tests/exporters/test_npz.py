from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref import documents, graphs
from gluon_ref.backend import mx
from gluon_ref.errors import AlteredError, DataError, RecipeError
from gluon_ref.exporters import npz
from gluon_ref.records import Field, Source

BFLOAT16 = np.dtype([("bfloat16", np.uint16)])
ORDER = 1e-6  # an executor, which fuses operators, adds float32 numbers in another order
FIELDS = (Field("data", (2, 4, 5)),)
NAMES = {
    "conv_weight": "features.0.weight",
    "conv_bias": "features.0.bias",
    "norm_gamma": "features.1.gamma",
    "norm_beta": "features.1.beta",
    "norm_moving_mean": "features.1.running_mean",
    "norm_moving_var": "features.1.running_var",
    "dense_weight": "head.weight",
    "dense_bias": "head.bias",
}


def network(fix_gamma: bool = False) -> Any:
    x = mx.sym.Convolution(mx.sym.var("data"), kernel=(3, 2), num_filter=3, name="conv")
    x = mx.sym.BatchNorm(x, fix_gamma=fix_gamma, name="norm")
    return mx.sym.FullyConnected(x, num_hidden=7, name="dense")


def source(symbol: Any, fields: tuple[Field, ...] = FIELDS, structure: Mapping[str, str] = NAMES) -> Source:
    """A network with random arrays, positive ones, as a variance has to be."""
    shapes = symbol.infer_shape(
        **{field.name: (2, *field.shape) for field in fields if field.name in symbol.list_inputs()}
    )
    names = [*zip(symbol.list_arguments(), shapes[0]), *zip(symbol.list_auxiliary_states(), shapes[2])]
    known = {
        name: mx.nd.random.uniform(0.5, 2, shape) for name, shape in names if name not in {one.name for one in fields}
    }
    results = tuple(Field(f"out{at}", shape[1:]) for at, shape in enumerate(shapes[1]))
    return Source(symbol, known, fields, results, structure, True, {"task": "classify", "labels": '["a"]'})


def written(folder: Path, given: Source | None = None) -> Source:
    given = given or source(network())
    npz.write(given, folder)
    return given


def described(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "weights.json").read_text())
    return found


def answers(given: Source, *inputs: np.ndarray) -> list[np.ndarray]:
    """What the network itself answers."""
    pairs = [(field.name, one) for field, one in zip(given.inputs, inputs) if field.name in given.symbol.list_inputs()]
    known = {**given.arrays, **{name: mx.nd.array(one, dtype=one.dtype) for name, one in pairs}}
    args = {name: known[name].copy() for name in given.symbol.list_arguments()}
    states = {name: known[name].copy() for name in given.symbol.list_auxiliary_states()}
    return [one.asnumpy() for one in given.symbol.bind(mx.cpu(), args, aux_states=states).forward(is_train=False)]


def test_numpy_reads_the_arrays_under_the_names_of_the_structure(tmp_path: Path) -> None:
    given = written(tmp_path)
    with np.load(tmp_path / "weights.npz", allow_pickle=False) as found:
        assert sorted(found.files) == sorted(NAMES.values())
        for argument, name in NAMES.items():
            assert found[name].dtype == np.float32
            np.testing.assert_array_equal(found[name], given.arrays[argument].asnumpy())


def test_the_description_tells_of_each_array(tmp_path: Path) -> None:
    assert npz.write(source(network()), tmp_path) == {"arrays": 8, "numbers": 36 + 3 + 4 * 3 + 7 * 24 + 7}
    told = described(tmp_path)
    first = next(one for one in told["arrays"] if one["name"] == "features.0.weight")
    (use,) = first.pop("uses")
    assert first == {
        "name": "features.0.weight",
        "shape": [3, 2, 3, 2],
        "dtype": "float32",
        "argument": "conv_weight",
    }
    assert (use["operator"], use["role"], use["options"]["kernel"]) == ("Convolution", "weight", "(3, 2)")
    assert use["axes"] == ["out", "in / groups", "height", "width"]
    assert (told["format"], told["classes"], told["about"]) == (1, True, {"task": "classify", "labels": '["a"]'})
    for key, expected in (("inputs", FIELDS), ("outputs", (Field("out0", (7,)),))):
        assert [Field(**{**one, "shape": tuple(one["shape"])}) for one in told[key]] == list(expected)


def test_nothing_of_the_network_is_lost(tmp_path: Path) -> None:
    given = written(tmp_path)
    again = graphs.parse("x", json.dumps(described(tmp_path)["graph"]))
    assert again == graphs.parse("x", given.symbol.tojson())
    assert graphs.symbol(again).list_inputs() == given.symbol.list_inputs()


def test_a_person_reads_a_line_for_each_array_and_node(tmp_path: Path) -> None:
    written(tmp_path)
    lines = (tmp_path / "weights.json").read_text().splitlines()
    told = described(tmp_path)
    for one in (*told["arrays"], *told["graph"]["nodes"], *told["inputs"]):
        assert sum(line.strip().rstrip(",") == json.dumps(one) for line in lines) == 1
    assert max(len(line) for line in lines) < 500


@pytest.mark.parametrize("batch", [1, 3])
def test_it_answers_as_the_network(tmp_path: Path, batch: int) -> None:
    given = written(tmp_path)
    data = np.random.normal(size=(batch, 2, 4, 5)).astype(np.float32)
    (answer,) = npz.open(tmp_path, FIELDS)(data)
    np.testing.assert_allclose(answer, answers(given, data)[0], rtol=ORDER)
    assert answer.shape == (batch, 7)


def test_an_array_under_another_name_is_noticed(tmp_path: Path) -> None:
    """What the reopened artefact proves: two arrays of a shape, exchanged, answer otherwise."""
    given = written(tmp_path)
    data = np.ones((1, 2, 4, 5), np.float32)
    exchange(tmp_path, "features.1.beta", "features.1.running_mean")
    assert np.abs(npz.open(tmp_path, FIELDS)(data)[0] - answers(given, data)[0]).max() > 0.01


def exchange(folder: Path, first: str, second: str) -> None:
    with np.load(folder / "weights.npz") as found:
        arrays = dict(found)
    arrays[first], arrays[second] = arrays[second], arrays[first]
    np.savez(folder / "weights.npz", **arrays)


def test_a_gamma_that_counts_as_ones_is_written_as_ones(tmp_path: Path) -> None:
    given = written(tmp_path, source(network(fix_gamma=True)))
    told = {one["name"]: one.get("note", "") for one in described(tmp_path)["arrays"]}
    assert [name for name, note in told.items() if note] == ["features.1.gamma"]
    assert told["features.1.gamma"].startswith("fix_gamma: the network takes ones here")
    with np.load(tmp_path / "weights.npz") as found:
        assert found["features.1.gamma"].tolist() == [1, 1, 1]
    data = np.ones((1, 2, 4, 5), np.float32)
    np.testing.assert_allclose(npz.open(tmp_path, FIELDS)(data)[0], answers(given, data)[0], rtol=ORDER)


def test_a_gamma_that_is_also_read_elsewhere_stays(tmp_path: Path) -> None:
    data, gamma = mx.sym.var("data"), mx.sym.var("gamma", shape=(2,))
    norm = mx.sym.BatchNorm(data, gamma, fix_gamma=True, name="norm")
    given = written(tmp_path, source(mx.sym.broadcast_mul(norm, gamma.reshape((1, 2, 1, 1))), structure={}))
    with np.load(tmp_path / "weights.npz") as found:
        np.testing.assert_array_equal(found["gamma"], given.arrays["gamma"].asnumpy())
        assert found["gamma"].tolist() != [1, 1]


def test_the_same_network_gives_the_same_bytes(tmp_path: Path) -> None:
    given = source(network())
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        npz.write(given, tmp_path / name)
    for name in ("weights.npz", "weights.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    with zipfile.ZipFile(tmp_path / "a" / "weights.npz") as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}  # not when it was written


@pytest.mark.parametrize("dtype", ["float64", "float16", "uint8", "int8", "int32", "int64", "bool", "bfloat16"])
def test_every_dtype_comes_back(tmp_path: Path, dtype: str) -> None:
    kind = BFLOAT16 if dtype == "bfloat16" else np.dtype(dtype)
    weight = mx.nd.array([[0, 1, 3]]).astype(kind)
    own = mx.sym.var("w", dtype=kind)
    symbol = mx.sym.broadcast_add(mx.sym.Cast(own, dtype="float32"), mx.sym.var("data"))
    given = Source(
        mx.sym.Group([symbol, mx.sym.Reshape(own, shape=(1, 3))]),
        {"w": weight},
        (Field("data", (3,)),),
        (Field("out", (3,)),),
        {"w": "w"},
    )
    npz.write(given, tmp_path)
    expected = weight.astype("float32").asnumpy()
    with np.load(tmp_path / "weights.npz", allow_pickle=False) as found:
        assert found["w"].dtype == np.dtype("float32" if dtype == "bfloat16" else dtype)
        np.testing.assert_array_equal(found["w"].astype(np.float32), expected)
    answer, own = npz.open(tmp_path, given.inputs)(np.full((2, 3), 0.5, np.float32))
    assert own.dtype == kind
    np.testing.assert_array_equal(answer, np.repeat(expected, 2, axis=0) + 0.5)
    assert ("network_dtype" in described(tmp_path)["arrays"][0]) == (dtype == "bfloat16")


def test_inputs_that_the_graph_does_without_and_several_outputs(tmp_path: Path) -> None:
    parts = mx.sym.SliceChannel(mx.sym.var("tokens"), num_outputs=2, name="halves")
    symbol = mx.sym.Group([mx.sym.FullyConnected(parts[1], num_hidden=3, name="dense"), parts[0]])
    fields = (Field("length", (), "int32"), Field("tokens", (4,)))
    given = written(tmp_path, source(symbol, fields, {}))
    inputs = np.array([3], np.int32), np.arange(4, dtype=np.float32)[None]
    found = npz.open(tmp_path, fields)(*inputs)
    assert [one.tolist() for one in found] == [one.tolist() for one in answers(given, *inputs)]
    assert found[1].tolist() == [[0, 1]]


@pytest.mark.parametrize("names", [("x", "x"), ("x", "x.npy"), ("x.npy", "x")])
def test_names_that_numpy_cannot_tell_apart_are_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    structure = {**NAMES, "conv_bias": names[0], "dense_bias": names[1]}
    with pytest.raises(DataError) as caught:
        npz.write(source(network(), structure=structure), tmp_path)
    assert str(caught.value) == (
        f"format npz: two arrays called {names[1]}; expected a name for each; rename one in the network"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["file", "a/b", "../up", "ä", "arr_0", "x.npy"])
def test_odd_names_are_kept(tmp_path: Path, name: str) -> None:
    written(tmp_path, source(network(), structure={**NAMES, "conv_bias": name}))
    with np.load(tmp_path / "weights.npz", allow_pickle=False) as found:
        assert found[name].shape == (3,)
    npz.open(tmp_path, FIELDS)


def amend(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the description and seal it again, as someone who means it would."""
    document = documents.read(folder / "weights.json", 1)
    change(document)
    documents.write(folder / "weights.json", document)


def test_a_changed_description_is_refused(tmp_path: Path) -> None:
    written(tmp_path)
    path = tmp_path / "weights.json"
    path.write_text(path.read_text().replace("features.1.beta", "features.1.gamma"))
    with pytest.raises(AlteredError, match=r"weights.json: its checksum differs from the one it ends with"):
        npz.open(tmp_path, FIELDS)
    path.write_text("{")
    with pytest.raises(AlteredError, match=r"not readable as JSON .+ expected weights.json as the export wrote it"):
        npz.open(tmp_path, FIELDS)
    path.unlink()
    with pytest.raises(AlteredError, match="No such file"):
        npz.open(tmp_path, FIELDS)


def test_a_description_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    written(tmp_path)
    amend(tmp_path, lambda told: told.update(format=2))
    with pytest.raises(RecipeError, match=r"weights.json: format 2; expected format 1 or older"):
        npz.open(tmp_path, FIELDS)


ENTRY: dict[str, Any] = {"name": "features.0.bias", "shape": [3], "dtype": "float32", "argument": "conv_bias"}
WRONG: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no arrays": (lambda told: told.pop("arrays"), "no list of arrays; expected the file as the export wrote it"),
    "arrays of another type": (lambda told: told.update(arrays={"a": 1}), "no list of arrays"),
    "an entry of another type": (lambda told: told["arrays"].append(3), "an array described as 3; expected name, "),
    "no shape": (lambda told: told["arrays"][1].pop("shape"), "an array described as {'name': 'features"),
    "a shape below 1": (lambda told: told["arrays"][1].update(shape=[0]), "an array described as"),
    "a shape of text": (lambda told: told["arrays"][1].update(shape=["3"]), "an array described as"),
    "a shape of nothing": (lambda told: told["arrays"][1].update(shape=[]), "an array described as"),
    "a shape of many axes": (lambda told: told["arrays"][1].update(shape=[1] * 33), "an array described as"),
    "objects": (lambda told: told["arrays"][1].update(dtype="object"), "an array described as"),
    "a dtype of another type": (lambda told: told["arrays"][1].update(dtype=["f4"]), "an array described as"),
    "no argument": (lambda told: told["arrays"][1].update(argument=None), "an array described as"),
    "an unknown dtype": (lambda told: told["arrays"][1].update(network_dtype="int8"), "an array described as"),
    "an argument twice": (lambda told: told["arrays"].append(told["arrays"][0]), "two arrays of one argument"),
    "an array less": (lambda told: told["arrays"].pop(), "no array for norm_moving_var; expected one for each"),
    "an array more": (lambda told: told["arrays"].append({**ENTRY, "argument": "x", "name": "x"}), "other arrays than"),
    "another name": (lambda told: told["arrays"][1].update(name="x"), "other arrays than described"),
    "a larger shape": (
        lambda told: told["arrays"][1].update(shape=[2**31 - 1]),
        "features.0.bias takes 140 bytes; exp",
    ),
    "another dtype": (lambda told: told["arrays"][1].update(dtype="int32"), "features.0.bias has another header; exp"),
    "no graph": (lambda told: told.pop("graph"), "not a symbol file (TypeError"),
    "a callback": (lambda told: told["graph"]["nodes"][-1].update(op="Custom"), "dense is a Custom, which no network"),
    "a loop of edges": (lambda told: told["graph"]["nodes"][-1].update(inputs=[[99, 0, 0]]), "an edge from output 0"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_description_that_does_not_fit_is_refused(tmp_path: Path, what: str) -> None:
    written(tmp_path)
    change, message = WRONG[what]
    amend(tmp_path, change)
    with pytest.raises(DataError) as caught:
        npz.open(tmp_path, FIELDS)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path}/weights.")


def repacked(content: bytes, **changes: Any) -> bytes:
    """The .npz with other arrays, or packed otherwise."""
    found = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(found, "w", changes.get("how", 0)) as fresh:
        for name in old.namelist():
            fresh.writestr(
                name, changes.get(name.removesuffix(".npy").rpartition(".")[2], lambda one: one)(old.read(name))
            )
    return found.getvalue()


CONTENTS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda content: b"", "not readable (File is not a zip file)"),
    "cut": (lambda content: content[: len(content) // 2], "not readable (File is not a zip file)"),
    "a pickle": (lambda content: b"\x80\x04K\x01.", "not readable (File is not a zip file)"),
    "flipped": (lambda content: content[:400] + bytes([content[400] ^ 1]) + content[401:], "not readable (Bad CRC-32"),
    "compressed": (lambda content: repacked(content, how=zipfile.ZIP_DEFLATED), "features.0.weight takes 272 bytes"),
    "shorter": (lambda content: repacked(content, beta=lambda one: one[:-4]), "features.1.beta takes 136 bytes"),
    "turned": (
        lambda content: repacked(content, beta=lambda one: one.replace(b"False", b"True ")),
        "features.1.beta has another header; expected 3 float32",
    ),
    "objects": (
        lambda content: repacked(content, beta=lambda one: one.replace(b"<f4", b"|O8")),
        "features.1.beta has another header",
    ),
}


@pytest.mark.parametrize("what", CONTENTS)
def test_arrays_that_are_not_what_was_written_are_refused(tmp_path: Path, what: str) -> None:
    written(tmp_path)
    change, message = CONTENTS[what]
    path = tmp_path / "weights.npz"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError) as caught:
        npz.open(tmp_path, FIELDS)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert str(caught.value).endswith("; restore both files from a copy, or export again")


def test_missing_arrays_are_named(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "weights.npz").unlink()
    with pytest.raises(DataError, match=r"weights.npz: not readable \(.+No such file"):
        npz.open(tmp_path, FIELDS)


@pytest.mark.parametrize("shape", [(1, 3, 4, 5), (2, 4)])
def test_inputs_that_do_not_fit_are_an_error_of_ours(tmp_path: Path, shape: tuple[int, ...]) -> None:
    written(tmp_path)
    with pytest.raises(
        DataError, match=r"weights.json: .+; expected arrays that fit the graph, and the declared inputs"
    ):
        npz.open(tmp_path, FIELDS)(np.ones(shape, np.float32))
