"""Do to launched trainings what machines do to them, and compare what they end with to one left alone.

    make faults                                                   each fault five times
    python -m tools.faults --faults "worker killed" --times 1

Each training is of the cnn on the digits by two workers and one server, with dropout and a running average, by turns
with batch norm and without. It prints a table: how often there was a hang, a process left over or a checkpoint lost,
how long it took to be noticed, and how often the run ended with the very files of one never disturbed.
"""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gluon_ref import runs
from gluon_ref.errors import AlteredError
from tools import blows
from tools.launched import STAY_S, Hang, Orphan, Training, checkpoint, logged
from tools.namespaces import Refused
from tools.soak import contents, unlike

ROOT = Path(__file__).parents[1]
RUN, COPY = "run", "copy"
COMMON = f"""
    data.name=tools.failing data.once={blows.ONCE} model.filters=8,8,16 model.units=32 model.dropout=0.2 train.epochs=8
    train.batch_size=32 train.ema=0.9 train.checkpoint_steps=20 train.log_steps=1
"""
# Trained by turns; 23 updates an epoch.
MODELS = ("model.batch_norm=true", "model.batch_norm=false")
WORKERS, BATCH, SAMPLES, EPOCHS = 2, 32, 1438, 8
ENDED = "; all processes are ended$"
KILLED = "ended by SIGKILL"
# Of a run's folder and what one left alone has ended with: what is otherwise than it should be.
Judge = Callable[[Path, dict[str, Any]], list[str]]
RESTARTS = ("--max-restarts", "2")


@dataclass(frozen=True)
class Strike:
    """One blow and its time.

    Args:
        step: of the log, at which it comes; 0 for as soon as there is a run folder.
        blow: what is done.
        told: pattern of the line by which the launcher says that it has noticed; empty when it cannot any more.
    """

    step: int
    blow: blows.Blow
    told: str = ENDED


def whole(run: Path, expected: dict[str, Any]) -> list[str]:
    """Everything is to be as in the run that was left alone."""
    return unlike(expected, contents(run))


@dataclass(frozen=True)
class Fault:
    """What happens to a training.

    Args:
        name: for the table.
        strikes: in order.
        options: of launch.
        code: exit code of the launcher.
        hosts: where it runs.
        judge: of what it ended with.
    """

    name: str
    strikes: tuple[Strike, ...]
    options: tuple[str, ...] = RESTARTS
    code: int = 0
    hosts: Callable[[Path], AbstractContextManager[list[str]]] = blows.alone
    judge: Judge = whole


def fewer(total: int) -> Judge:
    """For a run that goes on with one worker: an update is of that many samples then, and each epoch still of all."""
    wanted = {"total": total, "seen": SAMPLES * EPOCHS, "epoch": EPOCHS}

    def judge(run: Path, expected: dict[str, Any]) -> list[str]:
        state = contents(run)["state"]
        return [f"{key} is {state[key]}" for key in wanted if state[key] != wanted[key]]

    return judge


LEFT = (Strike(30, blows.leave, rf"worker . on [ab]: {KILLED}.*{ENDED}"),)
STOP, WORKER = blows.send(signal.SIGSTOP, "worker"), blows.kill("worker")
FAULTS = (
    Fault("worker killed", (Strike(30, WORKER, f"worker .: {KILLED} after step .*{ENDED}"),)),
    Fault("server killed", (Strike(30, blows.kill("server"), f"server 0: {KILLED}{ENDED}"),)),
    Fault("scheduler killed", (Strike(30, blows.kill("scheduler"), f"scheduler: {KILLED}{ENDED}"),)),
    Fault("worker raises", (Strike(30, blows.fail, rf"worker .: ended with exit code 1 .*the disk is gone.*{ENDED}"),)),
    Fault(
        "worker stands still",
        (Strike(30, STOP, f"no worker got on for 5 s.*{ENDED}"),),
        (*RESTARTS, "--stall-timeout", "5"),
    ),
    Fault("host cut off the network", (Strike(30, blows.cut, f"host .*: cut off: .*{ENDED}"),), hosts=blows.networked),
    Fault("worker killed before the first checkpoint", (Strike(0, WORKER),)),
    Fault("worker killed, then server", (Strike(30, WORKER), Strike(60, blows.kill("server")))),
    Fault("worker killed, no restarts", (Strike(30, WORKER, f"^error: launch: worker .: {KILLED}"),), (), 137),
    Fault("launcher killed", (Strike(30, blows.launcher(signal.SIGKILL), ""),), (), 137),
    Fault("Ctrl-C", (Strike(30, blows.launcher(signal.SIGINT), "^error: launch: stopped by signal 2"),), (), 130),
    Fault("SIGTERM", (Strike(30, blows.launcher(signal.SIGTERM), "^error: launch: stopped by signal 15"),), (), 143),
    Fault("host taken out, batch kept", LEFT, (*RESTARTS, "--batch", "keep"), 0, blows.named, fewer(WORKERS * BATCH)),
    Fault("host taken out, batch scaled", LEFT, (*RESTARTS, "--batch", "scale"), 0, blows.named, fewer(BATCH)),
)


@dataclass
class Outcome:
    """What came of a fault, all rounds together; `noticed_s` and `wrong` as they came."""

    times: int = 0
    restarts: int = 0
    hangs: int = 0
    orphans: int = 0
    lost: int = 0
    same: int = 0
    noticed_s: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def words(model: str) -> list[str]:
    """A new training, behind `gluonref`."""
    settings = [word for option in f"{COMMON} {model}".split() for word in ("--set", option)]
    return ["train", "cnn", *settings, "--out", RUN]


