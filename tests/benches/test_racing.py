"""Timings in turns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gluon_ref.benches import entrants
from gluon_ref.benches.racing import Entrant, Timing, race
from gluon_ref.errors import MachineError

ENTRANT = Entrant("static", "somewhere", "static")


def test_figures_of_a_timing() -> None:
    timing = Timing(ENTRANT, 10, 1, tuple(np.arange(1, 102) / 1000))
    assert timing.median_s == pytest.approx(0.051)
    assert timing.slow_s == pytest.approx(0.096)
    assert timing.rate_per_s == pytest.approx(10 / 0.051)


def test_a_machine_that_slows_down_for_a_while_tells_nothing_of_who_is_faster() -> None:
    quick = Timing(ENTRANT, 1, 1, (), turns_s=(1, 2, 5))
    slow = Timing(ENTRANT, 1, 1, (), turns_s=(2, 4, 5))
    assert quick.times(slow) == 2
    assert slow.times(quick) == 0.5


def test_entrants_are_timed_and_compared(run: Path) -> None:
    racing = [Entrant(way, str(run), way) for way in ("imperative", "static")]
    told: list[str] = []
    inputs = [entrants.inputs(run, batch) for batch in (1, 3)]
    found = race(racing, inputs, (1, 3), threads=1, rounds=2, seconds=0.001, tell=told.append)
    assert [(one.entrant.label, one.batch) for one in found] == [
        ("imperative", 1),
        ("static", 1),
        ("imperative", 3),
        ("static", 3),
    ]
    assert all(one.latencies_s and one.warm_up_s > 0 and one.threads == 1 for one in found)
    assert all(len(one.turns_s) == 2 for one in found)
    assert [one.difference for one in found][::2] == [0, 0]
    assert all(one.difference is not None and one.difference < 1e-5 for one in found)
    assert told == ["batch 1, 1 threads", "batch 3, 1 threads"]


def test_one_that_cannot_be_timed_says_why_and_the_others_go_on(run: Path, tmp_path: Path) -> None:
    racing = [Entrant("static", str(run), "static"), Entrant("gone", str(tmp_path), "artefact")]
    found = race(racing, [entrants.inputs(run, 1)], (1,), threads=1, rounds=1, seconds=0.001)
    assert found[0].latencies_s
    assert not found[0].error
    assert "neither a run nor an artefact" in found[1].error
    assert (found[1].latencies_s, found[1].difference) == ((), None)


def test_a_process_that_ends_is_told_by_its_last_line(run: Path) -> None:
    with pytest.raises(MachineError, match=r"the process of odd \(.*\) ended: IndexError: list index out of range"):
        race([Entrant("odd", str(run), "no such way")], [()], (1,), threads=1, rounds=1, seconds=0.001)
