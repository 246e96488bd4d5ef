"""gluonref inspect: a run, an artefact and a symbol file, in words or as one JSON object."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Call


def look(call: Call, path: Path) -> dict:
    result = call("inspect", path, "--json")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.count("\n") == 1
    return json.loads(result.stdout)


def test_a_run_is_told_with_its_parameters(call: Call, run: Path) -> None:
    found = look(call, run)
    assert (found["kind"], found["model"], found["data"], found["labels"]) == ("run", "mlp", "iris", 3)
    assert found["epochs"] == 2
    # 4 means and 4 deviations; 4 to 16 and 16 to 3, with biases
    assert found["parameters"] == 4 + 4 + 4 * 16 + 16 + 16 * 3 + 3


def test_an_artefact_is_told_with_its_verification(call: Call, artefact: Path) -> None:
    found = look(call, artefact)
    assert (found["kind"], found["exporter"], found["labels"]) == ("artefact", "symbol", 3)
    assert [row["case"] for row in found["verified"]["comparisons"]][-1] == "held out"


def test_a_symbol_file_is_told_by_its_operators(call: Call, artefact: Path) -> None:
    found = look(call, artefact / "model-symbol.json")
    assert found["kind"] == "symbol"
    assert found["operators"]["FullyConnected"] == 2
    assert "data" in found["arguments"]


def test_a_long_list_is_cut_in_words_but_not_in_json(call: Call, tmp_path: Path) -> None:
    names = [f"a{number}" for number in range(15)]
    nodes = [{"op": "null", "name": name, "inputs": []} for name in names]
    nodes.append(
        {"op": "add_n", "name": "sum", "attrs": {"num_args": "15"}, "inputs": [[at, 0, 0] for at in range(15)]}
    )
    document = {"nodes": nodes, "arg_nodes": list(range(15)), "heads": [[15, 0, 0]]}
    (tmp_path / "net-symbol.json").write_text(json.dumps(document))
    assert look(call, tmp_path / "net-symbol.json")["arguments"] == names
    (line,) = [one for one in call("inspect", tmp_path / "net-symbol.json").stdout.splitlines() if "arguments" in one]
    assert line.endswith("a10, a11 and 3 more (--json names all)")


@pytest.mark.parametrize("fixture", ["run", "artefact", "image_run", "text_run"])
def test_words_are_printed_without_json(call: Call, request: pytest.FixtureRequest, fixture: str) -> None:
    result = call("inspect", request.getfixturevalue(fixture))
    assert result.exit_code == 0
    assert result.stdout.startswith("kind          ")


def test_a_run_without_a_checkpoint_is_told(call: Call, unfinished: Path) -> None:
    (unfinished / "state.json").unlink()
    assert look(call, unfinished)["epochs"] == 0
