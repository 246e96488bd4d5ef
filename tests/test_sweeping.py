"""A sweep runs what is missing, keeps what is there, notes what fails, and never mixes with another."""

from __future__ import annotations

import json
import signal
import warnings
from pathlib import Path
from typing import Any

import pytest

from gluon_ref import documents, runs, sweeping
from gluon_ref import recipe as recipes
from gluon_ref.errors import (
    AlteredError,
    DivergedError,
    FitError,
    Interrupted,
    MachineError,
    OptionError,
    PathError,
    RequestError,
)
from gluon_ref.locking import locked
from gluon_ref.sweeping import sweep
from gluon_ref.sweeps import parts

from .conftest import SMALL

RECIPE = recipes.read("mlp").change([change for change in SMALL if change[0] != "model.units"])
UNITS = [("model.units", "5;3")]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Training that takes no time: a finished run is a marker; gives the names of the runs in order."""
    done: list[str] = []

    def finish(part: parts.Part, metric: str) -> Any:
        assert metric == "accuracy"
        how = "finished before" if part.folder.exists() else ""
        part.folder.mkdir(parents=True, exist_ok=True)
        done.append(part.name + (" again" if how else ""))
        units = len(part.recipe["model"]["units"]) + part.recipe["model"]["units"][0]
        return parts.Outcome(
            part.combination.name,
            part.combination.values,
            str(part.folder),
            part.seed,
            units,
            part.seed,
            1,
            0.5,
            how=how,
        )

    monkeypatch.setattr(parts, "finish", finish)
    return done


def test_every_combination_is_trained_with_every_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = sweep(RECIPE, UNITS, tmp_path / "s", seeds=2)
    names = [f"units={units}/seed-{seed}" for units in (5, 3) for seed in (0, 1)]
    for name in names:
        run = runs.load(tmp_path / "s" / name)
        assert (run.state["epoch"], f"units={run.recipe['model']['units'][0]}/seed-{run.recipe['train']['seed']}") == (
            2, name,
        )  # fmt: skip
    assert (found["sweep"], found["recipe"], found["watch"], found["failed"]) == (
        str(tmp_path / "s"), "mlp", "accuracy", 0,
    )  # fmt: skip
    for one in found["combinations"]:
        best = [runs.load(Path(run["folder"])).state["best"] for run in one["runs"]]
        assert one["best"]["mean"] == pytest.approx(sum(best) / 2)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[:2] for line in lines] == [[f"run {n}/4", name] for n, name in enumerate(names, 1)]
    assert (tmp_path / "s" / "sweep.csv").read_text().count("\n") == 3


def test_a_sweep_without_values_is_one_of_seeds(tmp_path: Path, quick: list[str]) -> None:
    sweep(RECIPE.change([("model.units", "5")]), [], tmp_path / "s", seeds=3)
    assert quick == [f"as-it-is/seed-{seed}" for seed in range(3)]


def test_without_out_the_folder_is_named_after_the_recipe(
    tmp_path: Path, quick: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert sweep(RECIPE, UNITS)["sweep"] == "sweeps/mlp"


def test_the_same_again_trains_nothing_and_more_only_what_is_missing(tmp_path: Path, quick: list[str]) -> None:
    first = sweep(RECIPE, UNITS, tmp_path / "s")
    assert sweep(RECIPE, UNITS, tmp_path / "s") == first
    quick.clear()
    sweep(RECIPE, [("model.units", "3;5;7")], tmp_path / "s", seeds=2)
    assert [name for name in quick if not name.endswith("again")] == [
        "units=3/seed-1", "units=5/seed-1", "units=7/seed-0", "units=7/seed-1",
    ]  # fmt: skip
    assert documents.read(tmp_path / "s" / "sweep.json", 1)["values"] == {"model.units": ["3", "5", "7"]}


def test_finished_combinations_are_not_even_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = sweep(RECIPE, UNITS, tmp_path / "s")
    monkeypatch.setattr(sweeping, "prepare", None)
    assert sweep(RECIPE, UNITS, tmp_path / "s") == first


@pytest.mark.parametrize(
    ("recipe", "settings", "seeds", "words"),
    [
        (RECIPE, [("model.units", "5;4")], 2, r"model.units without 3; expected the sweep that it holds, with more"),
        (RECIPE, UNITS, 1, r"1 seeds, not 2; .*ask as before, or pass another --out"),
        (RECIPE.change([("train.epochs", 7)]), UNITS, 2, r"train.epochs=7, not 2"),
        (RECIPE, [], 2, r"model.units is no longer asked for"),
    ],
)
def test_another_sweep_in_the_same_folder_is_refused(
    tmp_path: Path, quick: list[str], recipe: recipes.Recipe, settings: list[Any], seeds: int, words: str
) -> None:
    sweep(RECIPE, UNITS, tmp_path / "s", seeds=2)
    before = (tmp_path / "s" / "sweep.json").read_bytes()
    quick.clear()
    with pytest.raises(PathError, match=words):
        sweep(recipe, settings, tmp_path / "s", seeds=seeds)
    assert (quick, (tmp_path / "s" / "sweep.json").read_bytes()) == ([], before)


def test_a_folder_with_anything_else_is_refused(tmp_path: Path, quick: list[str]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(PathError, match=r"exists; expected a new or empty folder"):
        sweep(RECIPE, UNITS, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_what_a_kill_leaves_of_the_first_write_is_no_hindrance(tmp_path: Path, quick: list[str]) -> None:
    (tmp_path / "sweep.json.new").write_text("{")
    assert sweep(RECIPE, UNITS, tmp_path)["failed"] == 0


def test_a_damaged_request_is_refused(tmp_path: Path, quick: list[str]) -> None:
    sweep(RECIPE, UNITS, tmp_path)
    text = (tmp_path / "sweep.json").read_text()
    (tmp_path / "sweep.json").write_text(text.replace('"5"', '"9"'))
    with pytest.raises(AlteredError, match=r"sweep.json: its checksum differs"):
        sweep(RECIPE, UNITS, tmp_path)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ([("model.units", "5;0")], OptionError, r"model mlp: units=0; expected 1 or more"),
        ([("model.units", "5;99999999999999999999")], FitError, r"model mlp: cannot be made"),
        ([("model.units", "5"), ("data.name", "iris,names")], FitError, r"mlp with data names: samples are text"),
        ([("model.units", "5"), ("schedule.warmup", "0,1")], OptionError, r"warmup=1.0; expected a share of the run"),
        ([("model.units", "5"), ("optimizer.learning_rate", "1,0")], OptionError, r"learning_rate=0.0; expected above"),
        ([("model.units", "5"), ("train.device", "cpu;tpu")], OptionError, r"device='tpu'; expected cpu"),
        ([("model.units", "5"), ("train.seed", "1")], RequestError, r"pass --seeds 3"),
        (
            [("model.units", "5"), ("data.name", "iris,wine"), ("data.path", ";x")],
            RequestError,
            r"path 'x'; expected no path",
        ),
    ],
)
def test_one_wrong_combination_stops_all_before_the_first_run(
    tmp_path: Path, quick: list[str], settings: list[Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        sweep(RECIPE, settings, tmp_path / "s")
    assert (quick, list(tmp_path.iterdir())) == ([], [])


def test_combinations_that_no_figure_compares_are_refused(
    tmp_path: Path, quick: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sweeping.prepare
    seen: list[str] = []

    def prepare(recipe: recipes.Recipe) -> Any:
        prepared = real(recipe)
        seen.append("x")
        watch = ("accuracy", "max") if len(seen) == 1 else ("mean_squared_error", "min")
        object.__setattr__(prepared.assembly.task, "watch", watch)
        return prepared

    monkeypatch.setattr(sweeping, "prepare", prepare)
    with pytest.raises(
        FitError, match=r"units=5 is told by accuracy \(max\), units=3 is told by mean_squared_error \(min\)"
    ):
        sweep(RECIPE, UNITS, tmp_path / "other")


def test_a_run_that_diverges_is_noted_and_the_next_begins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = RECIPE.change([("model.units", "5"), ("train.epochs", 1)])
    settings = [("optimizer.learning_rate", "1e30,0.01")]
    found = sweep(recipe, settings, tmp_path)
    assert [(one["seeds"], one["failed"]) for one in found["combinations"]] == [(1, 0), (0, 1)]
    assert found["failed"] == 1
    failures = documents.read(tmp_path / "failures.json", 1)["runs"]
    name = "learning_rate=1e+30/seed-0"
    assert list(failures) == [name] and failures[name]["kind"] == "DivergedError"
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"run 1/2  {name}  failed: train: step ") and " is nan; " in first
    assert second.startswith("run 2/2  learning_rate=0.01/seed-0  accuracy ")
    # The same seed would diverge again.
    assert sweep(recipe, settings, tmp_path) == found
    assert f"run 1/2  {name}  failed before: train: step " in capsys.readouterr().err


@pytest.mark.parametrize(("error", "again"), [(MachineError, True), (PathError, True), (DivergedError, False)])
def test_only_what_would_fail_again_is_not_tried_again(
    tmp_path: Path, quick: list[str], monkeypatch: pytest.MonkeyPatch, error: type[MachineError], again: bool
) -> None:
    works = parts.finish

    def fails(part: parts.Part, metric: str) -> Any:
        part.folder.mkdir(parents=True)
        raise error("run", "broken", "whole", "mend it")

    monkeypatch.setattr(parts, "finish", fails)
    assert sweep(RECIPE, UNITS, tmp_path)["failed"] == 2
    monkeypatch.setattr(parts, "finish", works)
    assert sweep(RECIPE, UNITS, tmp_path)["failed"] == (0 if again else 2)
    kept = documents.read(tmp_path / "failures.json", 1)["runs"]
    assert sorted(kept) == ([] if again else ["units=3/seed-0", "units=5/seed-0"])
    for folder in tmp_path.glob("*/seed-0"):
        folder.rmdir()
    assert sweep(RECIPE, UNITS, tmp_path)["failed"] == 0  # taken away, it is a new one


@pytest.mark.parametrize(
    ("stop", "number"),
    [
        (Interrupted(signal.SIGINT, "train: run x", "go on"), signal.SIGINT),
        (Interrupted(signal.SIGTERM, "train: run x", "go on"), signal.SIGTERM),
        (KeyboardInterrupt(), signal.SIGINT),
    ],
)
def test_a_signal_stops_the_whole_sweep_and_the_same_call_goes_on(
    tmp_path: Path, quick: list[str], monkeypatch: pytest.MonkeyPatch, stop: BaseException, number: int
) -> None:
    works = parts.finish

    def stops(part: parts.Part, metric: str) -> Any:
        if part.seed == 1:
            raise stop
        return works(part, metric)

    monkeypatch.setattr(parts, "finish", stops)
    with pytest.raises(
        Interrupted, match=r"sweep .*: stopped by signal .*; the same command goes on from here"
    ) as caught:
        sweep(RECIPE, UNITS, tmp_path, seeds=2)
    assert caught.value.exit_code == 128 + number
    assert quick == ["units=5/seed-0"]
    monkeypatch.setattr(parts, "finish", works)
    sweep(RECIPE, UNITS, tmp_path, seeds=2)
    assert quick[1:] == ["units=5/seed-0 again", "units=5/seed-1", "units=3/seed-0", "units=3/seed-1"]


def test_two_processes_do_not_share_a_sweep(tmp_path: Path, quick: list[str]) -> None:
    with locked(tmp_path), pytest.raises(PathError, match=r"another process is training in it"):
        sweep(RECIPE, UNITS, tmp_path)
    assert quick == []


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("below/a/file", PathError, r"--out .*below/a/file cannot be made \(Not a directory\)"),
        ("sweep.json.new", MachineError, r"cannot be written \(Is a directory\); expected room and the right"),
    ],
)
def test_a_folder_that_cannot_be_written_is_told(
    tmp_path: Path, quick: list[str], name: str, error: type[Exception], words: str
) -> None:
    out = tmp_path / "s"
    if name == "sweep.json.new":
        (out / name).mkdir(parents=True)
    else:
        (tmp_path / "s").write_text("a file")
        out = tmp_path / "s" / name
    with pytest.raises(error, match=words):
        sweep(RECIPE, UNITS, out)
    assert quick == []


def test_what_is_returned_is_json(tmp_path: Path, quick: list[str]) -> None:
    found = sweep(RECIPE, UNITS, tmp_path)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_a_warning_of_mxnet_about_names_used_again_is_left_out_and_others_pass(
    tmp_path: Path, quick: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    works = parts.finish

    def warns(part: parts.Part, metric: str) -> Any:
        warnings.warn("\033[91mNew initializer mxnet.gluon.parameter.Init registered with name x", stacklevel=1)
        warnings.warn("something else", stacklevel=1)
        return works(part, metric)

    monkeypatch.setattr(parts, "finish", warns)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sweep(RECIPE, [("model.units", "5")], tmp_path)
    assert [str(one.message) for one in caught if one.category is UserWarning] == ["something else"]
