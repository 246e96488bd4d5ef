"""Means and sample deviations worked by hand; the best combination first, those with failures last."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from gluon_ref.sweeps.tallies import Outcome, Spread, spread, table, tally


def outcome(name: str, seed: int, best: float, last: float, time_s: float) -> Outcome:
    return Outcome(name, {"model.units": name}, f"s/{name}/seed-{seed}", seed, best, last, 1, time_s)


def failed(name: str, seed: int) -> Outcome:
    return Outcome(name, {"model.units": name}, f"s/{name}/seed-{seed}", seed, error="loss is nan", how="failed")


@pytest.mark.parametrize(
    ("figures", "mean", "deviation"),
    [
        ([], None, None),
        ([0.5], 0.5, None),
        ([1, 3], 2, 2**0.5),  # (1 + 1) / (2 - 1)
        ([2, 4, 4, 6], 4, (8 / 3) ** 0.5),
        ([0.25] * 3, 0.25, 0),
    ],
)
def test_the_spread_is_mean_and_sample_deviation(
    figures: list[float], mean: float | None, deviation: float | None
) -> None:
    assert spread(figures) == Spread(mean, pytest.approx(deviation) if deviation else deviation)


@pytest.mark.parametrize(("order", "names"), [("max", ["5", "7", "3", "2"]), ("min", ["7", "5", "3", "2"])])
def test_the_best_comes_first_and_failures_last(order: str, names: list[str]) -> None:
    outcomes = [outcome("7", 0, 1, 1, 1), outcome("5", 0, 2, 0, 1), failed("2", 0), outcome("3", 0, 9, 9, 1)]
    found = tally([*outcomes, failed("3", 1)], ("accuracy", order))
    assert [one["name"] for one in found["combinations"]] == names
    assert (found["watch"], found["order"], found["failed"]) == ("accuracy", order, 2)


@pytest.fixture
def found() -> dict[str, Any]:
    runs = [
        outcome("7", seed, best, last, time) for seed, best, last, time in ((0, 1, 0, 2), (1, 3, 4, 9), (2, 2, 2, 4))
    ]
    return tally([*runs, failed("5", 0)], ("accuracy", "max"))


def test_a_combination_has_its_figures_and_its_runs(found: dict[str, Any]) -> None:
    first, second = found["combinations"]
    assert (first["values"], first["seeds"], first["failed"]) == ({"model.units": "7"}, 3, 0)
    assert first["best"] == {"mean": 2, "deviation": 1}
    assert first["last"] == {"mean": 2, "deviation": 2}
    assert first["time_s"] == 4
    assert first["runs"][1] == {
        "folder": "s/7/seed-1", "seed": 1, "best": 3, "last": 4, "best_epoch": 1, "time_s": 9, "error": "",
    }  # fmt: skip
    assert (second["seeds"], second["failed"], second["best"], second["time_s"]) == (
        0, 1, {"mean": None, "deviation": None}, None,
    )  # fmt: skip
    assert second["runs"][0]["error"] == "loss is nan"


def test_the_table_has_a_row_for_each_combination(found: dict[str, Any]) -> None:
    rows = list(csv.DictReader(io.StringIO(table(found))))
    assert [row["combination"] for row in rows] == ["7", "5"]
    assert rows[0] == {
        "combination": "7", "model.units": "7", "seeds": "3", "failed": "0", "accuracy_best_mean": "2.0",
        "accuracy_best_deviation": "1.0", "accuracy_last_mean": "2.0", "accuracy_last_deviation": "2.0", "time_s": "4",
    }  # fmt: skip
    assert rows[1]["accuracy_best_mean"] == rows[1]["time_s"] == ""