def start(place: Path, command: Sequence[str], name: str = RUN) -> Training:
    """Start a command on the run of a name, in a folder."""
    return Training(command, place / name, place, {"PYTHONPATH": str(ROOT)})


def launch(place: Path, command: Sequence[str], *options: str) -> Training:
    """Launch what stands after --."""
    return start(place, ["launch", "--workers", str(WORKERS), *options, "--", *command])


def undisturbed(place: Path, model: str) -> dict[str, Any]:
    """What a training ends with that is left alone."""
    place.mkdir()
    with launch(place, words(model)) as training:
        assert not training.end(), training.told
        training.emptied()
    return contents(place / RUN)


def strike(training: Training, one: Strike, turn: int) -> float:
    """Wait for the time of a blow and give it; seconds until it was noticed."""
    training.until((training.folder / runs.RECIPE).is_file, "a run folder")
    training.reach(one.step)
    since = time.monotonic()
    one.blow(training, turn)
    given = time.monotonic()
    if not one.step:
        assert not checkpoint(training.folder), "it came too late: there is a checkpoint"
    if not one.told:
        training.end()
        return training.emptied(STAY_S)
    training.until(lambda: training.says(one.told, since), one.told)
    return max(0.0, (training.says(one.told, since) or given) - given)


def go_on(place: Path, told: str) -> None:
    """Go on with a run that has ended with an error, as its last word says; or by both ways where there was none."""
    said = re.findall(r"`gluonref (launch [^`]* train --resume [^`]*)`", told)
    with start(place, shlex.split(said[-1])) if said else launch(place, ["train", "--resume", RUN]) as training:
        assert not training.end(), training.told
        assert not training.lost, "a checkpoint was lost"
        training.emptied()
    if not said:
        with start(place, ["train", "--resume", COPY], COPY) as training:
            assert not training.end(), training.told


def suffer(fault: Fault, turn: int, place: Path, model: str, expected: dict[str, Any], outcome: Outcome) -> None:
    """One round of a fault; what it came to is added to the outcome.

    Args:
        fault: what happens.
        turn: chooses among equals.
        place: a new folder to work in.
        model: one of MODELS.
        expected: what it ends with when it is left alone.
        outcome: of the fault so far.
    Raises:
        Hang, Orphan, AssertionError: when it did not end as it should.
    """
    with fault.hosts(place) as where, launch(place, words(model), *where, *fault.options) as training:
        outcome.noticed_s += [strike(training, one, turn) for one in fault.strikes]
        code = training.end()
        outcome.lost += training.lost
        outcome.restarts += training.restarts
        training.emptied()
        assert code == fault.code, f"exit code {code}\n{training.told}"
        if "stopped by signal" in training.told:
            assert checkpoint(place / RUN) == logged(place / RUN), "there is no checkpoint of the stop"
    if code:
        shutil.copytree(place / RUN, place / COPY)
        go_on(place, training.told)
    wrong = fault.judge(place / RUN, expected)
    assert not wrong, f"{', '.join(wrong)}\n{training.told}"
    outcome.same += fault.judge is whole


def repeated(fault: Fault, times: int, parent: Path, wholes: Sequence[dict[str, Any]]) -> Outcome:
    """A fault some times in a row, with each of MODELS by turns; the folders of what went wrong are kept."""
    outcome = Outcome(times)
    for turn in range(times):
        place, at = Path(tempfile.mkdtemp(dir=parent)), turn % len(MODELS)
        try:
            suffer(fault, turn, place, MODELS[at], wholes[at], outcome)
        except (AssertionError, AlteredError) as error:
            outcome.hangs += isinstance(error, Hang)
            outcome.orphans += isinstance(error, Orphan)
            outcome.lost += isinstance(error, AlteredError)
            outcome.wrong.append(f"{fault.name}, in {place}: {error}")
        else:
            shutil.rmtree(place)
    return outcome


def row(fault: Fault, outcome: Outcome) -> str:
    """A line of the table."""
    seconds = f"{max(outcome.noticed_s):.1f}" if outcome.noticed_s else "-"
    same = f"{outcome.same} of {outcome.times}" if fault.judge is whole else "other batches"
    counts = (outcome.times, outcome.restarts, outcome.hangs, outcome.orphans, outcome.lost)
    return f"| {fault.name} | {' | '.join(map(str, counts))} | {seconds} | {same} |"


def main() -> int:
    """All faults; the exit status is 1 when anything went otherwise."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [fault.name for fault in FAULTS]
    parser.add_argument("--faults", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--times", type=int, default=5)
    asked = parser.parse_args()
    parent, began, wrong = Path(tempfile.mkdtemp(prefix="gluonref-faults-")), time.monotonic(), list[str]()
    wholes = [undisturbed(parent / str(number), model) for number, model in enumerate(MODELS)]
    print("| fault | times | restarts | hangs | left over | lost checkpoints | noticed after at most, s | same files |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for fault in (one for one in FAULTS if one.name in asked.faults):
        try:
            outcome = repeated(fault, asked.times, parent, wholes)
        except Refused as error:
            print(f"| {fault.name} | not tried: {error} | | | | | | |", flush=True)
            continue
        print(row(fault, outcome), flush=True)
        wrong += outcome.wrong
        wrong += [f"{fault.name}: {outcome.lost} checkpoints were lost"] if outcome.lost else []
    print(f"{time.monotonic() - began:.0f} s, {len(wrong)} otherwise than they should be")
    print("\n".join(wrong), end="\n" if wrong else "", file=sys.stderr)
    if wrong:
        return 1
    shutil.rmtree(parent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
