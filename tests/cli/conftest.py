"""Commands called in process, in an empty working folder, and a few small runs to call them on."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from gluon_ref_cli.main import main

from gluon_ref import recipe as recipes
from gluon_ref import runs
from gluon_ref.exporting import export
from gluon_ref.training import train
from tests.conftest import SMALL

Call = Callable[..., Result]
# click 8.1 mixes both outputs unless told not to; 8.2 never does.
APART = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
TEXTS = "text,label\n" + "".join(f"{'gut schön' if at % 2 else 'bad 悪い'} {at},{at % 2}\n" for at in range(20))
TABLE = "x,y,label\n" + "".join(f"{at},{at * 2 % 7},{'ab'[at % 2]}\n" for at in range(20))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call() -> Call:
    """gluonref with some arguments: exit_code, stdout, stderr."""

    def call(*arguments: object, input: str | bytes | None = None) -> Result:
        result = CliRunner(**APART).invoke(main, [str(one) for one in arguments], input=input)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


def make(folder: Path, *changes: tuple[str, object]) -> Path:
    train(recipes.read("mlp").change([("train.epochs", 1), ("train.batch_size", 16), *changes]), folder)
    return folder


@pytest.fixture(scope="session")
def image_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that reads grey 8x8 images; tests must not change it."""
    folder = tmp_path_factory.mktemp("runs") / "digits"
    return make(folder, ("model.units", "8"), ("train.batch_size", 256))


@pytest.fixture(scope="session")
def text_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that reads texts; tests must not change it."""
    folder = tmp_path_factory.mktemp("texts é")
    (folder / "texts.csv").write_text(TEXTS, encoding="utf-8")
    data = [("data.name", "text_table"), ("data.path", str(folder / "texts.csv"))]
    return make(folder / "run", *data, ("model.name", "lstm"), ("model.units", 3), ("model.embedding", 5))


@pytest.fixture(scope="session")
def artefact(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of the fixture `run`, exported; tests must not change it."""
    return export(run, "symbol", tmp_path_factory.mktemp("artefacts") / "iris").folder


@pytest.fixture
def unfinished(here: Path) -> Path:
    """A run of one's own that may be changed: 1 of 3 epochs are done."""
    folder = here / "unfinished"
    train(recipes.read("mlp").change([*SMALL, ("train.epochs", 1)]), folder)
    run = runs.load(folder)
    runs.amend(run, run.recipe.change([("train.epochs", 3)]))
    return folder
