"""Trainings of benchmarks/scaling.py that take turns: each stands still but for its turn.

All are started first, so that a busy moment of the machine meets them all, and start-up is no part of any figure.
`python benchmarks/_gangs.py FOLDER WORKERS SERVERS [HOSTS SHELL]` launches workers, as a process of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from _steps import END, JOB, Job

from gluon_ref.launches.records import Options, Programs, Timing
from gluon_ref.launching import launch

PATIENCE_S = 600.0
LOOK_S = 0.05
GO = "go"
CALM, PATIENT = 0.1, 4
TICKS = os.sysconf("SC_CLK_TCK")
SCRIPTS = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Wanted:
    """A training to be started.

    Args:
        label: for the tables.
        job: of each worker.
        workers: launched; 0 for one process by itself.
        servers: that add up.
        store: dist_sync or dist_async.
        hosts: hosts file, and the command that leads to one of them; empty for this machine.
        environ: more variables.
    """

    label: str
    job: Job
    workers: int = 0
    servers: int = 1
    store: str = "dist_sync"
    hosts: tuple[str, str] | None = None
    environ: Mapping[str, str] = field(default_factory=dict)


class Gang:
    """A training under way, from its start to `end`."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted, self._turn, self._ranks = wanted, 0, range(max(1, wanted.workers))
        self._folder = Path(tempfile.mkdtemp(prefix="gluonref-scaling-"))
        job = asdict(wanted.job)
        if wanted.workers:
            job["changes"] = [*job["changes"], ["train.kvstore", wanted.store]]
        (self._folder / JOB).write_text(json.dumps(job), encoding="utf-8")
        script, more = "_steps.py", []
        if wanted.workers:
            script, more = "_gangs.py", [str(wanted.workers), str(wanted.servers), *(wanted.hosts or ())]
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - `end` closes it
        self._process = subprocess.Popen(
            [sys.executable, str(SCRIPTS / script), str(self._folder), *more],
            env={**os.environ, "OMP_NUM_THREADS": "1", **wanted.environ},
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
        )

    def turn(self) -> list[dict[str, Any]]:
        """What each worker sees in the next turn."""
        self._turn += 1
        files = [self._folder / f"{rank}-{self._turn}.json" for rank in self._ranks]
        for rank in self._ranks:
            self._until(lambda rank=rank: self._tell(rank, GO))
        for file in files:
            self._until(file.exists)
        return [json.loads(file.read_text(encoding="utf-8")) for file in files]

    def end(self) -> None:
        """Let it end, or make it."""
        told = [self._tell(rank, END) for rank in self._ranks]
        if not all(told):
            self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _tell(self, rank: int, word: str) -> bool:
        """Write into a worker's pipe; False while it is not there, or the worker does not read from it."""
        try:
            pipe = os.open(self._folder / f"{rank}.turn", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return False
        with open(pipe, "w", encoding="ascii") as file:
            file.write(word)
        return True

    def _until(self, done: Callable[[], bool]) -> None:
        limit = time.monotonic() + PATIENCE_S
        while not done():
            if self._process.poll() is not None or time.monotonic() > limit:
                self._errors.seek(0)
                how = f"ended with {self._process.poll()}\n{self._errors.read()[-4000:]}"
                raise SystemExit(f"{self.wanted.label}: no answer; {how}")
            time.sleep(LOOK_S)


@contextmanager
def playing(wanted: Sequence[Wanted]) -> Iterator[list[Gang]]:
    """Trainings that stand still until their turn, each after a first turn that is not looked at."""
    with ExitStack() as stack:
        gangs = []
        for one in wanted:
            gangs.append(Gang(one))
            stack.callback(gangs[-1].end)
        for gang in gangs:
            gang.turn()
        yield gangs


def rounds(wanted: Sequence[Wanted], count: int) -> list[list[list[dict[str, Any]]]]:
    """For each training what its workers saw in each of some rounds of turns.

    Under `others` stands how many processors the machine's other processes took in the round. Rounds are played until
    that was less than CALM in enough of them, but no more than PATIENT times as many; of them the calmest are kept.
    """
    played: list[tuple[float, list[list[dict[str, Any]]]]] = []
    with playing(wanted) as gangs:
        while sum(others < CALM for others, _ in played) < count and len(played) < PATIENT * count:
            start, spent = time.monotonic(), _spent()
            turns = [gang.turn() for gang in gangs]
            others = (_spent() - spent) / (time.monotonic() - start)
            played.append((others, [[{**one, "others": others} for one in turn] for turn in turns]))
    kept = [turns for _, turns in sorted(played, key=lambda each: each[0])[:count]]
    return [list(turns) for turns in zip(*kept)]


def _spent() -> float:
    """Processor seconds of all processes of this machine but this one and those below it, since its start."""
    parents, seconds = {}, {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            words = file.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            parents[int(file.parent.name)] = int(words[1])
            seconds[int(file.parent.name)] = (int(words[11]) + int(words[12])) / TICKS
    total = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    busy = sum(int(total[at]) for at in (1, 2, 3, 6, 7)) / TICKS  # user, nice, system, interrupts
    own, news = set(), {os.getpid()}
    while news:
        own |= news
        news = {pid for pid, parent in parents.items() if parent in news} - own
    return busy - sum(seconds.get(pid, 0.0) for pid in own)


def main() -> None:
    """Launch workers."""
    folder, workers, servers, *where = sys.argv[1:]
    worker = (sys.executable, str(SCRIPTS / "_steps.py"), folder)
    hosts, shell = where or (None, "")
    given = {} if hosts is None else {"hosts": hosts, "shell": shell}
    options = Options(int(workers), int(servers), timing=Timing(stall_s=0), **given)
    launch(["train"], options, programs=Programs(worker, (sys.executable, "-m", "gluon_ref.serving")))


if __name__ == "__main__":
    main()
