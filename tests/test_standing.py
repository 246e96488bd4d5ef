from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gluon_ref import documents, runs
from gluon_ref.errors import AlteredError
from gluon_ref.standing import LIMIT, fault
from gluon_ref.training import resume

WRITTEN = {
    "epoch": 3,
    "batch": 7,
    "epoch_seen": 224,
    "sums": {"cross_entropy": 12.5},
    "step": 40,
    "seen": 1280,
    "best_epoch": 2,
    "total": 32,
    "cuts": [[4, 64], [6, 48]],
}


def test_what_a_run_writes_has_no_fault(run: Path) -> None:
    assert fault(WRITTEN) is None
    assert fault({}) is None
    assert fault(documents.read(run / runs.STATE, runs.FORMAT)) is None


@pytest.mark.parametrize("name", ["epoch", "batch", "epoch_seen", "step", "seen", "best_epoch", "total"])
@pytest.mark.parametrize("value", ["(", None, 3.0, True, -1, LIMIT, [1]])
def test_a_counter_is_a_whole_number(name: str, value: Any) -> None:
    assert fault({**WRITTEN, name: value}) == name


def test_a_batch_has_a_sample() -> None:
    assert fault({**WRITTEN, "total": 0}) == "total"
    assert fault({**WRITTEN, "step": 0}) is None


@pytest.mark.parametrize("value", [None, 4, {}, [4, 64], [[4]], [[4, 64, 1]], [[4, 0]], [[0, 64]], [["4", 64]], "ab"])
def test_a_cut_is_two_whole_numbers(value: Any) -> None:
    assert fault({**WRITTEN, "cuts": value}) == "cuts"


@pytest.mark.parametrize("value", [None, [], {"cross_entropy": "12"}, {"cross_entropy": None}])
def test_a_sum_is_a_number(value: Any) -> None:
    assert fault({**WRITTEN, "sums": value}) == "sums"


def test_a_run_that_is_refused_is_told_by_file_and_entry(run: Path, tmp_path: Path) -> None:
    for name in (runs.RECIPE, runs.FACTS):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    state = documents.read(run / runs.STATE, runs.FORMAT)
    documents.write(tmp_path / runs.STATE, {**state, "total": "("})
    with pytest.raises(AlteredError) as caught:
        resume(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / runs.STATE}: total is '('; expected the file as the run wrote it; "
        "restore it from a copy, or train again"
    )
