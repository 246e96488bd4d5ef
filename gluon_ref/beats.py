"""What a process of a distributed run tells its launcher: its rank, that it gets on, where its run is, how it failed.

Each is a line of JSON on the pipe whose number is in BEATS. A process that was started otherwise tells nobody.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from typing import Any, NoReturn

# `gluonref launch` sets this beside DMLC_*: then those are meant.
LAUNCHED = "GLUONREF_LAUNCHED"
BEATS = "GLUONREF_BEATS"
PAUSE_S = 0.2  # between two steps that are told
LONGEST = 4000  # bytes of a line; one below PIPE_BUF is written whole

_told = 0.0


def launched() -> bool:
    """Whether this process is one of a distributed run."""
    return bool(os.environ.get(LAUNCHED))


def tell(**facts: Any) -> None:
    """Tell the launcher something: rank, run, checkpoint, failed, done."""
    pipe = os.environ.get(BEATS, "")
    if not pipe.isdigit():
        return
    line = json.dumps(facts)
    if len(line) > LONGEST:
        short = {key: value[: LONGEST // 8] if isinstance(value, str) else value for key, value in facts.items()}
        line = json.dumps(short)
    with suppress(OSError):  # a launcher that is gone ends this process by other means
        os.write(int(pipe), f"{line}\n".encode())


def step(number: int) -> None:
    """Tell that this process got on, at most five times a second."""
    global _told
    now = time.monotonic()
    if now - _told >= PAUSE_S:
        _told = now
        tell(step=number)


def leave(status: int) -> NoReturn:
    """End this process of a distributed run at once: what Python does at an end waits for other workers, for ever."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)
