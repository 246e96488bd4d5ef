"""A table of numbers, categories and gaps goes through every command, and all of them read it alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Call

HEADER = "id,age,port,size,kind"
SMALL = ["--epochs", 3, "--batch-size", 8, "--set", "model.units=8"]
OPTIONS = ["--set", "data.ignore=id", "--set", "data.label=kind"]


def line(at: int) -> str:
    """A row: sizes and ports tell the kind, every fifth age is missing, and so is every seventh port."""
    age = "" if at % 5 == 0 else 20 + at
    port = "NA" if at % 7 == 0 else ("Ö,1", "C")[at % 2]
    return f'id{at},{age},"{port}",{at % 2 + at / 100},{"ab"[at % 2]}'


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def table(here: Path) -> Path:
    return write(here / "all.csv", *map(line, range(40)))


def test_train_evaluate_predict_and_export_agree(call: Call, here: Path, table: Path) -> None:
    trained = call("train", "mlp", "--data", f"table:{table}", *OPTIONS, *SMALL, "--out", "run")
    assert (trained.exit_code, "warning" in trained.stderr) == (0, False), trained.stderr
    facts = json.loads((here / "run" / "facts.json").read_text(encoding="utf-8"))
    assert facts["columns"] == ["age", "port", "size"]
    assert (facts["categories"], facts["gaps"], facts["shape"]) == ([[], ["", "C", "Ö,1"], []], ["age"], [6])
    exported = call("export", "run", "--format", "symbol", "--out", "artefact")
    assert exported.exit_code == 0, exported.stderr

    rows = [line(at) for at in (5, 6, 7, 12)] + ['idx,3,"Q",0.5,b']
    other = write(here / "other.csv", *rows)
    asked = ',"C",1.05', '3,"Q",0.5'
    told = "categories that training has not: port 'Q' (1 rows); such cells count as none\n"
    found = {}
    for subject in ("run", "artefact"):
        measured = call("evaluate", subject, "--data", f"table:{other}", "--json")
        assert measured.stderr == f"warning: {other}: {told}"
        answered = call("predict", subject, other, *asked, "--json")
        assert answered.stderr == f"warning: predict: {told.replace('(1 rows)', '(2 rows)')}"
        found[subject] = json.loads(measured.stdout), json.loads(answered.stdout)["predictions"]
    assert found["run"] == found["artefact"]
    figures, answers = found["run"]
    assert figures["samples"] == 5
    labels = [row[-1] for row in rows]
    right = [answer["label"] == label for answer, label in zip(answers, labels)]
    assert figures["accuracy"] == pytest.approx(sum(right) / 5)
    # A typed row without its age is the file's row of id5, and Q is the file's last.
    assert answers[5]["probabilities"] == pytest.approx(answers[0]["probabilities"], abs=1e-6)
    assert answers[6]["probabilities"] == pytest.approx(answers[4]["probabilities"], abs=1e-6)


def test_a_text_in_a_column_of_numbers_is_refused_by_evaluate_and_predict_alike(
    call: Call, here: Path, table: Path
) -> None:
    call("train", "mlp", "--data", f"table:{table}", *OPTIONS, *SMALL, "--out", "run")
    other = write(here / "other.csv", 'x,old,"C",1,a')
    for done in (call("evaluate", "run", "--data", f"table:{other}"), call("predict", "run", other)):
        assert done.exit_code == 1
        assert "other.csv, line 2: age = 'old'; expected a number, or nothing, as in training" in done.stderr
    nothing = call("predict", "run", "1,C,")
    assert (nothing.exit_code, nothing.stdout) == (1, "")
    assert "size = ''; expected a number, as training has none missing in this column" in nothing.stderr


def test_a_value_is_learned_from_numbers_categories_and_gaps(call: Call, here: Path) -> None:
    # y is 3x and 10 more for port C, and 20 where x is missing: a linear model must find it.
    lines = []
    for at in range(120):
        x, port = (at * 7 % 40) / 10, "CS"[at % 2]
        y = (20 if at % 6 == 0 else 3 * x) + 10 * (port == "C")
        lines.append(f"{'' if at % 6 == 0 else x},{port},{y}")
    (here / "a.csv").write_text("\n".join(["x,port,y", *lines]) + "\n", encoding="utf-8")
    options = ["task.name=regress", "data.target=value", "model.units=", "model.dropout=0", "optimizer.weight_decay=0"]
    settings = [word for option in options for word in ("--set", option)]
    size = ["--epochs", 60, "--batch-size", 16, "--lr", 0.05]
    done = call("train", "mlp", "--data", "table:a.csv", *settings, *size, "--out", "run")
    assert done.exit_code == 0, done.stderr
    answers = json.loads(call("predict", "run", "2,C", "2,S", ",C", ",S", "--json").stdout)["predictions"]
    assert [one["value"] for one in answers] == pytest.approx([16, 6, 30, 20], abs=0.1)
