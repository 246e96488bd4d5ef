"""Export: verified in a fresh process, refused with nothing left behind when it differs, checksummed."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from gluon_ref import documents, exporting
from gluon_ref import recipe as recipes
from gluon_ref.answering import open_subject
from gluon_ref.backend import mx
from gluon_ref.errors import AlteredError, OptionError, PathError, RecipeError, UnknownNameError, VerificationError
from gluon_ref.evaluation import evaluate
from gluon_ref.exporters import symbol
from gluon_ref.exporting import export
from gluon_ref.exports.subjects import Case
from gluon_ref.exports.verifying import RefusedError
from gluon_ref.records import Source
from gluon_ref.training import train

from .contracts.test_data import table


@pytest.fixture
def artefact(run: Path, tmp_path: Path) -> Path:
    return export(run, "symbol", tmp_path / "symbol").folder


def test_an_artefact_is_verified_and_loads_in_plain_mxnet(run: Path, artefact: Path) -> None:
    document = json.loads((artefact / "manifest.json").read_text())
    assert document["verified"]["comparisons"][-1]["case"] == "held out"
    assert document["verified"]["metrics"]["accuracy"]["artefact"] == evaluate(run)["accuracy"]
    assert set(document["files"]) == {path.name for path in artefact.iterdir()} - {"manifest.json"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the file tells no type for its input
        files = (str(artefact / "model-symbol.json"), ["data"], str(artefact / "model-0000.params"))
        net = mx.gluon.SymbolBlock.imports(*files)
    row = np.array([[5.1, 3.5, 1.4, 0.2]], dtype=np.float32)
    np.testing.assert_array_equal(net(mx.nd.array(row)).asnumpy(), open_subject(run).answer(row)[0])


def test_the_default_place_is_beside_the_weights(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    assert export(copy, "symbol").folder == copy / "symbol"
    with pytest.raises(PathError, match=r"symbol exists"):
        export(copy, "symbol")


def test_an_artefact_that_differs_is_refused_and_nothing_is_left(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = symbol.write

    def off_by_a_little(source: Source, folder: Path) -> None:
        write(source, folder)
        path = str(folder / "model-0000.params")
        mx.nd.save(path, {name: array + 0.01 for name, array in mx.nd.load(path).items()})

    monkeypatch.setattr(symbol, "write", off_by_a_little)
    with pytest.raises(VerificationError, match=r"random, batch 1: outputs differ by up to .* --tolerance") as caught:
        export(run, "symbol", tmp_path / "symbol")
    assert isinstance(caught.value, RefusedError)
    assert not caught.value.verdict.rows[0].accepted
    assert list(tmp_path.iterdir()) == []


def test_nan_answers_are_refused(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def reopen(folder: Path, cases: Sequence[Case]) -> list[list[tuple[np.ndarray, ...]]]:
        return [[(one[0] * np.nan,) for one in case.expected] for case in cases]

    monkeypatch.setattr(exporting, "reopen", reopen)
    with pytest.raises(VerificationError, match=r"answers no number where the network does"):
        export(run, "symbol", tmp_path / "symbol")
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_an_empty_folder_is_filled(run: Path, tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "place")
    assert export(run, "symbol", tmp_path / "link").folder == tmp_path / "link"
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "place" / "manifest.json").is_file()


def test_an_artefact_that_does_not_open_is_refused(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = symbol.write

    def truncated(source: Source, folder: Path) -> None:
        write(source, folder)
        (folder / "model-symbol.json").write_text("{")

    monkeypatch.setattr(symbol, "write", truncated)
    with pytest.raises(VerificationError, match=r"a fresh process could not open the artefact"):
        export(run, "symbol", tmp_path / "symbol")
    assert list(tmp_path.iterdir()) == []


def test_without_its_data_a_run_is_compared_on_made_up_inputs(tmp_path: Path) -> None:
    source = Path(table(tmp_path))
    changes = [("data.name", "table"), ("data.path", source), ("model.units", 4), ("train.epochs", 1)]
    train(recipes.read("mlp").change(changes), tmp_path / "run")
    source.unlink()
    result = export(tmp_path / "run", "symbol")
    assert [row.case for row in result.comparisons] == [
        *(f"random, batch {size}" for size in (1, 2, 7)),
        "extreme values",
    ]
    assert "held-out data could not be read" in result.notes[0]


def test_an_altered_artefact_is_refused(artefact: Path) -> None:
    params = artefact / "model-0000.params"
    params.write_bytes(params.read_bytes()[:-1] + b"?")
    with pytest.raises(AlteredError, match=r"model-0000.params: its checksum differs from the manifest's"):
        open_subject(artefact)
    params.unlink()
    with pytest.raises(AlteredError, match=r"model-0000.params: missing"):
        open_subject(artefact)


def test_a_manifest_that_is_none_or_newer_is_refused(artefact: Path) -> None:
    path = artefact / "manifest.json"
    text = path.read_text()
    path.write_text(text.replace('"format": 2', '"format": 3', 1))
    with pytest.raises(RecipeError, match=r"manifest.json: format 3; expected format 2 or older"):
        open_subject(artefact)
    path.write_text("[]")
    with pytest.raises(AlteredError, match=r"manifest.json: not a JSON object; expected a manifest as"):
        open_subject(artefact)
    documents.write(path, {"format": 1})
    with pytest.raises(AlteredError, match=r"manifest.json: not a manifest"):
        open_subject(artefact)


def test_wrong_requests_are_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"format: unknown name 'symbl'.*did you mean symbol"):
        export(run, "symbl", tmp_path / "x")
    with pytest.raises(OptionError, match=r"export: tolerance=-1"):
        export(run, "symbol", tmp_path / "x", tolerance=-1)
    with pytest.raises(PathError, match=r"no such folder"):
        export(tmp_path / "nowhere", "symbol", tmp_path / "x")
    assert list(tmp_path.iterdir()) == []
