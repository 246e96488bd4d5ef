"""Processes that take turns: they answer, their faults are told, and a slow one is not waited for."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from benchmarks import _turns

CHILD = """
import sys, time
sys.path.insert(0, {root!r})
from benchmarks._turns import answer_requests
def work(steps):
    print("a library's own words")
    {body}
answer_requests({{"work": work}})
"""


def child(body: str) -> list[str]:
    root = str(_turns.Path(_turns.__file__).parents[1])
    return [sys.executable, "-c", CHILD.format(root=root, body=body)]


def test_a_turn_is_timed_by_the_clock_and_by_the_processors_work() -> None:
    with _turns.Player("sleeper", child("time.sleep(0.05 * steps)"), 1) as player:
        assert player.listen() == {"ready": True}
        told = player.ask(what="work", steps=2)
    assert told["seconds"] >= 0.1
    assert 0 <= told["processor"] < told["seconds"] / 2  # asleep, it had none to do
    assert not player.error


def test_what_is_given_back_is_the_answer() -> None:
    with _turns.Player("teller", child("return {'bytes': 7 * steps}"), 1) as player:
        player.listen()
        assert player.ask(what="work", steps=3) == {"bytes": 21}


def test_a_process_that_ends_says_why() -> None:
    with _turns.Player("faulty", child("raise ValueError('no such layout')"), 1) as player:
        player.listen()
        assert player.ask(what="work", steps=1) == {}
        assert player.error == "ValueError: no such layout"
        assert player.ask(what="work", steps=1) == {}


def test_a_slow_process_is_ended_and_told() -> None:
    with _turns.Player("slow", child("time.sleep(60)"), 1) as player:
        player.listen()
        assert player.ask(patience_s=0.2, what="work", steps=1) == {}
        assert player.error == "took more than 0.2 s"
    assert player._process.returncode is not None


class Scripted:
    """A player that takes so many seconds a step, and notes when it is asked."""

    def __init__(self, label: str, step_s: float, asked: list[tuple[str, int]]) -> None:
        self.label, self._step_s, self._asked = label, step_s, asked

    def ask(self, **request: Any) -> dict[str, float]:
        self._asked.append((self.label, request["steps"]))
        return {"seconds": request["steps"] * self._step_s, "processor": request["steps"] * self._step_s / 2}


def test_players_take_turns_of_about_the_seconds_asked_for() -> None:
    asked: list[tuple[str, int]] = []
    players: list[Any] = [Scripted("a", 0.5, asked), Scripted("b", 0.01, asked)]
    found = _turns.turns(players, "train", 3, 2.0)
    warm_up = [("a", _turns.FEWEST)] * 2 + [("b", _turns.FEWEST)] * 2
    assert asked == [*warm_up, *[("a", _turns.FEWEST), ("b", 200)] * 3]
    assert found[0] == [pytest.approx((0.5, 0.25))] * 3
    assert found[1] == [pytest.approx((0.01, 0.005))] * 3


def test_a_request_is_one_line_of_json() -> None:
    with _turns.Player("echo", [sys.executable, "-c", "print(input())"], 1) as player:
        assert player.ask(what="train", steps=5) == json.loads('{"what": "train", "steps": 5}')


def test_the_most_memory_is_what_linux_has_counted() -> None:
    assert 10**6 < _turns.peak_bytes() < 10**12
