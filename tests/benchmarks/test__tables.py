"""Tables of benchmarks/training.py: operations counted by hand, ratios of medians, and what could not be measured."""

from __future__ import annotations

import pytest

from benchmarks import _tables
from benchmarks.training import Row


def test_operations_of_the_cnn_are_those_counted_by_hand() -> None:
    first, second, third = 784 * 9 * 32, 196 * 9 * 32 * 64, 49 * 9 * 64 * 128
    assert _tables.forward_flops() == 2 * (first + second + third + 1152 * 128 + 128 * 10) == 15_199_744
    assert _tables.training_flops() == 45_599_232


def row(kind: str, *seconds: float, what: str = "train", net: str = "cnn", threads: int = 2) -> Row:
    return Row(net, what, kind, 128, threads, seconds, tuple(one / 2 for one in seconds))


def test_a_ratio_is_of_the_medians_and_its_range_of_the_rounds() -> None:
    reached = _tables.ratio(row("package", 1.0, 2.0, 4.0), row("torch", 3.0, 8.0, 4.0))
    assert reached == (4.0 / 2.0, 1.0, 4.0)


def test_bars_are_held_at_all_cores_and_those_not_measured_are_left_out() -> None:
    rows = [row("package", 2.0), row("torch", 3.0), row("gluon", 1.0), row("package", 9.0, threads=1)]
    [bar] = _tables.bars(rows, 2)
    assert (bar["reached"], bar["least"]) == (1.5, 1.8)
    assert bar["what"] == "train, cnn, gluon_ref against PyTorch eager, fused Adam"


def test_the_share_of_the_peak_is_that_of_the_quickest_product() -> None:
    peaks = [Row("", "peak", "mx.nd.dot", 100, 2, (0.001,)), Row("", "peak", "torch.mm", 100, 2, (0.0005,))]
    assert _tables.peak(peaks, 2) == pytest.approx(2e6 / 0.0005)
    assert _tables.peak(peaks, 1) == 0
    seconds = _tables.training_flops() * 128 / (2e6 / 0.0005) * 4
    [bar] = _tables.bars([*peaks, row("package", seconds)], 2)
    assert bar["reached"] == pytest.approx(0.25)


def test_what_ended_with_an_error_stands_in_the_table() -> None:
    rows = [row("package", 0.1), Row("cnn", "train", "torch-compiled", 128, 2, error="took more than 120 s")]
    text = _tables.document(rows, 2)
    assert "| cnn | 128 | 2 | torch.compile | took more than 120 s |" in text
    assert "| cnn | 128 | 2 | gluon_ref | 1,280 | 1,280 to 1,280 | 50.000 |" in text


def test_parts_of_a_step_add_up_to_the_whole() -> None:
    parts = {"gather": 1e-3, "move": 2e-3, "forward": 3e-3, "backward": 7e-3, "update": 8e-3, "train": 14e-3}
    text = _tables.document([row("package", seconds, what=what) for what, seconds in parts.items()], 2)
    assert "| cnn | 2 | clock | 1.000 | 2.000 | 3.000 | 4.000 | 1.000 | 3.000 | 14.000 |" in text
