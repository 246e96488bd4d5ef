"""Small programs in the place of workers and servers, which speak the launcher's protocol and start at once."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gluon_ref import launching
from gluon_ref.launches.records import Options, Programs, Timing

# A tenth to a fifth of what a person gets, so that a test takes a second. Silence is twenty pulses all the same: the
# tests may share one core with others.
QUICK = Timing(rendezvous_s=20, stall_s=20, pulse_s=0.1, silence_s=2, gather_s=0.2, leave_s=5, stop_s=10, end_s=1)
WAIT_S = 10.0

BEGINNING = """
import json, os, signal, sys, time
from pathlib import Path
here = Path(sys.argv[1])
role, attempt = os.environ["DMLC_ROLE"], int(os.environ["GLUONREF_ATTEMPT"])
workers = int(os.environ["DMLC_NUM_WORKER"])

def tell(**facts):
    os.write(int(os.environ["GLUONREF_BEATS"]), (json.dumps(facts) + "\\n").encode())

def mark(name):
    try:
        (here / f"{name}-{attempt}").mkdir()
        return True
    except FileExistsError:
        return False

def marked(name):
    return (here / f"{name}-{attempt}").exists()

def meet():
    global rank
    rank = next(number for number in range(workers) if mark(f"rank{number}"))
    while not marked(f"rank{workers - 1}"):
        time.sleep(0.01)
    tell(rank=rank)

def together(name):
    mark(f"{name}{rank}")
    while not all(marked(f"{name}{number}") for number in range(workers)):
        time.sleep(0.01)

def all_here(number):
    while len(list(here.glob("pid/*"))) < number:
        time.sleep(0.01)

def done():
    tell(done=True)
    mark(f"done{rank}")

def work(steps=10**9):
    for step in range(1, steps + 1):
        tell(step=step)
        time.sleep(0.02)
"""
# Serves until all workers are done.
SERVING = "while not all(marked(f'done{number}') for number in range(workers)): time.sleep(0.01)"


def programs(folder: Path, worker: str, server: str = SERVING) -> Programs:
    """A worker that runs `worker` after BEGINNING, and servers and scheduler that run `server`."""
    start = (sys.executable, "-I", "-S", "-u", "-c")
    return Programs((*start, BEGINNING + worker, str(folder)), (*start, BEGINNING + server, str(folder)))


# Put before a program whose end is checked: it writes down its number.
NUMBERED = "(here / 'pid').mkdir(exist_ok=True); (here / 'pid' / str(os.getpid())).touch()\n"


def pids(folder: Path) -> list[int]:
    """The processes that wrote down their number."""
    return [int(path.name) for path in folder.glob("pid/*")]


def alive(pid: int) -> bool:
    """Whether a process lives: a zombie that nobody has collected yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def parent(pid: int) -> int:
    """Of a process: its agent."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def until(ready: Callable[[], object]) -> None:
    """Wait until something is so."""
    limit = time.monotonic() + WAIT_S
    while not ready():
        assert time.monotonic() < limit, "waited for too long"
        time.sleep(0.01)


def gone(folder: Path) -> None:
    """Wait until none of them lives."""
    until(lambda: not any(map(alive, pids(folder))))


def launch(folder: Path, worker: str, *, server: str = SERVING, timing: Timing = QUICK, **options: Any) -> int:
    """Launch stand-ins, two workers if nothing else is said."""
    chosen = Options(**{"workers": 2, "timing": timing, **options})
    return launching.launch(["train", "cnn"], chosen, programs=programs(folder, worker, server))
