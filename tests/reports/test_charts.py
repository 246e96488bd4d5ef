"""Axes of charts: round numbers, ranges that are never empty."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gluon_ref.reports.charts import Chart, Series, log_ticks, spell, spread, ticks


def chart(x: list[float], y: list[float], **options: object) -> Chart:
    return Chart("title", "epoch", (Series("", np.array(x), np.array(y)),), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (1, 15, [5, 10, 15]),
        (-0.5, 0.5, [-0.4, -0.2, 0, 0.2, 0.4]),
        (3200, 4100, [3200, 3400, 3600, 3800, 4000]),
    ],
)
def test_ticks_are_round_numbers_within_the_range(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)


@pytest.mark.parametrize("power", range(-12, 13, 3))
def test_there_are_a_few_ticks_at_any_scale(power: int) -> None:
    for factor in (1, 1.7, 3.3, 9.9):
        found = ticks(0.0, factor * 10.0**power)
        assert 2 <= len(found) <= 7


def test_few_powers_of_ten_are_divided_and_many_thinned() -> None:
    assert [round(10**value, 6) for value in log_ticks(-1.05, 0.35)] == [0.1, 0.2, 0.5, 1, 2]
    assert log_ticks(-3, 1) == [-3, -2, -1, 0, 1]
    assert len(log_ticks(-30, 3)) <= 8


@pytest.mark.parametrize("value", [0.0, 5.0, -3e9, 1e-30])
def test_a_range_of_one_value_is_widened(value: float) -> None:
    low, high = spread(value, value)
    assert low < value < high
    (left, right), (bottom, top) = chart([value], [value]).bounds()
    assert left < right and bottom < top


def test_a_logarithmic_axis_has_ticks_in_the_units_of_the_figure() -> None:
    found = chart([1, 2], [0.01, 2.0], logarithmic=True)
    assert found.bounds()[1] == pytest.approx((-2 - 0.05 * math.log10(200), math.log10(2) + 0.05 * math.log10(200)))
    assert found.y_ticks() == pytest.approx([0.01, 0.1, 1])


def test_epochs_are_labelled_by_whole_numbers() -> None:
    assert chart([0.5, 3], [1, 2]).x_ticks() == [1, 2, 3]
    assert chart([1], [1]).x_ticks()


def test_bars_stand_on_zero() -> None:
    bars = Chart("title", "x", (Series("", np.array([1.0, 2.0]), np.array([5.0, 9.0]), "bars", width=1.0),))
    assert bars.bounds()[1][0] == 0


def test_numbers_are_short() -> None:
    assert [spell(value) for value in (0.0, 0.25, 12345.0, 1e9, 2e-5)] == ["0", "0.25", "12,345", "1e+09", "2e-05"]
