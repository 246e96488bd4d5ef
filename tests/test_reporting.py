"""Whole reports of real runs: what is in the folder, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from gluon_ref import recipe as recipes
from gluon_ref import reporting
from gluon_ref.errors import AlteredError, DataError, FitError, MachineError, PathError, RequestError
from gluon_ref.evaluation import evaluate
from gluon_ref.reporting import report
from gluon_ref.reports import reviewing
from gluon_ref.reports.publishing import FILES, UNFINISHED
from gluon_ref.training import train

from .conftest import SMALL
from .contracts.test_data import table, texts
from .reports.test_drawing import NOBODYS
from .reports.test_page import check

LABELLED = {"index.html", "report.json", "curves.png", "confusion.png", "calibration.png", "mistakes.png"}


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of few pixels, which are drawn faster."""
    monkeypatch.setattr(reporting.drawing, "DPI", 36)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def own(run: Path, tmp_path: Path) -> Path:
    """A finished run that may be changed."""
    shutil.copytree(run, tmp_path / "own")
    return tmp_path / "own"


def unmeasured(folder: Path) -> Path:
    """Take a run back to before its first checkpoint; its log stays."""
    for path in folder.iterdir():
        if path.name not in ("run.toml", "facts.json", "log.jsonl"):
            path.unlink()
    return folder


def test_a_report_has_a_page_pictures_and_the_numbers_that_evaluate_gives(run: Path, tmp_path: Path) -> None:
    written = report([run], tmp_path / "report")
    assert names(tmp_path / "report") == LABELLED
    assert [path.name for path in written.files] == [name for name in FILES if name in LABELLED]
    numbers = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert numbers == written.numbers
    (told,) = numbers["runs"]
    expected = evaluate(run)
    assert told["metrics"] == {name: expected[name] for name in ("accuracy", "macro_f1", "cross_entropy")}
    assert told["confusion"] == expected["confusion"]
    assert (told["samples"], told["labels"]) == (30, expected["labels"])
    assert (told["epochs"], told["parameters"], len(told["mistakes"])) == (2, 5 * 16 + 17 * 3, 24)
    assert told["history"]["scores"]["accuracy"]["step"] == [8, 16]
    assert sum(told["calibration"]["samples"]) == 30
    check((tmp_path / "report" / "index.html").read_text(encoding="utf-8"))


def test_a_report_of_one_run_stands_in_its_folder(own: Path) -> None:
    assert report([own]).folder == own / "report"
    assert names(own / "report") == LABELLED
    assert evaluate(own)["samples"] == 30  # the run is none the worse


def test_values_have_a_report_too(tmp_path: Path) -> None:
    changes = [("model.units", 4), ("train.epochs", 2)]
    train(recipes.read("diabetes").change(changes), tmp_path / "run")
    report([tmp_path / "run"], tmp_path / "report", worst=5)
    assert names(tmp_path / "report") == {"index.html", "report.json", "curves.png", "values.png", "mistakes.png"}
    found = check((tmp_path / "report" / "index.html").read_text(encoding="utf-8"))
    assert "predicted against true" in found.text and "bmi" in found.text
    assert len(json.loads((tmp_path / "report" / "report.json").read_text())["runs"][0]["mistakes"]) == 5


def test_images_and_texts_are_shown_themselves(tmp_path: Path) -> None:
    train(recipes.read("mlp").change([("model.units", 4), ("train.epochs", 1)]), tmp_path / "images")
    changes = [("data.name", "text_table"), ("data.path", texts(tmp_path)), ("model.units", 3), ("train.epochs", 1)]
    train(recipes.read("lstm").change(changes), tmp_path / "texts")
    report([tmp_path / "images", tmp_path / "texts"], tmp_path / "report")
    found = check((tmp_path / "report" / "index.html").read_text(encoding="utf-8"))
    assert found.tags.count("img") == 24
    assert ("p", "class", "sample") in found.attributes
    assert "the runs were examined on different data" in found.text


