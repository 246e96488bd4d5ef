"""Event files and CSV files: what was written is what is read back, and a run keeps its number."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

from gluon_ref.errors import MachineError, UnknownNameError
from gluon_ref.trackers import KINDS, EventFile, MetricFile, require

from .events import crc32c, curves, events

FIGURES = {"loss/cross_entropy": 0.1, "rate": 1e-05}


def test_the_checksum_is_that_of_rfc_3720() -> None:
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(bytes([255] * 32)) == 0x62A8AB43


def test_events_are_read_back_with_their_steps_and_moments(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX", reason="the extra tensorboard is not installed")
    file = EventFile(tmp_path / "events", tmp_path)
    file.write(5, 1700000000.25, FIGURES)
    file.write(7, 1700000001.5, {"held_out/accuracy": 0.75})
    file.close()
    first, second, third = events(tmp_path / "events")
    assert first.file_version == "brain.Event:2"
    assert (second.step, second.wall_time, third.step, third.wall_time) == (5, 1700000000.25, 7, 1700000001.5)
    assert curves(tmp_path / "events") == {
        "loss/cross_entropy": [(5, pytest.approx(0.1, rel=1e-7))],  # float32
        "rate": [(5, pytest.approx(1e-05, rel=1e-7))],
        "held_out/accuracy": [(7, 0.75)],
    }


def test_what_was_flushed_is_in_the_file_at_once(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX", reason="the extra tensorboard is not installed")
    file = EventFile(tmp_path / "events", tmp_path)
    file.write(5, 1.0, FIGURES)
    file.flush()
    assert set(curves(tmp_path / "events")) == set(FIGURES)
    file.close()


@pytest.fixture
def begun(run: Path, tmp_path: Path) -> Path:
    """A run that has just begun."""
    copy = tmp_path / "run"
    copy.mkdir()
    for name in ("facts.json", "run.toml"):
        (copy / name).write_bytes((run / name).read_bytes())
    return copy


def rows(path: Path) -> list[list[str]]:
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def test_metrics_have_the_columns_of_mlflow_and_exact_values(begun: Path) -> None:
    file = MetricFile(begun / "fresh", begun)
    file.write(5, 1700000000.25, FIGURES)
    file.flush()
    head, *lines = rows(begun / "fresh")
    file.close()
    assert head == ["run_id", "key", "value", "step", "timestamp"]
    assert [line[1:] for line in lines] == [
        ["loss/cross_entropy", "0.1", "5", "1700000000250"], ["rate", "1e-05", "5", "1700000000250"],
    ]  # fmt: skip
    assert len(lines[0][0]) == 32 and int(lines[0][0], 16)


def test_a_run_keeps_its_number_and_another_has_its_own(begun: Path, tmp_path: Path) -> None:
    numbers = []
    for path in (begun / "metrics.csv", begun / "fresh", tmp_path / "other"):
        if path.name == "other":
            (begun / "metrics.csv").unlink()
        file = MetricFile(path, begun)
        file.write(5, 0.0, FIGURES)
        file.close()
        numbers.append({line[0] for line in rows(path)[1:]})
    assert numbers[0] == numbers[1] != numbers[2]
    assert [len(one) for one in numbers] == [1, 1, 1]


def test_parameters_are_the_recipes_options(begun: Path) -> None:
    MetricFile(begun / "fresh", begun).close()
    found = dict(rows(begun / "params.csv"))
    assert found.pop("key") == "value"
    assert (found["model.name"], found["model.units"], found["train.clip_norm"], found["train.hybridize"]) == (
        "mlp", "16", "none", "true",
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", "run_id,key\n", "run_id,key\nshort,x\n", "\x00\xff", "a,b\n1,2\n"])
def test_a_metrics_file_that_is_none_gives_a_new_number(begun: Path, text: str) -> None:
    (begun / "metrics.csv").write_bytes(text.encode("latin-1"))
    file = MetricFile(begun / "fresh", begun)
    file.write(1, 0.0, {"rate": 1.0})
    file.close()
    assert len(rows(begun / "fresh")[1][0]) == 32


def test_an_unknown_tracker_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"option train.track: unknown name 'tensorbord'.*did you mean tensorb"):
        require(["tensorbord"])
    require([])
    require(["mlflow"])


def test_a_missing_extra_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    monkeypatch.setitem(sys.modules, "tensorboardX.proto", None)
    with pytest.raises(
        MachineError, match=r"tensorboard needs tensorboardX \(.*\); .*; pip install 'gluon_ref\[tensorboard\]'"
    ):
        require(list(KINDS))
    require(["mlflow"])
