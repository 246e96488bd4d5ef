"""Artefacts whose files were altered and sealed again, as a stranger can."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref import catalog, documents
from gluon_ref.answering import open_subject
from gluon_ref.artefacts import FORMAT, MANIFEST
from gluon_ref.backend import mx
from gluon_ref.errors import AlteredError, DataError
from gluon_ref.exporting import export
from gluon_ref.inspection import inspect
from gluon_ref.records import Field, Source

SYMBOL, PARAMS = "model-symbol.json", "model-0000.params"


@pytest.fixture(scope="module")
def whole(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of the fixture `run`, exported; tests must not change it."""
    return export(run, "symbol", tmp_path_factory.mktemp("whole") / "iris").folder


@pytest.fixture
def artefact(whole: Path, tmp_path: Path) -> Path:
    """One that may be changed."""
    return Path(shutil.copytree(whole, tmp_path / "iris"))


def seal(artefact: Path, **changes: Any) -> None:
    """Alter the manifest, and have it vouch for the files as they are."""
    document = documents.read(artefact / MANIFEST, FORMAT)
    document["files"] = {name: documents.checksum(artefact / name) for name in document["files"]}
    documents.write(artefact / MANIFEST, {**document, **changes})


FIELDS = [
    (["data"], "TypeError("),
    ([{"shape": [4], "dtype": "float32"}], "KeyError('name')"),
    ([{"name": "data", "shape": 4, "dtype": "float32"}], "TypeError(\"'int' object is not iterable"),
    ([{"name": "data", "shape": ["4"], "dtype": "float32"}], "ValueError(\"field 'data'\")"),
    ([{"name": "data", "shape": [4], "dtype": "object"}], "ValueError(\"field 'data'\")"),
    ([{"name": 1, "shape": [4], "dtype": "float32"}], "ValueError('field 1')"),
    ({"name": "data"}, "TypeError('fields is no list')"),
]


@pytest.mark.parametrize(("fields", "given"), FIELDS)
def test_fields_that_are_none_are_refused(artefact: Path, fields: Any, given: str) -> None:
    seal(artefact, fields=fields)
    for read in (open_subject, inspect):
        with pytest.raises(AlteredError) as caught:
            read(artefact)
        assert str(caught.value).startswith(f"{artefact / MANIFEST}: not a manifest ({given}")


MANIFESTS = [
    ({"outputs": "scores"}, "TypeError('outputs are no names')"),
    ({"outputs": [1]}, "TypeError('outputs are no names')"),
    ({"facts": []}, "TypeError('facts without a recipe')"),
    ({"recipe": None}, "TypeError('facts without a recipe')"),
]


@pytest.mark.parametrize(("changes", "given"), MANIFESTS)
def test_a_manifest_with_entries_of_another_kind_is_refused(
    artefact: Path, changes: dict[str, Any], given: str
) -> None:
    seal(artefact, **changes)
    for read in (open_subject, inspect):
        with pytest.raises(AlteredError) as caught:
            read(artefact)
        assert str(caught.value).startswith(f"{artefact / MANIFEST}: not a manifest ({given}")


def test_an_artefact_of_the_first_format_still_answers(artefact: Path, run: Path) -> None:
    document = documents.read(artefact / MANIFEST, FORMAT)
    old = {key: value for key, value in document.items() if key not in ("outputs", "options", "written")}
    documents.write(artefact / MANIFEST, {**old, "format": 1})
    row = np.array([[5.1, 3.5, 1.4, 0.2]], dtype=np.float32)
    np.testing.assert_array_equal(open_subject(artefact).answer(row)[0], open_subject(run).answer(row)[0])


def test_inputs_of_the_first_format_are_counted(tmp_path: Path) -> None:
    symbol = mx.sym.broadcast_add(mx.sym.var("data0"), mx.sym.var("data1")) * mx.sym.var("weight")
    source = Source(symbol, {"weight": mx.nd.ones((1, 2))}, (), (Field("output", (2,)),), {})
    catalog.find("exporters", "symbol").write(source, tmp_path)
    fields = [Field("tokens", (2,)), Field("length", (2,))]
    answer = catalog.find("exporters", "symbol").open(tmp_path, fields)
    ones = np.ones((1, 2), dtype=np.float32)
    np.testing.assert_array_equal(answer(ones, 2 * ones)[0], 3 * ones)


def test_a_file_elsewhere_is_refused(artefact: Path) -> None:
    name = f"../iris/{PARAMS}"
    seal(artefact, files={name: documents.checksum(artefact / PARAMS)})
    with pytest.raises(AlteredError, match=rf"manifest.json: a file '{name}'; expected names of files beside it"):
        inspect(artefact)


def test_facts_that_do_not_fit_are_refused(artefact: Path) -> None:
    facts = documents.read(artefact / MANIFEST, FORMAT)["facts"]
    seal(artefact, facts={**facts, "shape": [1]})
    for read in (open_subject, inspect):
        with pytest.raises(AlteredError, match=r"rows of 1 numbers from columns that give 4"):
            read(artefact)


def test_parameters_that_would_end_the_process_are_refused(artefact: Path) -> None:
    content = (artefact / PARAMS).read_bytes()
    axes = 24 + 8  # after the list's header, magic and storage type
    (artefact / PARAMS).write_bytes(content[:axes] + b"\xff" * 4 + content[axes + 4 :])
    seal(artefact)
    with pytest.raises(DataError, match=rf"{PARAMS}: not a whole file of arrays \(an array of -1 axes\)"):
        open_subject(artefact)


def alter(artefact: Path, kind: str, **changes: Any) -> None:
    """Change the first node of an operator."""
    graph = json.loads((artefact / SYMBOL).read_text())
    next(one for one in graph["nodes"] if one["op"] == kind).update(changes)
    (artefact / SYMBOL).write_text(json.dumps(graph))
    seal(artefact)


def test_an_operator_that_runs_what_it_points_at_is_refused(artefact: Path) -> None:
    alter(artefact, "Activation", op="_Native", attrs={"info": "0xdeadbeef"})
    with pytest.raises(DataError, match=rf"{SYMBOL}: not a symbol file \(.+ is a _Native, which no network"):
        open_subject(artefact)


def test_parameters_of_another_graph_are_refused(artefact: Path) -> None:
    alter(artefact, "null", name="other")
    with pytest.raises(DataError, match=rf"{PARAMS}: .+; expected parameters of the graph beside them; restore both"):
        open_subject(artefact)


def test_a_graph_that_cannot_answer_says_so(artefact: Path) -> None:
    alter(artefact, "FullyConnected", attrs={"num_hidden": "7", "no_bias": "False", "flatten": "True"})
    subject = open_subject(artefact)
    with pytest.raises(DataError, match=rf"{PARAMS}: .+; expected parameters of the graph beside them; restore both"):
        subject.answer(np.ones((2, 4), dtype=np.float32))
