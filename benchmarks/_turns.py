"""Processes that take turns: each works only when it is asked to, so that a busy moment of the machine meets them all.

The parent starts `Player`s and asks them one after another; a child calls `answer_requests`. A request and its answer
are a JSON object each, on a line.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

PATIENCE_S = 120.0
FEWEST = 5  # steps of a turn, however long they take


class Player:
    """A child process that answers requests; after an error it answers nothing more, and `error` says why.

    Args:
        label: for tables.
        command: of the child.
        threads: OpenMP threads of the child.
    """

    def __init__(self, label: str, command: Sequence[str], threads: int) -> None:
        self.label, self.error = label, ""
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  closed in __exit__
        self._process = subprocess.Popen(
            list(command),
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def __enter__(self) -> Player:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                stream.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def ask(self, patience_s: float = PATIENCE_S, **request: Any) -> dict[str, Any]:
        """What the child answers; nothing once there was an error."""
        if self.error or not self._process.stdin:
            return {}
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the answer says that it is gone
        return self.listen(patience_s)

    def listen(self, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """The child's next answer."""
        stream = self._process.stdout
        if self.error or not stream:
            return {}
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            line = stream.readline() if selector.select(patience_s) else None
        if line:
            found: dict[str, Any] = json.loads(line)
            self.error = found.get("error", "")
            return found
        if line is None:
            self._process.kill()
            self.error = f"took more than {patience_s:g} s"
        else:
            self._process.wait()
            self._errors.seek(0)
            self.error = (self._errors.read().strip().splitlines() or ["ended"])[-1]
        return {}


def turns(players: Sequence[Player], what: str, rounds: int, seconds: float) -> list[list[tuple[float, float]]]:
    """Seconds of a step by the clock and of the processor, of each player in each round, all in turns.

    Args:
        players: those with an error have no figures.
        what: is asked of them.
        rounds: that count, after two to warm up.
        seconds: a turn takes.
    """
    steps = []
    for player in players:
        player.ask(what=what, steps=FEWEST)
        spent = player.ask(what=what, steps=FEWEST).get("seconds", 1.0)
        steps.append(max(FEWEST, round(seconds * FEWEST / spent)))
    found: list[list[tuple[float, float]]] = [[] for _ in players]
    for _ in range(rounds):
        for mine, player, count in zip(found, players, steps):
            if "seconds" in (told := player.ask(what=what, steps=count)):
                mine.append((told["seconds"] / count, told["processor"] / count))
    return found


def answer_requests(handlers: dict[str, Callable[[int], Any]], wait: Callable[[], Any] = lambda: None) -> None:
    """Serve a parent until it goes: time `handlers[what](steps)`.

    Args:
        handlers: by what is asked; a dictionary that one gives back is the answer, else the answer is its seconds.
        wait: called at the end of each, until the device is done.
    """
    tell = voice()
    tell({"ready": True})
    for line in sys.stdin:
        tell(timed(handlers, json.loads(line), wait))


def timed(handlers: dict[str, Callable[[int], Any]], request: dict[str, Any], wait: Callable[[], Any]) -> Any:
    """The answer to a request."""
    since = start()
    found = handlers[request["what"]](request.get("steps", 0))
    wait()
    return found if isinstance(found, dict) else spent(since)


def start() -> tuple[float, float]:
    """Now, by the clock and by the processor's work for this process."""
    return time.perf_counter(), time.process_time()


def spent(since: tuple[float, float]) -> dict[str, float]:
    """Seconds since then: a busy machine makes those of the clock longer, hardly those of the processor."""
    clock, processor = start()
    return {"seconds": clock - since[0], "processor": processor - since[1]}


def voice() -> Callable[[dict[str, Any]], None]:
    """What writes to the parent; whatever else this process prints goes to standard error from now on."""
    stream = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def tell(document: dict[str, Any]) -> None:
        stream.write(json.dumps(document) + "\n")
        stream.flush()

    return tell


def peak_bytes() -> int:
    """Most memory that this process has had."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