def test_what_strangers_write_into_their_data_stays_text(tmp_path: Path) -> None:
    bad, good = "<script>alert('l')</script>", "</style><img src=x>"
    rows = "".join(f'"{bad if at % 2 else good}","<b onclick=1>word</b> {at % 3}"\n' for at in range(30))
    (tmp_path / "<i>texts.csv").write_text("label,text\n" + rows, encoding="utf-8")
    changes = [("data.path", str(tmp_path / "<i>texts.csv")), ("data.name", "text_table"), ("data.least", 1)]
    train(recipes.read("lstm").change([*changes, ("model.units", 3), ("train.epochs", 1)]), tmp_path / "<u>run")
    report([tmp_path / "<u>run"], tmp_path / "report")
    found = check((tmp_path / "report" / "index.html").read_text(encoding="utf-8"))
    assert not {"u", "img"} & set(found.tags)
    for written in (bad, good, "<b onclick=1>word</b>", "<u>run", "<i>texts.csv"):
        assert written in found.text


def test_a_run_without_a_checkpoint_has_curves_only(own: Path, tmp_path: Path) -> None:
    written = report([unmeasured(own)], tmp_path / "report")
    assert names(tmp_path / "report") == {"index.html", "report.json", "curves.png"}
    assert written.numbers["runs"][0]["notes"] == ["no epoch has been finished and measured yet: there are curves only"]


def test_an_interrupted_run_is_reported_as_far_as_it_came(own: Path, tmp_path: Path) -> None:
    with open(own / "log.jsonl", "a", encoding="utf-8") as file:
        file.write(
            '{"event": "step", "epoch": 3, "step": 17, "norm": 0.5, "losses": {"cross_entropy": 0.9}}\n{"event": "st'
        )
    recipe = (own / "run.toml").read_text()
    assert "epochs = 2\n" in recipe
    written = report([own], tmp_path / "report")
    (told,) = written.numbers["runs"]
    assert told["notes"] == ["lines of the log that are cut off or no records, left out: 1"]
    assert told["history"]["others"]["norm"] == {"step": [17.0], "value": [0.5]}


def test_an_unfinished_run_says_how_far_it_came(own: Path, tmp_path: Path) -> None:
    train(recipes.read("mlp").change([*SMALL, ("train.epochs", 2)]), tmp_path / "run")
    log = tmp_path / "run" / "log.jsonl"
    log.write_text(log.read_text().splitlines()[0] + "\n")
    unmeasured(tmp_path / "run")
    (told,) = report([tmp_path / "run"], tmp_path / "report").numbers["runs"]
    assert told["notes"][0] == "not finished: 1 of 2 epochs"


def test_a_run_with_neither_checkpoint_nor_log_is_refused_and_nothing_is_written(own: Path, tmp_path: Path) -> None:
    (unmeasured(own) / "log.jsonl").unlink()
    with pytest.raises(
        PathError, match=r"own: no finished epoch and an empty log; expected a run with anything to show"
    ):
        report([own], tmp_path / "report")
    assert names(tmp_path) == {"own"}


def test_two_runs_stand_side_by_side(run: Path, own: Path, tmp_path: Path) -> None:
    train(recipes.read("mlp").change([*SMALL, ("optimizer.learning_rate", 0.25)]), tmp_path / "fast")
    written = report([run, tmp_path / "fast", unmeasured(own)], tmp_path / "report")
    assert [one["name"] for one in written.numbers["runs"]] == ["iris", "fast", "own"]
    assert written.numbers["differences"] == {"optimizer.learning_rate": ["0.001", "0.25", "0.001"]}
    assert "metrics" not in written.numbers["runs"][2]


