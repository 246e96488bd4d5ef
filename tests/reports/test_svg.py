"""Charts as SVG: well-formed, in the right places, told in words."""

from __future__ import annotations

import re
import xml.etree.ElementTree as tree

import numpy as np

from gluon_ref.reports.charts import Chart, Series
from gluon_ref.reports.svg import BOTTOM, FLAT, LEFT, RIGHT, TALL, TOP, WIDTH, draw, figure

HOSTILE = '"><script>alert(1)</script>&'


def chart(*series: Series, **options: object) -> Chart:
    return Chart(f"title {HOSTILE}", f"x {HOSTILE}", series, **options)  # type: ignore[arg-type]


def line(form: str = "line") -> Series:
    return Series(HOSTILE, np.array([0.0, 1.0]), np.array([0.0, 1.0]), form)  # type: ignore[arg-type]


def test_a_line_runs_from_corner_to_corner() -> None:
    picture = draw(chart(line(), x_range=(0, 1), y_range=(0, 1)))
    (path,) = re.findall(r'class="line c0" d="([^"]+)"', picture)
    assert path == f"M{LEFT}.0 {FLAT - BOTTOM}.0L{WIDTH - RIGHT}.0 {TOP}.0"


def test_bars_stand_on_the_axis() -> None:
    bars = Series("", np.array([0.5]), np.array([1.0]), "bars", width=1.0)
    (path,) = re.findall(r'class="bars c0" d="([^"]+)"', draw(chart(bars, x_range=(0, 1), y_range=(0, 2))))
    middle = (TOP + FLAT - BOTTOM) / 2
    assert path == f"M{LEFT}.0 {FLAT - BOTTOM}V{middle}H{WIDTH - RIGHT}.0V{FLAT - BOTTOM}Z"


def test_any_chart_is_well_formed_and_holds_no_foreign_markup() -> None:
    for form in ("line", "dashed", "faint", "dots", "ring", "bars"):
        for options in ({}, {"diagonal": True, "x_range": (0, 1), "y_range": (0, 1)}, {"note": HOSTILE, "y": HOSTILE}):
            found = figure(chart(line(form), **options))
            root = tree.fromstring(found)
            assert "script" not in {one.tag for one in root.iter()}
            assert root.find("svg") is not None


def test_one_point_is_a_dot() -> None:
    assert "<circle cx=" in draw(chart(Series("", np.array([1.0]), np.array([3.0]))))


def test_a_chart_is_told_in_words() -> None:
    series = Series("run", np.array([1.0, 2.0, 3.0]), np.array([2.0, 0.25, 0.5]))
    label = tree.fromstring(draw(Chart("loss", "epoch", (series,)))).get("aria-label")
    assert label == "loss by epoch. run: from 2 to 0.5, lowest 0.25"


def test_axes_of_the_same_range_are_drawn_square() -> None:
    square = draw(chart(line("dots"), diagonal=True, x_range=(0, 1), y_range=(0, 1)))
    assert f'viewBox="0 0 {WIDTH} {TALL}"' in square and 'class="diagonal"' in square
