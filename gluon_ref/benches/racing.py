"""Entrants side by side: a process each, timed in turns, so that a busy moment of the machine meets them all."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import groups
from ..errors import MachineError

Arrays = tuple[np.ndarray, ...]
PATIENCE_S = 10


@dataclass(frozen=True)
class Entrant:
    """What is timed: a label for the table, and a folder with the way to open it.

    Args:
        label: for the table.
        folder: a run's or an artefact's.
        way: how to open it, as benches/entrants.py knows.
        command: a program of one's own that serves as benches/worker.py does, given the file of inputs as its last
            argument.
    """

    label: str
    folder: str
    way: str
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class Timing:
    """An entrant at one batch size and one number of threads.

    Args:
        entrant: which.
        batch: samples a call.
        threads: of the process.
        latencies_s: of each call, the first of each round left out.
        warm_up_s: of the first call.
        difference: largest, to the first entrant's outputs, as a share of the largest output where that is above 1.
        error: why there is no timing, else empty.
        turns_s: the median of each round.
    """

    entrant: Entrant
    batch: int
    threads: int
    latencies_s: tuple[float, ...] = ()
    warm_up_s: float = 0.0
    difference: float | None = None
    error: str = ""
    turns_s: tuple[float, ...] = ()

    @property
    def median_s(self) -> float:
        """Half of the calls are quicker."""
        return float(np.median(self.latencies_s))

    @property
    def slow_s(self) -> float:
        """95 of 100 calls are quicker."""
        return float(np.percentile(self.latencies_s, 95))

    @property
    def rate_per_s(self) -> float:
        """Samples a second, by the median."""
        return self.batch / self.median_s

    def times(self, slower: Timing) -> float:
        """How many times as fast as one that took turns with it: the median over the rounds, each by its own ratio."""
        return float(np.median(np.divide(slower.turns_s, self.turns_s)))


def race(
    entrants: Sequence[Entrant],
    inputs: Sequence[Arrays],
    batches: Sequence[int],
    threads: int,
    rounds: int,
    seconds: float,
    tell: Callable[[str], None] = lambda text: None,
) -> list[Timing]:
    """Time entrants at one number of threads.

    Args:
        entrants: the first is what the others' answers are held against.
        inputs: of each batch size.
        batches: samples a call, for each of `inputs`.
        threads: of each process, one of which works at a time.
        rounds: turns of each entrant at each batch size.
        seconds: a turn takes.
        tell: called with what goes on.
    """
    found: list[Timing] = []
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gluonref-")))
        groups.save(scratch / "in.npz", inputs)
        racers = [stack.enter_context(_Racer(entrant, scratch / "in.npz", threads)) for entrant in entrants]
        for at, batch in enumerate(batches):
            tell(f"batch {batch}, {threads} threads")
            found += _round(racers, at, batch, threads, rounds, seconds, scratch)
    return found


def _round(
    racers: Sequence[_Racer], at: int, batch: int, threads: int, rounds: int, seconds: float, scratch: Path
) -> list[Timing]:
    answers: list[Arrays | None] = []
    warm: list[float] = []
    for place, racer in enumerate(racers):
        target = scratch / f"{place}-{at}.npz"
        before = racer.ask({"group": at, "seconds": 0})
        warm.append(before.get("latencies_s", [0.0])[0])
        racer.ask({"group": at, "target": str(target)})
        answers.append(groups.load(target)[0] if not racer.error else None)
    turns: list[list[list[float]]] = [[] for _ in racers]
    for _ in range(rounds):
        for taken, racer in zip(turns, racers):
            taken.append(racer.ask({"group": at, "seconds": seconds}).get("latencies_s", [])[1:])
    return [
        Timing(
            racer.entrant,
            batch,
            threads,
            tuple(itertools.chain(*taken)),
            first,
            _difference(answers[0], given),
            racer.error,
            tuple(float(np.median(one)) for one in taken if one),
        )
        for racer, taken, first, given in zip(racers, turns, warm, answers)
    ]


def _difference(expected: Arrays | None, given: Arrays | None) -> float | None:
    """Of the outputs that both have; None where there is nothing to compare."""
    if expected is None or given is None or any(a.shape != b.shape for a, b in zip(expected, given)):
        return None
    gaps = [
        float(np.abs(b.astype(np.float64) - a).max() / max(1.0, float(np.abs(a).max())))
        for a, b in zip(expected, given)
    ]
    return max(gaps)


class _Racer:
    """An entrant's process; after an error it answers nothing more, and `error` says why."""

    def __init__(self, entrant: Entrant, source: Path, threads: int) -> None:
        self.entrant, self.error = entrant, ""
        own = (sys.executable, "-m", "gluon_ref.benches.worker", entrant.folder, entrant.way)
        self._command = [*(entrant.command or own), str(source)]
        self._environ = {**os.environ, "OMP_NUM_THREADS": str(threads)}

    def __enter__(self) -> _Racer:
        self._errors = tempfile.TemporaryFile("w+")  # a pipe that nobody reads would hold it up when full
        self._process = subprocess.Popen(
            self._command,
            env=self._environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        try:
            self._listen()  # that it is ready
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()
        self._errors.close()

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """What the process answers; nothing once there was an error."""
        if self.error:
            return {}
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the answer says that it is gone
        return self._listen()

    def _listen(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            self._process.wait(PATIENCE_S)
            self._errors.seek(0)
            last = (self._errors.read().strip().splitlines() or ["no message"])[-1]
            raise MachineError(
                "benchmark",
                f"the process of {self.entrant.label} ({self.entrant.folder}) ended: {last}",
                "timings",
                "free memory, or leave it out",
            )
        found: dict[str, Any] = json.loads(line)
        self.error = found.get("error", "")
        return found
