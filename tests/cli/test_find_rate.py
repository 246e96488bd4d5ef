"""gluonref find-rate: a table, a suggestion and the command that trains by it; nothing is written."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from .conftest import Call

SMALL = ["find-rate", "mlp", "--data", "iris", "--batch-size", "16", "--steps", "60"]


def test_a_table_and_a_suggestion_are_printed_and_nothing_is_written(call: Call, here: Path) -> None:
    result = call(*SMALL)
    assert result.exit_code == 0, result.stderr
    head, *table, suggestion, beside, following = result.stdout.splitlines()
    assert head.split()[:2] == ["rate", "loss"]
    rates = [float(line.split()[0]) for line in table]
    assert len(table) == 20 and rates == sorted(rates) and rates[0] == 1e-6
    assert max(line.count("#") for line in table) == 40
    rate = suggestion.removeprefix("suggestion  ").partition(",")[0]
    assert 1e-3 < float(rate) < 1
    assert beside.startswith("beside it   ") and beside.endswith(", a tenth of where it was lowest")
    assert following == f"next        gluonref train mlp --data iris --batch-size 16 --lr {rate}"
    assert list(here.iterdir()) == []


def test_the_next_command_trains_with_the_same_options(call: Call) -> None:
    options = ["--seed", "3", "--no-hybridize", "--set", "model.units=7,5", "--set", "optimizer.learning_rate=0.5"]
    result = call(*SMALL, *options)
    command = shlex.split(result.stdout.splitlines()[-1].removeprefix("next        gluonref "))
    assert command[:-1] == [
        "train", "mlp", "--data", "iris", "--batch-size", "16", "--seed", "3", "--no-hybridize", "--set",
        "model.units=7,5", "--lr",
    ]  # fmt: skip
    assert call(*command, "--epochs", "1").exit_code == 0


def test_json_is_one_object(call: Call) -> None:
    found = json.loads(call(*SMALL, "--json").stdout)
    assert found["lowest_tenth"] == found["lowest"] / 10
    assert found["rate"] in found["rates"]
    assert len(found["rates"]) == len(found["losses"]) == len(found["smoothed"]) <= 60


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--lr 0.1", "No such option"),
        ("--epochs 3", "No such option"),
        ("--low 0", "low=0, high=10; expected 0 < low < high"),
        ("--low 1 --high 0.1", "low=1, high=0.1; expected 0 < low < high"),
        ("--steps 3", "steps=3; expected 50 or more; pass --steps 200"),
        ("--low 1000 --high 100000", "find-rate: the loss falls at no rate"),
        ("--data irsi", "did you mean iris?"),
        ("--set model.units", "expected SECTION.KEY=VALUE"),
        ("--set train.batch_size=3", "--set train.batch_size=3 and --batch-size say the same"),
    ],
)
def test_a_wrong_request_is_refused(call: Call, here: Path, options: str, words: str) -> None:
    result = call(*SMALL, *options.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert list(here.iterdir()) == []
