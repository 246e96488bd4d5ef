"""gluonref show: a name with its options, a recipe's text, or samples as files that predict reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from gluon_ref import catalog

from .conftest import TABLE, Call


def test_options_are_shown_as_they_are_typed(call: Call) -> None:
    result = call("show", "model", "mlp")
    assert result.exit_code == 0
    assert result.stdout.startswith("model mlp: Multilayer perceptron")
    assert "    --set model.units=256,128" in result.stdout
    assert "whole numbers separated by commas" in result.stdout


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("data", "table"),
        ("task", "classify"),
        ("format", "symbol"),
        ("input", "text"),
        ("optimizer", "sgd"),
        ("schedule", "step"),
    ],
)
def test_each_kind_is_shown(call: Call, kind: str, name: str) -> None:
    result = call("show", kind, name)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{kind} {name}: ")


@pytest.mark.parametrize("name", catalog.names("recipes"))
def test_a_recipe_is_shown_as_its_text(call: Call, name: str) -> None:
    assert call("show", "recipe", name).stdout == (catalog.PACKAGE / "recipes" / f"{name}.toml").read_text()


def test_a_runs_recipe_is_shown_by_its_folder(call: Call, run: Path) -> None:
    assert call("show", "recipe", run).stdout == (run / "run.toml").read_text()


def test_an_empty_recipe_is_shown(call: Call, here: Path) -> None:
    (here / "empty.toml").write_text("")
    result = call("show", "recipe", "empty.toml")
    assert (result.exit_code, result.stdout) == (0, "")


def test_samples_are_written_as_files_that_predict_reads(call: Call, here: Path, run: Path) -> None:
    result = call("show", "data", "iris", "--samples", "3")
    files = result.stdout.splitlines()
    assert len(files) == 3 and all(file.startswith("iris-samples/000") for file in files)
    assert call("predict", run, *files).exit_code == 0


def test_fewer_samples_are_written_when_there_are_no_more(call: Call, here: Path) -> None:
    (here / "table ü.csv").write_text(TABLE)
    result = call("show", "data", "table:table ü.csv", "--samples", "99", "--out", "s/t")
    assert len(result.stdout.splitlines()) == len(list((here / "s" / "t").iterdir())) == 4
