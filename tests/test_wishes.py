"""Wishes of workers that stand side by side in this process: what each tells is added up by hand."""

from __future__ import annotations

import pytest

from gluon_ref import wishes
from gluon_ref.backend import mx
from gluon_ref.wishes import SELDOM, Wishes


def update(workers: list[Wishes]) -> None:
    """All tell, and hear the sum."""
    told = [one.told(mx.cpu()) for one in workers]
    for one in workers:
        one.hear(sum(told[1:], told[0]))


def grants(quick_s: float, monkeypatch: pytest.MonkeyPatch, wanted_from: int = 2) -> list[list[bool]]:
    """After which updates each of two workers is granted what the second wants once and the third time."""
    monkeypatch.setattr(wishes, "QUICK_S", quick_s)
    workers = [Wishes(2), Wishes(2)]
    heard: list[list[bool]] = [[], []]
    for step in range(8 * SELDOM):
        update(workers)
        wanted = step >= wanted_from and not any(heard[1])
        heard[0].append(workers[0].wish("checkpoint", False))
        heard[1].append(workers[1].wish("checkpoint", wanted))
        assert not workers[0].wish("stop", False)
        assert not workers[1].wish("stop", False)
    return heard


def test_where_updates_are_slow_a_wish_is_granted_to_all_after_the_next_update_but_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = grants(0.0, monkeypatch)
    assert first == second
    assert [step for step, granted in enumerate(first) if granted] == [4]


def test_where_updates_are_quick_others_are_heard_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = grants(1e9, monkeypatch)
    assert first == second
    (granted,) = [step for step, granted in enumerate(first) if granted]
    assert SELDOM <= granted - 2 <= 2 * SELDOM


def test_one_slow_worker_makes_all_look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wishes, "QUICK_S", 1e9)
    quick, slow = Wishes(2), Wishes(2)
    heard = []
    for step in range(12):
        told = quick.told(mx.cpu()), mx.nd.array([0, step in (8, 9), 0])
        for one in (quick, slow):
            one.hear(told[0] + told[1])
        heard.append((quick.wish("checkpoint", False), slow.wish("checkpoint", False)))
    assert [step for step, granted in enumerate(heard) if granted == (True, True)] == [9]
    assert sum(map(any, heard)) == 1
