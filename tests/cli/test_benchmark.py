"""gluonref benchmark: a table, or one JSON object."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import Call

QUICK = ("--batch-size", "2", "--threads", "1", "--seconds", "0.001")


def test_a_row_each_with_its_figures(call: Call, here: Path, artefact: Path) -> None:
    result = call("benchmark", artefact, *QUICK, "--out", "new")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].split()[:3] == ["batch", "threads", "median"]
    assert lines[1].split()[:3] == ["symbol", "2", "1"]
    assert lines[2:] == ["written     new/benchmark.json", "            new/benchmark.png"]
    assert sorted(path.name for path in (here / "new").iterdir()) == ["benchmark.json", "benchmark.png"]


def test_json_is_one_object(call: Call, artefact: Path) -> None:
    result = call("benchmark", artefact, *QUICK, "--json")
    assert [row["label"] for row in json.loads(result.stdout)["rows"]] == ["symbol"]


def test_what_was_asked_wrongly_is_told(call: Call, here: Path, artefact: Path) -> None:
    for arguments, told in (
        (("nowhere",), "nowhere: no such folder"),
        (("",), "nothing given; give a folder"),
        ((artefact, "--batch-size", "0"), "batch-size=0; expected 1 or more"),
    ):
        result = call("benchmark", *arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert told in result.stderr
    assert list(here.iterdir()) == []
