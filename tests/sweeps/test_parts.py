"""A run of a sweep: what is in its place is kept, gone on with, cleared or refused, and never mixed up."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from gluon_ref import recipe as recipes
from gluon_ref import runs
from gluon_ref.errors import AlteredError, PathError
from gluon_ref.sweeps import grids, parts
from gluon_ref.sweeps.parts import Part, Quiet
from gluon_ref.training import train

from ..conftest import SMALL


def part(folder: Path, *changes: tuple[str, Any]) -> Part:
    recipe = recipes.read("mlp").change([*SMALL, *changes])
    (combination,) = grids.combine(recipe, grids.read(recipe, [("model.units", "5")]))
    return parts.place(folder, combination, 0)


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one finished run of two epochs; tests must not change it."""
    folder = tmp_path_factory.mktemp("sweeps")
    parts.finish(part(folder), "accuracy")
    return folder


@pytest.fixture
def copy(done: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(done, tmp_path / "copy"))


def content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_part_is_a_folder_and_a_seed_of_the_combination(tmp_path: Path) -> None:
    (combination,) = grids.combine(recipes.read("mlp"), {"model.units": ["5"]})
    found = parts.place(tmp_path, combination, 3)
    assert (found.name, found.folder) == ("units=5/seed-3", tmp_path / "units=5" / "seed-3")
    assert (found.recipe["train"]["seed"], found.recipe["model"]["units"]) == (3, (5,))


def test_nothing_there_is_trained(done: Path) -> None:
    run = runs.load(done / "units=5" / "seed-0")
    assert (run.state["epoch"], run.recipe["model"]["units"]) == (2, (5,))


def test_a_finished_run_is_kept_as_it_is(done: Path) -> None:
    before = content(done)
    outcome = parts.finish(part(done), "accuracy")
    assert (outcome.how, outcome.best) == ("finished before", runs.load(part(done).folder).state["best"])
    assert (outcome.combination, outcome.values, outcome.seed) == ("units=5", {"model.units": "5"}, 0)
    assert outcome.last == runs.load(part(done).folder).state["scores"]["accuracy"]
    assert outcome.time_s is not None and 0 < outcome.time_s < 60
    assert content(done) == before


def test_an_interrupted_run_goes_on_to_the_same_weights(done: Path, tmp_path: Path) -> None:
    whole, mine = part(done), part(tmp_path)
    train(part(tmp_path / "other", ("train.epochs", 1)).recipe, mine.folder)
    run = runs.load(mine.folder)
    runs.amend(run, whole.recipe)
    # A schedule of one epoch has trained this one, so only the count can be compared with the whole run.
    outcome = parts.finish(mine, "accuracy")
    assert (outcome.how, runs.load(mine.folder).state["epoch"]) == ("resumed", 2)


@pytest.mark.parametrize(
    "left",
    [
        [],
        ["facts.json.new"],
        ["facts.json"],
        ["facts.json", "run.toml.new"],
        ["facts.json", "run.toml"],
        ["facts.json", "run.toml", "log.jsonl", "weights-last.params.new", "trainer-0.states.new", "state.json.new"],
        ["facts.json", "run.toml", "log.jsonl", "metrics.csv", "params.csv", "tensorboard/events.1"],
    ],
)
def test_a_run_without_a_checkpoint_starts_anew(done: Path, tmp_path: Path, left: list[str]) -> None:
    mine = part(tmp_path)
    mine.folder.mkdir(parents=True)
    for name in left:
        (mine.folder / name).parent.mkdir(exist_ok=True)
        source = part(done).folder / name
        (mine.folder / name).write_bytes(source.read_bytes() if source.exists() else b"half")
    assert parts.held(mine) is None
    assert parts.finish(mine, "accuracy").how == ""
    whole, again = (runs.load(one.folder).file(runs.LAST).read_bytes() for one in (part(done), mine))
    assert whole == again
    assert not list(mine.folder.glob("*.new"))
    assert not (mine.folder / "tensorboard" / "events.1").exists()


@pytest.mark.parametrize("names", [["notes.txt"], ["facts.json", "run.toml", "notes.txt"], ["tensorboard/a", "b/c"]])
def test_what_no_run_writes_is_refused_and_stays(done: Path, tmp_path: Path, names: list[str]) -> None:
    mine = part(tmp_path)
    for name in names:
        (mine.folder / name).parent.mkdir(parents=True, exist_ok=True)
        source = part(done).folder / name
        (mine.folder / name).write_bytes(source.read_bytes() if source.exists() else b"mine")
    before = content(tmp_path)
    for function in (parts.held, lambda one: parts.finish(one, "accuracy")):
        with pytest.raises(PathError, match=r"seed-0 exists; expected a new or empty folder; nothing is overwritten"):
            function(mine)
    assert content(tmp_path) == before


def test_a_file_in_a_runs_place_is_refused(tmp_path: Path) -> None:
    mine = part(tmp_path)
    mine.folder.parent.mkdir()
    mine.folder.write_text("mine")
    with pytest.raises(PathError, match=r"seed-0 exists"):
        parts.held(mine)


def test_a_run_of_another_recipe_is_refused(copy: Path) -> None:
    with pytest.raises(PathError, match=r"sweep: .*seed-0: a run with batch_size = 16; expected batch_size = 17; move"):
        parts.held(part(copy, ("train.batch_size", 17)))


def test_a_damaged_run_is_refused(copy: Path) -> None:
    (part(copy).folder / "state.json").write_text("{")
    with pytest.raises(AlteredError, match=r"state.json: not readable as JSON"):
        parts.held(part(copy))


@pytest.mark.parametrize(
    ("epochs", "patience", "state", "over"),
    [
        (3, 0, {"epoch": 2, "best_epoch": 1, "batch": 0}, False),
        (3, 0, {"epoch": 3, "best_epoch": 1, "batch": 0}, True),
        (9, 2, {"epoch": 3, "best_epoch": 1, "batch": 0}, True),
        (9, 3, {"epoch": 3, "best_epoch": 1, "batch": 0}, False),
        # within an epoch, which the run is to finish first
        (9, 2, {"epoch": 3, "best_epoch": 1, "batch": 5}, False),
    ],
)
def test_a_run_is_finished_when_no_epoch_is_left(epochs: int, patience: int, state: dict[str, int], over: bool) -> None:
    recipe = recipes.read("mlp").change([("train.epochs", epochs), ("train.patience", patience)]).check()
    assert parts.finished(runs.Run(Path("run"), recipe, None, state)) is over  # type: ignore[arg-type]


def test_a_failed_run_keeps_its_error() -> None:
    (combination,) = grids.combine(recipes.read("mlp"), {})
    outcome = parts.failed(parts.place(Path("s"), combination, 1), "loss is nan", "failed")
    assert (outcome.error, outcome.how, outcome.best, outcome.folder) == (
        "loss is nan", "failed", None, "s/as-it-is/seed-1",
    )  # fmt: skip


def test_the_lines_of_epochs_are_left_out_and_others_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    quiet = Quiet(stream)
    assert not quiet.isatty()
    print("epoch 1/2  loss 3", "warning: slow", sep="\n", end="\nepo", file=quiet)
    print("ch 2/2", file=quiet)
    assert stream.getvalue() == "warning: slow\n"
    error = sys.stderr
    parts.finish(part(tmp_path), "accuracy")
    assert capsys.readouterr().err == ""
    assert sys.stderr is error
