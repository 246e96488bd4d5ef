"""Which charts logs and findings give."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gluon_ref.reports import history, plots
from gluon_ref.reports.examining import Calibration, Values

from .test_history import epoch, log, step


def read(folder: Path, *records: object) -> history.History:
    folder.mkdir(exist_ok=True)
    return history.read(log(folder, *records))


def test_each_figure_has_a_chart_the_watched_one_first(tmp_path: Path) -> None:
    scores = {"macro_f1": 0.3, "accuracy": 0.4, "cross_entropy": 2.0}
    told = read(tmp_path, step(2, 1, norm=3.0), epoch(1, 4, scores=scores), step(6, 2), epoch(2, 8, scores=scores))
    found = plots.curves([("run", told)], "accuracy", [2])
    assert [chart.title for chart in found] == [
        "training and held-out cross entropy",
        "held-out accuracy",
        "held-out macro f1",
        "learning rate",
        "norm",
    ]
    assert [(one.name, one.form) for one in found[0].series] == [("training", "line"), ("held out", "dashed")]


def test_the_best_epoch_is_marked_on_the_watched_figure(tmp_path: Path) -> None:
    chart = plots.curves([("run", read(tmp_path, epoch(1, 4), epoch(2, 8)))], "accuracy", [2])[1]
    ring = chart.series[-1]
    assert (ring.form, ring.x.tolist(), ring.y.tolist()) == ("ring", [2.0], [0.2])
    assert "best epoch" in chart.note


def test_the_loss_within_epochs_is_drawn_where_it_tells_more(tmp_path: Path) -> None:
    often = read(tmp_path, step(2, 1), step(3, 1), epoch(1, 4))
    seldom = read(tmp_path, step(2, 1), epoch(1, 4))
    assert [one.form for one in plots.curves([("run", often)])[0].series] == ["faint", "line"]
    assert [one.form for one in plots.curves([("run", seldom)])[0].series] == ["line"]


def test_runs_share_charts_in_colours_of_their_own(tmp_path: Path) -> None:
    one, other = read(tmp_path / "a", epoch(1, 4)), read(tmp_path / "b", epoch(1, 9))
    empty = read(tmp_path / "c")
    found = plots.curves([("a", one), ("c", empty), ("b", other)], "accuracy")
    assert [(series.name, series.colour) for series in found[0].series] == [("a", 0), ("b", 2)]
    assert [series.x.tolist() for series in found[0].series] == [[1.0], [1.0]]


def test_steps_are_the_axis_while_a_run_has_finished_no_epoch(tmp_path: Path) -> None:
    one, other = read(tmp_path / "a", epoch(1, 4)), read(tmp_path / "b", step(9, 1))
    found = plots.curves([("a", one), ("b", other)])
    assert {chart.x for chart in found} == {"step"}
    assert found[0].series[0].x.tolist() == [4.0]


def test_no_peak_of_a_long_log_is_lost(tmp_path: Path) -> None:
    records = [step(at, 1, norm=100.0 if at == 7777 else 1.0) for at in range(1, 20_001)]
    norm = plots.curves([("run", read(tmp_path, *records))])[-1].series[0]
    assert len(norm.x) <= plots.MOST_POINTS + 2
    assert norm.y.max() == 100.0
    assert (norm.x[0], norm.x[-1]) == (1, 20_000)


def test_a_loss_that_falls_far_is_drawn_by_its_logarithm_and_one_with_zero_is_not(tmp_path: Path) -> None:
    falls = [epoch(at, at, losses={"loss": 10.0 ** (1 - at)}) for at in (1, 2, 3)]
    zero = [epoch(at, at, losses={"loss": at - 1}) for at in (1, 2, 3)]
    assert plots.curves([("run", read(tmp_path, *falls))])[0].logarithmic
    assert not plots.curves([("run", read(tmp_path, *zero))])[0].logarithmic


def test_a_log_with_countless_figures_gives_a_bounded_number_of_charts(tmp_path: Path) -> None:
    told = read(tmp_path, step(1, 1, norms={f"weight{at}": 1.0 for at in range(500)}))
    assert len(plots.curves([("run", told)])) == plots.MOST_CHARTS


def test_reliability_leaves_empty_bins_out() -> None:
    bins = Calibration(np.array([0, 4, 0, 2]), np.array([0, 1.6, 0, 1.8]), np.array([0, 1, 0, 2]))
    share, counts = plots.reliability(bins)
    right, sure = share.series
    assert (right.x.tolist(), right.y.tolist(), sure.y.tolist()) == ([0.375, 0.875], [0.25, 1.0], [0.4, 0.9])
    assert counts.series[0].y.tolist() == [0, 4, 0, 2]


def test_predicted_and_true_values_share_their_range() -> None:
    values = Values(np.arange(9000.0), np.arange(9000.0) + 5)
    dots, residuals = plots.agreement(values, "price")
    assert dots.x_range == dots.y_range and len(dots.series[0].x) <= 2000
    assert "every 5th of 9,000 samples" in dots.note
    assert residuals.series[0].y.sum() == 9000
    assert (dots.x, dots.y) == ("true price", "predicted price")
