"""benchmark: rows, files, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gluon_ref import benchmarking
from gluon_ref.benches.racing import Entrant, Timing
from gluon_ref.benchmarking import benchmark
from gluon_ref.errors import FitError, OptionError, PathError
from gluon_ref.exporting import export, export_files

from .exports.files import classifier, write


@pytest.fixture(scope="module")
def artefact(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(run, "onnx", tmp_path_factory.mktemp("artefacts") / "onnx").folder


def test_an_artefact_is_timed_and_drawn(artefact: Path, tmp_path: Path) -> None:
    found = benchmark([artefact], [1, 2], [1], seconds=0.001, out=tmp_path / "out")
    assert [(row["label"], row["batch"], row["threads"]) for row in found["rows"]] == [("onnx", 1, 1), ("onnx", 2, 1)]
    row = found["rows"][0]
    assert row["p95_ms"] >= row["median_ms"] > 0
    assert row["rate_per_s"] == pytest.approx(1000 / row["median_ms"])
    assert (row["times"], row["difference"]) == (1, 0)
    assert json.loads((tmp_path / "out" / "benchmark.json").read_text())["rows"] == found["rows"]
    assert (tmp_path / "out" / "benchmark.png").read_bytes().startswith(b"\x89PNG")


def test_times_are_of_the_first_row_of_the_same_batch_and_threads() -> None:
    taken = ((1, 4.0, "a"), (1, 2.0, "b"), (8, 3.0, "a"))
    rows = benchmarking._rows([Timing(Entrant(name, "", ""), batch, 1, (s,)) for batch, s, name in taken])
    assert [row["times"] for row in rows] == [1, 2, 1]


def test_a_row_without_timings_has_its_reason() -> None:
    (row,) = benchmarking._rows([Timing(Entrant("bfloat16", "run", "bfloat16"), 1, 1, error="no such processor")])
    assert row["error"] == "no such processor"
    assert "median_ms" not in row


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"batches": [0]}, r"benchmark: batch-size=0; expected 1 or more"),
    ({"threads": [-1]}, r"benchmark: threads=-1; expected 1 or more"),
    ({"seconds": 0}, r"benchmark: seconds=0; expected more than 0"),
    ({"seconds": float("nan")}, r"benchmark: seconds=nan"),
]


@pytest.mark.parametrize(("asked", "told"), WRONG)
def test_odd_numbers_are_refused(artefact: Path, asked: dict[str, Any], told: str) -> None:
    with pytest.raises(OptionError, match=told):
        benchmark([artefact], **asked)


def test_what_is_no_subject_is_refused(artefact: Path, tmp_path: Path) -> None:
    with pytest.raises(PathError, match=r"nowhere: no such folder"):
        benchmark([tmp_path / "nowhere"])
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("mine")
    with pytest.raises(PathError, match=r"taken exists; expected a new or empty folder"):
        benchmark([artefact], out=tmp_path / "taken")


def test_subjects_of_other_inputs_are_refused(artefact: Path, tmp_path: Path) -> None:
    files = write(classifier(), tmp_path, data=(1, 3, 6, 7))
    other = export_files(*files, {"data": (1, 3, 6, 7)}, "symbol", tmp_path / "out").folder
    with pytest.raises(FitError, match=r"out takes float32 3x6x7; expected float32 4, as .*onnx does"):
        benchmark([artefact, other])
