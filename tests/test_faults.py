"""Real trainings under real faults: two workers and a server, with batch norm, dropout and a running average.

One training suffers one fault after another, and must end with the files of one that was left alone. `make faults`
does each of them five times, on trainings of their own. Nothing waits for ever: `Training` ends what hangs, and fails.
"""

from __future__ import annotations

import shlex
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tools import blows, faults
from tools.faults import ENDED, KILLED, RUN, Outcome, Strike
from tools.launched import STAY_S, checkpoint, logged

MODEL = faults.MODELS[0]
NOTICED_S, STALL_S = 10.0, 8.0  # the latter also without progress at a start, on a machine that others use
# In the order of their coming; the first before the first checkpoint, which is due after update 20.
STALL = "a worker that stands still"
RESTARTED = {
    "the scheduler killed": Strike(0, blows.kill("scheduler"), f"scheduler: {KILLED}{ENDED}"),
    "a server killed": Strike(25, blows.kill("server"), f"server 0: {KILLED}{ENDED}"),
    "a worker that raises": Strike(40, blows.fail, rf"worker .: ended with exit code 1 .*the disk is gone.*{ENDED}"),
    STALL: Strike(55, blows.send(signal.SIGSTOP, "worker"), f"no worker got on for 8 s, last of all worker .*{ENDED}"),
}
LAST = "a worker killed, with no restart left"
DIED = Strike(
    70,
    blows.kill("worker"),
    rf"^error: launch: worker .: {KILLED} after step \d+; expected every process to work until the training's end; `",
)

FEWER = {fault.name: fault for fault in faults.FAULTS if fault.name.startswith("host taken out")}


@dataclass
class Story:
    """What came to pass: exit codes of the launcher, restarts, seconds until noticed, and where each attempt stopped.

    Args:
        place: folder that all worked in.
    """

    place: Path
    codes: dict[str, int] = field(default_factory=dict)
    restarts: int = 0
    noticed_s: dict[str, float] = field(default_factory=dict)
    stops: dict[str, tuple[int, int]] = field(default_factory=dict)
    lost: bool = False
    told: str = ""

    @property
    def run(self) -> Path:
        """The run that suffered all this."""
        return self.place / RUN


@pytest.fixture(scope="module")
def whole(fewer: object, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a training ends with that is left alone."""
    return faults.undisturbed(tmp_path_factory.mktemp("faults") / "alone", MODEL)


@pytest.fixture(scope="module")
def fewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Outcome]]]:
    """Two trainings of which each loses a host, beside all others: much of a training's time is waiting."""

    def suffer(fault: faults.Fault, place: Path) -> Outcome:
        outcome = Outcome()
        faults.suffer(fault, 0, place, MODEL, {}, outcome)
        return outcome

    with ThreadPoolExecutor() as pool:
        yield {name: pool.submit(suffer, fault, tmp_path_factory.mktemp("fewer")) for name, fault in FEWER.items()}


@pytest.fixture(scope="module")
def story(fewer: object, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """One training that suffers everything; no process is left after any of it."""
    found = Story(tmp_path_factory.mktemp("faults"))
    options = ["--max-restarts", str(len(RESTARTED)), "--stall-timeout", f"{STALL_S:g}"]
    with faults.launch(found.place, faults.words(MODEL), *options) as training:
        for turn, (name, strike) in enumerate({**RESTARTED, LAST: DIED}.items()):
            found.noticed_s[name] = faults.strike(training, strike, turn)
        found.codes[LAST] = training.end()
        found.restarts, found.told, found.lost = training.restarts, training.told, training.lost
        training.emptied()
    for name, number in {"SIGKILL": signal.SIGKILL, "SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM}.items():
        gone_on(found, name, number)
    with faults.launch(found.place, ["train", "--resume", RUN]) as training:
        found.codes["end"] = training.end()
        found.lost |= training.lost
        training.emptied()
    return found


def gone_on(found: Story, name: str, number: int) -> None:
    """Go on as the last word says, and send the launcher a signal."""
    said = found.told.rpartition("`gluonref ")[2].partition("`")[0]
    command = shlex.split(said) if said else ["launch", "--workers", "2", "--", "train", "--resume", RUN]
    further = logged(found.run) + 1  # the log still tells of updates after the last checkpoint
    with faults.start(found.place, command) as training:
        told = f"^error: launch: stopped by signal {number:d};" if number != signal.SIGKILL else ""
        found.noticed_s[name] = faults.strike(training, Strike(further, blows.launcher(number), told), 0)
        found.codes[name] = training.end()
        training.emptied(0.0 if told else STAY_S)
        found.told, found.lost = training.told, found.lost or training.lost
    found.stops[name] = (checkpoint(found.run), logged(found.run))
    if number == signal.SIGKILL:
        shutil.copytree(found.run, found.place / faults.COPY)


def test_a_training_that_suffers_eight_faults_ends_with_the_files_of_one_left_alone(
    story: Story, whole: dict[str, Any]
) -> None:
    assert story.codes["end"] == 0
    found = faults.contents(story.run)
    assert {"weights-last.params", "weights-best.params", "weights-mean.params", "trainer-0.states"} < {*whole}
    assert faults.unlike(whole, found) == []


def test_no_checkpoint_is_lost_and_each_restart_counts(story: Story) -> None:
    assert not story.lost
    assert story.restarts == len(RESTARTED)


@pytest.mark.parametrize("name", [*RESTARTED, LAST])
def test_a_fault_is_noticed_in_time(story: Story, name: str) -> None:
    assert story.noticed_s[name] < NOTICED_S + (STALL_S if name == STALL else 0)


def test_without_a_restart_left_the_exit_code_is_that_of_who_died(story: Story) -> None:
    assert story.codes[LAST] == 137


def test_after_a_launcher_that_was_killed_nothing_is_left_within_ten_seconds(story: Story) -> None:
    assert (story.codes["SIGKILL"], story.noticed_s["SIGKILL"] < STAY_S) == (137, True)


def test_a_run_whose_launcher_was_killed_goes_on_in_a_single_process(story: Story) -> None:
    with faults.start(story.place, ["train", "--resume", faults.COPY], faults.COPY) as training:
        assert training.end() == 0, training.told
        assert not training.lost
    assert faults.contents(story.place / faults.COPY)["state"]["epoch"] == faults.EPOCHS


@pytest.mark.parametrize("name, code", [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_ends_with_a_checkpoint_of_the_last_update(story: Story, name: str, code: int) -> None:
    saved, last = story.stops[name]
    assert (story.codes[name], saved) == (code, last)


@pytest.mark.parametrize("name", FEWER)
def test_a_run_goes_on_with_fewer_workers(fewer: dict[str, Future[Outcome]], name: str) -> None:
    """Every sample is seen once in each epoch, in updates of as many samples as before, or as each worker had."""
    outcome = fewer[name].result()
    assert (outcome.restarts, outcome.lost) == (1, 0)
