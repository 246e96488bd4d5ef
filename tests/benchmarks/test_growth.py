"""How cost grows: powers worked by hand, and files that the data sets read."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import _files, growth
from gluon_ref import catalog


def point(at: int, seconds: float, size: int = 100, curve: str = "samples") -> growth.Point:
    return growth.Point(curve, "mlp", at, (2 * seconds,), (seconds,), size)


@pytest.mark.parametrize(("at", "seconds", "power"), [(20, 6.0, 1.0), (40, 3.0, 0.0), (30, 27.0, 2.0)])
def test_a_power_of_one_is_twice_the_time_for_twice_as_much(at: int, seconds: float, power: float) -> None:
    assert growth.slope(point(10, 3.0), point(at, seconds)) == pytest.approx(power)


def test_memory_grows_from_the_fewest_samples_to_the_most() -> None:
    kept = [point(10, 1.0, 200, "recordio"), point(20, 1.0, 400, "table"), point(90, 1.0, 250, "recordio")]
    assert growth.grown(kept, "recordio") == pytest.approx(0.25)


def test_a_batch_size_is_given_apart_from_the_recipe() -> None:
    [curve] = [one for one in growth.CURVES if one.title == "batch size"]
    assert curve.call(32)[2:5] == ["epochs", "cnn", "32"]


@pytest.mark.parametrize("kind", ["recordio", "image_folder", "table"])
def test_files_are_read_as_the_samples_written(kind: str, tmp_path: Path) -> None:
    options = {"label": "label"} if kind == "table" else {}
    data = catalog.find("data", kind).load(str(_files.write(kind, 50, tmp_path)), **options)
    assert len(data.train) + len(data.held_out) == 50
    assert len(data.facts.labels) == _files.CLASSES


def test_the_picture_has_a_panel_for_each_curve_and_one_of_memory(tmp_path: Path) -> None:
    timed = [point(10, 1.0), point(100, 2.0), point(3, 1.0, curve="steps"), point(5, 7.0, curve="steps")]
    kept = [point(at, 1.0, 10**8, kind) for kind in (*growth.STREAMED, *growth.HELD) for at in (10, 20)]
    growth.draw(timed, kept, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes()[:4] == b"\x89PNG"
    text = growth.document(timed, kept)
    assert "| steps | mlp | 5 | 14.000 | 14.000 to 14.000 | 7.000 | 3.81 | 0 |" in text
