"""A model and a data set of one's own, one file each, from outside the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from gluon_ref import catalog
from gluon_ref import recipe as recipes
from gluon_ref.errors import UnknownNameError
from gluon_ref.evaluation import evaluate
from gluon_ref.exporting import export
from gluon_ref.prediction import predict
from gluon_ref.training import train

README = Path(__file__).parents[1] / "README.md"


def blocks(language: str) -> list[str]:
    """The README's code blocks in a language."""
    return [part.split("```")[0] for part in README.read_text(encoding="utf-8").split(f"```{language}\n")[1:]]


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The README's two files, in a package outside of gluon_ref."""
    package = tmp_path / "mine"
    package.mkdir()
    for block in blocks("python"):
        name = block.splitlines()[0].removeprefix("# mine/").strip()
        if name.endswith(".py"):
            (package / name).write_text(block, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return package


def test_the_readmes_model_and_data_set_train_evaluate_predict_and_export(mine: Path, tmp_path: Path) -> None:
    assert sorted(path.name for path in mine.iterdir()) == ["moons.py", "wide.py"]
    recipe = recipes.read("mlp").change(
        [("model.name", "mine.wide"), ("model.units", 32), ("data.name", "mine.moons"), ("train.epochs", 20)]
    )
    finished = train(recipe, tmp_path / "run")
    assert finished.recipe["model"] == {"name": "mine.wide", "units": 32}
    assert evaluate(tmp_path / "run")["accuracy"] > 0.9
    artefact = export(tmp_path / "run", "symbol").folder
    assert evaluate(artefact)["accuracy"] == evaluate(tmp_path / "run")["accuracy"]
    [answer] = predict(artefact, ["0.0,1.0"])
    assert answer["label"] in ("upper", "lower")


@pytest.mark.usefixtures("mine")
def test_its_options_are_checked_like_any_others() -> None:
    with pytest.raises(UnknownNameError, match=r"option model.unit: unknown name 'unit'.*did you mean units"):
        recipes.read("mlp").change([("model.name", "mine.wide"), ("model.unit", 3)]).check()


def test_a_module_that_is_no_plugin_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "harm").mkdir()
    (tmp_path / "harm" / "ful.py").write_text("raise SystemExit('executed')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UnknownNameError, match=r"unknown name 'harm.ful'"):
        catalog.find("models", "harm.ful")
