"""Who sits where, with which environment, and how an agent is started there."""

from __future__ import annotations

import sys

import pytest

from gluon_ref.launches import plans
from gluon_ref.launches.hosts import here
from gluon_ref.launches.records import Host, Programs
from gluon_ref.machine import processors

THREE = (Host("a", 2, "10.0.0.1"), Host("b", 1, "10.0.0.2"), Host("c", 5, "10.0.0.3"))
RUN = Programs(("work",), ("serve",))


def test_workers_fill_slots_in_order_and_servers_go_round() -> None:
    seats = plans.plan(THREE, 5, 4, RUN)
    assert [(seat.index, seat.role, seat.number, seat.host.name) for seat in seats] == [
        (0, "scheduler", 0, "a"),
        *((1 + at, "server", at, host) for at, host in enumerate("abca")),
        *((5 + at, "worker", at, host) for at, host in enumerate("aabcc")),
    ]
    assert [seat.sharing for seat in seats] == [0] * 5 + [2, 2, 1, 2, 2]
    assert {seat.command for seat in seats if seat.role == "worker"} == {("work",)}
    assert {seat.command for seat in seats if seat.role != "worker"} == {("serve",)}


def test_each_has_the_root_its_own_address_and_how_many_there_are() -> None:
    seats = plans.plan(THREE, 4, 2, RUN, batch="scale", attempt=3)
    assert dict(seats[-1].environ) == {
        "GLUONREF_LAUNCHED": "1",
        "DMLC_ROLE": "worker",
        "DMLC_PS_ROOT_URI": "10.0.0.1",
        "DMLC_NUM_WORKER": "4",
        "DMLC_NUM_SERVER": "2",
        "DMLC_NODE_HOST": "10.0.0.3",
        "GLUONREF_ATTEMPT": "3",
        "GLUONREF_BATCH": "scale",
        "PYTHONUNBUFFERED": "1",
    }
    assert {seat.environ["DMLC_NODE_HOST"] for seat in plans.plan(here(2), 2, 1, RUN)} == {"127.0.0.1"}


def test_the_programs_are_this_package_s() -> None:
    run = plans.programs(["train", "cnn"], "python3")
    assert run.worker == ("python3", "-c", "from gluon_ref_cli.main import main; main()", "train", "cnn")
    assert run.server == ("python3", "-m", "gluon_ref.serving")


def test_of_a_person_s_environment_only_what_training_reads_goes_to_other_hosts() -> None:
    mine = {"PYTHONPATH": "mine", "OMP_PROC_BIND": "1", "MXNET_A": "2", "PS_VERBOSE": "1", "GLUONREF_X": "3"}
    others = {"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "s", "DMLC_ROLE": "worker", "XPS_": "1", "MY_PYTHONPATH": "x"}
    assert plans.person(THREE[0], {**mine, **others}) == mine
    assert plans.person(here(1)[0], {**mine, **others}) == {}


@pytest.mark.parametrize("shell", [["ssh", "-o", "BatchMode=yes"], ["ip", "netns", "exec"]])
def test_no_word_that_starts_an_agent_is_changed_by_a_shell_on_the_way(shell: list[str]) -> None:
    words = plans.command(THREE[0], "/opt/python3.11/bin/python", shell, 1.0, 8.0)
    assert words == [*shell, "a", "/opt/python3.11/bin/python", "-m", "gluon_ref.launches.agent", "1", "8"]
    assert plans.command(here(1)[0], "/my python", shell, 0.1, 0.5)[:2] == ["/my python", "-m"]


def test_lines_say_what_only_looks_so_on_other_hosts() -> None:
    lines = plans.lines(plans.plan(THREE, 3, 1, RUN), {})
    assert lines[0].startswith("# root port 9091 is an example: any that is free on 10.0.0.1")
    assert lines[2] == f"# OMP_NUM_THREADS as if each host had the {processors()} processors of this one"
    assert lines[3] == "# scheduler on a (10.0.0.1)"
    assert lines[4].endswith("DMLC_PS_ROOT_PORT=9091 OMP_NUM_THREADS=1 serve")
    assert lines[-2] == "# worker 2 on b (10.0.0.2)"
    assert lines[-1].endswith(f"OMP_NUM_THREADS={processors()} work")
    assert "OMP_NUM_THREADS" not in "".join(plans.lines(plans.plan(THREE, 3, 1, RUN), {"OMP_NUM_THREADS": "2"}))
    assert sys.executable not in "".join(lines)