def test_pictures_of_several_runs_name_them(
    run: Path, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles: dict[str, list[str]] = {}
    monkeypatch.setattr(
        reporting.drawing,
        "draw_charts",
        lambda _, charts, path, *__: titles.update({path.name: [c.title for c in charts]}),
    )
    report([run, own], tmp_path / "report")
    share, counts = "share of right answers", "samples per bin"
    assert titles["calibration.png"] == [f"{name}: {title}" for name in ("iris", "own") for title in (share, counts)]
    report([run], tmp_path / "report")
    assert titles["calibration.png"] == [share, counts]


def test_runs_with_other_labels_still_share_curves_and_figures(run: Path, tmp_path: Path) -> None:
    train(recipes.read("wine").change([("train.epochs", 1)]), tmp_path / "wine")
    report([run, tmp_path / "wine"], tmp_path / "report")
    found = check((tmp_path / "report" / "index.html").read_text(encoding="utf-8"))
    assert "setosa" in found.text and "class_1" in found.text


def test_runs_of_one_name_are_told_apart_by_their_folders(run: Path, tmp_path: Path) -> None:
    for parent in ("a", "b"):
        shutil.copytree(run, tmp_path / parent / "iris")
    written = report([tmp_path / "a" / "iris", tmp_path / "b" / "iris"], tmp_path / "report")
    assert [one["name"] for one in written.numbers["runs"]] == ["a/iris", "b/iris"]


def test_a_run_given_twice_and_too_many_are_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"iris twice; expected each run once"):
        report([run, f"{run}/"], tmp_path / "report")
    with pytest.raises(RequestError, match=r"report: 9 runs; expected at most 8"):
        report([run] * 9, tmp_path / "report")


def test_other_data_can_be_named(tmp_path: Path) -> None:
    changes = [("data.name", "table"), ("data.path", table(tmp_path)), ("model.units", 4), ("train.epochs", 1)]
    train(recipes.read("mlp").change(changes), tmp_path / "run")
    (tmp_path / "other.csv").write_text("two,note,one,label\n" + "3,x,4,yes\n" * 9 + "1,x,2,no\n", encoding="utf-8")
    (told,) = report([tmp_path / "run"], tmp_path / "report", f"table:{tmp_path / 'other.csv'}").numbers["runs"]
    assert (told["samples"], told["data"]) == (10, f"table:{tmp_path / 'other.csv'}")
    assert "these same held-out samples" not in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    with pytest.raises(FitError, match=r"data iris: "):
        report([tmp_path / "run"], tmp_path / "wrong", "iris")
    assert not (tmp_path / "wrong").exists()


def test_data_that_is_gone_or_damaged_says_how_to_name_other_data(tmp_path: Path) -> None:
    source = Path(table(tmp_path))
    changes = [("data.name", "table"), ("data.path", str(source)), ("model.units", 4), ("train.epochs", 1)]
    train(recipes.read("mlp").change(changes), tmp_path / "run")
    source.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=r"put the data back, or name other data: --data NAME:PATH"):
        report([tmp_path / "run"], tmp_path / "report")
    source.unlink()
    with pytest.raises(
        PathError, match=r"run .*run: data table: .* put the data back, or name other data: --data NAME:PATH"
    ):
        report([tmp_path / "run"], tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PathError, match=r"nowhere: no such folder"):
        report([tmp_path / "nowhere"])
    with pytest.raises(PathError, match=r"no run.toml in it"):
        report([tmp_path])


def test_damaged_weights_are_refused_and_nothing_is_written(own: Path, tmp_path: Path) -> None:
    with open(own / "weights-best.params", "r+b") as file:
        file.seek(60)
        file.write(b"\x01\x02\x03")
    with pytest.raises(AlteredError, match=r"weights-best.params"):
        report([own], tmp_path / "report")
    assert names(tmp_path) == {"own"}


def test_an_earlier_report_is_replaced(run: Path, own: Path, tmp_path: Path) -> None:
    report([run], tmp_path / "report")
    before = (tmp_path / "report" / "index.html").read_bytes()
    report([unmeasured(own)], tmp_path / "report")
    assert names(tmp_path / "report") == {"index.html", "report.json", "curves.png"}
    assert (tmp_path / "report" / "index.html").read_bytes() != before


