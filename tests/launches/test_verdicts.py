"""Who is blamed, in the cases that a launch on one machine does not show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from gluon_ref.launches import plans, processes
from gluon_ref.launches.members import Member
from gluon_ref.launches.printing import Printer
from gluon_ref.launches.records import Host, Programs, Timing
from gluon_ref.launches.verdicts import Scene, cut, judge, silent, stalled, unmet

HOSTS = (Host("a", 1, "10.0.0.1"), Host("b", 1, "10.0.0.2"), Host("c", 1, "10.0.0.3"))
TIMING = Timing(rendezvous_s=60, stall_s=600)
NOW = 1000.0
# Indices of the seats: scheduler 0 on a, server 1 on a, workers 2, 3 and 4 on a, b and c.


@pytest.fixture
def scene() -> Iterator[Scene]:
    """Three workers on three hosts, who have just met; behind each is a program that does nothing."""
    seats = plans.plan(HOSTS, 3, 1, Programs(("w",), ("s",)))
    members = [Member(seat, processes.agent(["cat"]), Printer()) for seat in seats]
    for number, member in enumerate(members):
        member.heard, member.pid = NOW, 100 + number
        if member.seat.role == "worker":
            member.rank, member.moved, member.step = member.seat.number, NOW, 5
    yield Scene(members, TIMING, NOW - 10, NOW)
    for member in members:
        member.process.kill()
        member.process.communicate()


def test_nobody_is_blamed_while_all_is_well(scene: Scene) -> None:
    assert judge(scene, NOW + 5) is None


def report(scene: Scene, *pairs: tuple[int, int]) -> None:
    for reporter, target in pairs:
        scene.members[reporter].lost[target] = NOW


@pytest.mark.parametrize(
    ("pairs", "lost"),
    [
        ([(0, 3)], {"b"}),
        ([(3, 0)], {"b"}),
        ([(0, 3), (3, 0)], {"b"}),
        ([(0, 3), (0, 4)], {"a"}),
        ([(3, 0), (4, 0)], {"a"}),
        ([(0, 3), (0, 4), (3, 0), (4, 0)], {"a"}),
        ([(0, 1)], {"a"}),
    ],
)
def test_of_hosts_that_do_not_hear_each_other_the_lonely_one_is_cut_off(
    scene: Scene, pairs: list[tuple[int, int]], lost: set[str]
) -> None:
    report(scene, *pairs)
    assert cut(scene, NOW + TIMING.gather_s / 2) is None
    found = cut(scene, NOW + TIMING.gather_s)
    assert found is not None
    assert (found.lost, found.code, found.again, found.unreached) == (lost, 1, True, False)
    assert found.where == f"launch: host {', '.join(lost)}"
    assert found.given.startswith("cut off: nothing heard over the network for 8 s (")


def test_a_host_where_nothing_had_begun_was_out_of_reach_from_the_start(scene: Scene) -> None:
    scene.members[3].pid = None
    report(scene, (3, 0))
    found = cut(scene, NOW + 2)
    assert found is not None and found.unreached


def test_a_host_without_a_sign_of_life_is_lost(scene: Scene) -> None:
    for member in scene.members:
        member.heard = NOW + 8
    scene.members[4].heard = NOW
    found = silent(scene, NOW + 8.1)
    assert found is not None
    assert (found.where, found.lost) == ("launch: worker 2 on c", {"c"})
    assert found.given == "no sign of life for 8 s after step 5"


def test_hosts_never_heard_are_lost_when_the_rendezvous_fails(scene: Scene) -> None:
    scene.met, scene.members[3].rank, scene.members[3].heard = None, None, None
    found = unmet(scene, NOW + 51)
    assert found is not None
    assert (found.given, found.lost) == ("1 of 3 workers missing after 60 s (worker 1 on b)", {"b"})


@pytest.mark.parametrize(
    ("steps", "moved", "named"),
    [
        ((5, 5, 5), (0, 2, 2), "worker 0 on a after step 5"),
        ((5, 4, 5), (2, 0, 2), "worker 1 on b after step 4"),
        ((4, 4, 5), (0, 0, 2), "worker 0 on a after step 4, worker 1 on b after step 4"),
        ((None, 4, 5), (0, 2, 2), "worker 0 on a"),
        # Told too close together to say whether worker 1 is behind: the next step of any is not told at once.
        ((5, 4, 5), (0, 0.2, 2), "worker 0 on a after step 5, worker 1 on b after step 4"),
    ],
)
def test_the_one_that_did_not_get_on_for_longest_is_named_when_nobody_does(
    scene: Scene, steps: tuple[int | None, ...], moved: tuple[float, ...], named: str
) -> None:
    for member, step, since in zip(scene.members[2:], steps, moved):
        member.step, member.moved = step, NOW + since
    assert stalled(scene, NOW + 599) is None
    found = stalled(scene, NOW + 603)
    assert found is not None
    assert found.given == f"no worker got on for 600 s, last of all {named}"
    scene.timing = replace(TIMING, stall_s=0)
    assert stalled(scene, NOW + 10**6) is None


def test_one_that_has_ended_is_no_longer_waited_for(scene: Scene) -> None:
    for member in scene.members[3:]:
        member.status = 0
    scene.members[2].moved = NOW
    scene.members[3].moved = NOW + 500
    assert stalled(scene, NOW + 601) is not None


def test_a_worker_s_number_is_its_launch_number_until_its_rank_is_known(scene: Scene) -> None:
    member = scene.members[2]
    member.rank = None
    assert (member.name, member.place) == ("worker 0", "worker 0 on a")
    member.rank = 2
    assert (member.name, scene.members[0].name, scene.members[1].name) == ("worker 2", "scheduler", "server 0")
