"""What is taken of what a process tells, and what is left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gluon_ref.launches import plans, processes
from gluon_ref.launches.hosts import here
from gluon_ref.launches.members import LONGEST, Member
from gluon_ref.launches.printing import Printer
from gluon_ref.launches.records import Programs
from gluon_ref.launches.wires import Outbox


@pytest.fixture
def members() -> Iterator[list[Member]]:
    """Scheduler, server and worker; behind each is a program that repeats what it is told."""
    seats = plans.plan(here(1), 1, 1, Programs(("w",), ("s",)))
    found = [Member(seat, processes.agent(["cat"]), Printer()) for seat in seats]
    yield found
    for member in found:
        member.process.kill()
        member.process.communicate()


def tell(member: Member, now: float, beat: dict[str, Any]) -> None:
    """Let its agent pass on a beat."""
    Outbox(member.outbox.number).put({"beat": beat})
    before = member.heard
    while member.heard == before:
        member.read(now)


def test_facts_are_taken_with_their_time(members: list[Member]) -> None:
    worker = members[2]
    tell(worker, 1.0, {"rank": 0})
    tell(worker, 2.0, {"run": "runs/cnn"})
    assert (worker.rank, worker.run, worker.moved, worker.heard) == (0, "runs/cnn", 1.0, 2.0)
    tell(worker, 3.0, {"step": 7})
    tell(worker, 4.0, {"checkpoint": 5})
    assert (worker.step, worker.moved, worker.done) == (7, 4.0, False)
    tell(worker, 5.0, {"done": True})
    tell(worker, 6.0, {"failed": "x" * 5000, "again": False})
    assert (worker.done, worker.moved, worker.failed, worker.again) == (True, 5.0, "x" * LONGEST, False)


@pytest.mark.parametrize(
    "beat",
    [
        *({"rank": wrong} for wrong in (True, -1, 1.0, "0", None, [0], 2**63)),
        *({"step": wrong} for wrong in (True, -1, 1.5, "1", None, 10**30)),
        *({"run": wrong} for wrong in ("", 5, None, "x" * (LONGEST + 1))),
        *({"done": wrong} for wrong in (1, "true", False)),
        *({"checkpoint": "1"}, {"own": 1}, {}),
    ],
)
def test_what_is_no_known_fact_is_left_out(members: list[Member], beat: dict[str, Any]) -> None:
    worker = members[2]
    tell(worker, 1.0, beat)
    assert (worker.rank, worker.step, worker.run, worker.done, worker.moved) == (None, None, "", False, None)


def test_a_server_has_no_rank(members: list[Member]) -> None:
    tell(members[1], 1.0, {"rank": 3})
    assert (members[1].rank, members[1].name) == (None, "server 0")


def test_another_attempt_is_worth_it_unless_that_is_said_to_be_wrong(members: list[Member]) -> None:
    tell(members[2], 1.0, {"failed": "no room"})
    assert (members[2].failed, members[2].again) == ("no room", True)
