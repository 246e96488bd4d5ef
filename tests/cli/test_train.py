"""gluonref train: a run folder, its summary on stdout and its progress on stderr; odd but valid input works."""

from __future__ import annotations

from pathlib import Path

import pytest

from gluon_ref import runs

from .conftest import TABLE, TEXTS, Call

SMALL = ["train", "mlp", "--data", "iris", "--set", "model.units=16", "--epochs", "2", "--batch-size", "16"]
WHOLE = ["facts.json", "log.jsonl", "run.toml", "state.json", "trainer-0.states"]
WHOLE += ["weights-best.params", "weights-last.params"]


def test_a_run_is_written_and_its_next_commands_are_named(call: Call, here: Path) -> None:
    result = call(*SMALL)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "run         runs/mlp"
    assert lines[1].startswith("epochs      2, the best was ")
    assert lines[2].startswith("held out    accuracy 0.")
    assert [line[12:] for line in lines[3:]] == [
        "gluonref evaluate runs/mlp",
        "gluonref predict runs/mlp INPUT...",
        "gluonref export runs/mlp --format onnx",
    ]
    assert [line.split()[1] for line in result.stderr.splitlines()] == ["1/2", "2/2"]
    assert sorted(path.name for path in (here / "runs" / "mlp").iterdir()) == WHOLE


@pytest.mark.parametrize(
    "options",
    [
        "--no-hybridize",
        "--device cpu:2",
        "--device cpu:7 --batch-size 3",
        "--batch-size 9999 --epochs 3",
        "--set model.units=",
        "--set train.clip_norm=1",
        "--set optimizer.name=ADAM",
        "--set schedule.name=constant",
        "--lr 0.01 --seed 5 --kvstore local",
    ],
)
def test_each_option_trains(call: Call, here: Path, options: str) -> None:
    result = call(*SMALL, *options.split(), "--out", "new")
    assert result.exit_code == 0, result.stderr
    assert sorted(path.name for path in (here / "new").iterdir()) == WHOLE


def test_an_option_and_its_long_form_together_are_refused(call: Call, here: Path) -> None:
    result = call(*SMALL, "--set", "train.epochs=3", "--out", "new")
    assert result.exit_code == 2
    assert "--set train.epochs=3 and --epochs say the same; give one of them" in result.stderr
    assert not (here / "new").exists()


def test_a_batch_of_one_sample_trains(call: Call, here: Path) -> None:
    (here / "table.csv").write_text(TABLE)
    assert call(*SMALL, "--data", "table:table.csv", "--batch-size", "1", "--set", "model.units=2").exit_code == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("bom.csv", "\ufeff" + TABLE),
        ("windows.csv", TABLE.replace("\n", "\r\n")),
        ("quoted.csv", TABLE.replace(",a", ',"a, or so"')),
        ("tab.tsv", TABLE.replace(",", "\t")),
        ("größe und maß.csv", TABLE.replace("label", "größe")),
    ],
)
def test_tables_in_many_forms_are_read(call: Call, here: Path, name: str, text: str) -> None:
    (here / name).write_bytes(text.encode())
    result = call(*SMALL, "--data", f"table:{name}", "--out", "ein lauf ü")
    assert result.exit_code == 0, result.stderr
    assert runs.load(here / "ein lauf ü").facts.columns == ("x", "y")


def test_texts_in_any_script_are_read(call: Call, here: Path) -> None:
    (here / "texts.csv").write_text(TEXTS, encoding="utf-8")
    options = ["--set", "model.name=lstm", "--set", "model.units=3"]
    call(*SMALL[:2], "--data", "text_table:texts.csv", "--epochs", "2", *options, "--out", "new")
    assert {"schön", "悪い"} <= set(runs.load(here / "new").facts.vocab)


def test_a_recipe_with_a_byte_order_mark_and_windows_lines_is_read(call: Call, here: Path) -> None:
    text = '[task]\nname = "classify"\n[model]\nname = "mlp"\n[data]\nname = "iris"\n[train]\nepochs = 1\n'
    (here / "my own ü.toml").write_bytes(("\ufeff" + text.replace("\n", "\r\n")).encode())
    result = call("train", "my own ü.toml")
    assert result.exit_code == 0, result.stderr
    assert (here / "runs" / "my own ü" / "state.json").is_file()


def test_a_runs_own_recipe_gives_the_same_weights_again(call: Call, here: Path, run: Path) -> None:
    assert call("train", run / "run.toml", "--out", "again").exit_code == 0
    assert call("train", run, "--out", "once more").exit_code == 0
    for name in ("again", "once more"):
        assert (here / name / runs.BEST).read_bytes() == (run / runs.BEST).read_bytes()


def test_an_unfinished_run_goes_on(call: Call, unfinished: Path) -> None:
    result = call("train", "--resume", unfinished)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[0] == f"run         {unfinished}"
    assert runs.load(unfinished).state["epoch"] == 3


def test_an_empty_folder_is_a_new_one(call: Call, here: Path) -> None:
    (here / "empty").mkdir()
    assert call(*SMALL, "--out", "empty").exit_code == 0


def test_a_model_on_the_path_trains_and_answers(call: Call, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "own_pkg").mkdir()
    (here / "own_pkg" / "net.py").write_text(
        "from gluon_ref.models import mlp\n"
        "from gluon_ref.models.mlp import GIVES, TAKES\n"
        "def build(facts, *, width: int = 4):\n"
        "    return mlp.build(facts, units=(width,))\n"
    )
    monkeypatch.syspath_prepend(str(here))
    own = ["--set", "model.name=own_pkg.net", "--set", "model.width=5", "--out", "new"]
    assert call("train", "mlp", "--data", "iris", "--epochs", "2", *own).exit_code == 0
    assert call("predict", "new", "5.1,3.5,1.4,0.2").exit_code == 0
