"""Inspection of runs, artefacts and anyone's symbol files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gluon_ref.errors import AlteredError, DataError, PathError
from gluon_ref.exporting import export
from gluon_ref.inspection import inspect


def test_a_run_tells_its_recipe_scores_and_parameters(run: Path) -> None:
    found = inspect(run)
    assert (found["kind"], found["model"], found["data"], found["epochs"]) == ("run", "mlp", "iris", 2)
    # 4 x 16 + 16, 16 x 3 + 3, and mean and deviation of four features.
    assert found["parameters"] == 64 + 16 + 48 + 3 + 8
    assert found["arrays"]["head.dense.weight"] == [3, 16]


def test_an_artefact_tells_its_inputs_and_proof(run: Path, tmp_path: Path) -> None:
    found = inspect(export(run, "symbol", tmp_path / "symbol").folder)
    assert (found["kind"], found["exporter"], found["labels"]) == ("artefact", "symbol", 3)
    assert found["fields"] == [{"name": "data", "shape": [4], "dtype": "float32", "batch": 0}]
    assert found["verified"]["tolerance"] == 1e-5


def test_a_symbol_file_tells_its_operators_without_running(run: Path, tmp_path: Path) -> None:
    found = inspect(export(run, "symbol", tmp_path / "symbol").folder / "model-symbol.json")
    assert found["kind"] == "symbol"
    assert found["operators"]["FullyConnected"] == 2
    assert "data" in found["arguments"]


def test_what_is_none_of_these_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PathError, match=r"no such folder or file"):
        inspect(tmp_path / "nowhere")
    with pytest.raises(PathError, match=r"neither a run, an artefact nor a file"):
        inspect(tmp_path)
    (tmp_path / "x.json").write_text('{"nodes": 3}')
    with pytest.raises(DataError, match=r"x.json: not a symbol file"):
        inspect(tmp_path / "x.json")


def test_a_file_that_the_state_tells_of_and_is_gone_is_said(run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(run, tmp_path / "run"))
    (folder / "trainer-0.states").unlink()
    with pytest.raises(AlteredError, match=r"trainer-0.states: missing; expected the file as the run wrote it"):
        inspect(folder)
