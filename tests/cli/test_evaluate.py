"""gluonref evaluate: figures by name, or one JSON object."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import TEXTS, Call


def test_figures_and_confusion_are_printed(call: Call, run: Path) -> None:
    result = call("evaluate", run)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[:6]] == [
        "task",
        "data",
        "samples",
        "accuracy",
        "macro_f1",
        "cross_entropy",
    ]
    assert lines[6] == "confusion           rows are true, columns predicted, in the same order"
    assert [line.split()[0] for line in lines[7:]] == ["setosa", "versicolor", "virginica"]
    counts = [list(map(int, line.split()[1:])) for line in lines[7:]]
    assert [sum(row) for row in counts] == [10, 10, 10]


def test_json_is_one_object_and_nothing_else(call: Call, run: Path) -> None:
    result = call("evaluate", run, "--json")
    assert result.stdout.count("\n") == 1
    figures = json.loads(result.stdout)
    assert (figures["task"], figures["data"], figures["samples"]) == ("classify", "iris", 30)
    assert result.stderr == ""


def test_an_artefact_has_the_figures_of_its_run(call: Call, run: Path, artefact: Path) -> None:
    one, other = (json.loads(call("evaluate", path, "--json").stdout) for path in (run, artefact))
    assert abs(one.pop("cross_entropy") - other.pop("cross_entropy")) < 1e-6  # float32, other order of sums
    assert one == other


def test_all_rows_of_other_texts_are_measured(call: Call, here: Path, text_run: Path) -> None:
    (here / "more.csv").write_text(TEXTS + "neu,1\n", encoding="utf-8")
    result = call("evaluate", text_run, "--data", "text_table:more.csv", "--json")
    assert json.loads(result.stdout)["samples"] == 21