def test_an_empty_folder_is_filled_and_left_over_work_is_taken_away(run: Path, tmp_path: Path) -> None:
    (tmp_path / "report" / UNFINISHED).mkdir(parents=True)
    (tmp_path / "report" / UNFINISHED / "old.png").write_text("half")
    report([run], tmp_path / "report")
    assert names(tmp_path / "report") == LABELLED


@pytest.mark.parametrize("name", ["mine.txt", "index.html", "report.json"])
def test_any_other_folder_is_left_alone(run: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / name).write_text("precious")
    with pytest.raises(PathError, match=rf"--out: .*mine holds {name}; expected a new or empty folder"):
        report([run], tmp_path / "mine")
    assert (tmp_path / "mine" / name).read_text() == "precious"
    assert names(tmp_path / "mine") == {name}


def test_a_folder_with_a_report_and_something_else_is_left_alone(run: Path, tmp_path: Path) -> None:
    report([run], tmp_path / "report")
    (tmp_path / "report" / "notes.txt").write_text("precious")
    with pytest.raises(PathError, match=r"report holds notes.txt"):
        report([run], tmp_path / "report")


def test_a_file_in_the_place_of_the_folder_is_refused(run: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    with pytest.raises(PathError, match=r"--out: .*file is no folder"):
        report([run], tmp_path / "file")
    with pytest.raises(PathError, match=r"below cannot be written \(Not a directory\)"):
        report([run], tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text() == "precious"


def test_a_folder_that_cannot_be_written_is_told_before_the_work(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(reporting, "review", lambda *_: pytest.fail("began to work"))
    monkeypatch.setattr(Path, "mkdir", refuse)  # root may write anywhere
    with pytest.raises(PathError, match=r"report cannot be written \(Permission denied\); .*; pass another --out"):
        report([run], tmp_path / "report")


@pytest.mark.parametrize("before", [True, False])
def test_a_full_disk_leaves_what_was_there(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    if before:
        report([run], tmp_path / "report")
    kept = {path.name: path.read_bytes() for path in (tmp_path / "report").glob("*")}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(reporting.drawing, "draw_confusions", full)
    with pytest.raises(MachineError, match=r"No space left on device"):
        report([run], tmp_path / "report")
    assert {path.name: path.read_bytes() for path in (tmp_path / "report").glob("*")} == kept
    assert names(tmp_path) == ({"report"} if before else set())


def test_a_new_folder_can_be_entered_as_any_other(run: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    report([run], tmp_path / "deep" / "report")
    assert os.stat(tmp_path / "deep" / "report").st_mode == os.stat(tmp_path / "plain").st_mode


def test_labels_that_no_font_has_are_told(tmp_path: Path) -> None:
    rows = "".join(f"{at},{NOBODYS if at % 2 else 'b'}\n" for at in range(20))
    (tmp_path / "table.csv").write_text("x,label\n" + rows, encoding="utf-8")
    changes = [
        ("data.name", "table"),
        ("data.path", str(tmp_path / "table.csv")),
        ("model.units", 4),
        ("train.epochs", 1),
    ]
    train(recipes.read("mlp").change(changes), tmp_path / "run")
    (note,) = report([tmp_path / "run"], tmp_path / "report").notes
    assert note.startswith(f"no font here has the letters of 1 texts ({NOBODYS})")
    assert NOBODYS in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")


def test_parameters_that_are_not_learned_are_not_counted(tmp_path: Path) -> None:
    changes = [("model.units", 4), ("model.filters", "2"), ("train.epochs", 1), ("train.batch_size", 512)]
    train(recipes.read("cnn").change(changes), tmp_path / "run")
    opened = reviewing.open_run(tmp_path / "run")
    params = opened.assembly.net.collect_params().values()
    learned = sum(int(np.prod(one.shape)) for one in params if one.grad_req != "null")
    assert reviewing._parameters(opened) == learned < sum(int(np.prod(one.shape)) for one in params)
