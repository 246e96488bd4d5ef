"""A process of its own for files of strangers: MXNet 1.9.1 ends the one it is in on some that no check foresees."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from ..errors import DataError

# Set where a process is shielded already.
INSIDE = "GLUONREF_SHIELDED"
WITHOUT = {"MXNET_MKLDNN_ENABLED": "0", "MXNET_STORAGE_FALLBACK_LOG_VERBOSE": "0"}
CODES = (0, 1, 2)  # that a command ends with itself
PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Outcome:
    """How a process ended.

    Args:
        code: its exit code; 128 + the signal when it was stopped by one that came here.
        output: what it wrote to standard output.
        errors: what it wrote to standard error.
        notes: what the person should know.
        stopped: by a signal that came here.
    """

    code: int
    output: bytes
    errors: bytes
    notes: tuple[str, ...] = ()
    stopped: bool = False


def shielded(command: Sequence[str], where: str, out: Path) -> Outcome:
    """Run a command that may be ended from inside; once more without oneDNN, where most of the crashes are.

    Args:
        command: and its arguments.
        where: the file it is about, for the message.
        out: the folder that it makes; of what it had begun beside it nothing stays when it ends early.
    Raises:
        DataError: when it ends by a signal that nobody sent.
    """
    found = _run(command, {}, out)
    first = _ending(found)
    if first and first != "SIGKILL" and "MXNET_MKLDNN_ENABLED" not in os.environ:
        found = _run(command, WITHOUT, out)
        if not _ending(found):
            told = f"MXNet's oneDNN ends its process on this network ({first}); MXNET_MKLDNN_ENABLED=0 was set"
            return Outcome(found.code, found.output, found.errors, (told,))
    last = _ending(found)
    if last:
        memory = last == "SIGKILL"
        raise DataError(
            where,
            f"the process ended by {last} while it ran this network",
            "enough memory" if memory else "a network that MXNet 1.9.1 can run on this processor",
            "pass smaller shapes, or free memory"
            if memory
            else "check the options of its operators, and --shape; or pass another --format",
        )
    return found


def _ending(outcome: Outcome) -> str:
    """What ended a process that did not end itself: a signal, or a code that MXNet's handler of one leaves with."""
    if outcome.code < 0:
        return signal.Signals(-outcome.code).name
    return "" if outcome.stopped or outcome.code in CODES else f"code {outcome.code}"


def _hear() -> None:
    """Let the process be interrupted even if this one, a shell's background job, is not: what ends this one ends it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _run(command: Sequence[str], more: Mapping[str, str], out: Path) -> Outcome:
    before = set(_begun(out))
    # Signals of the terminal come here alone, and are passed on once: a second one would meet it cleaning up.
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, INSIDE: "1", **more},
        start_new_session=True,
        preexec_fn=_hear,
    )
    with _passing_on(child) as came:
        output, errors = child.communicate()
    code = child.returncode
    if code not in CODES or (code and came):
        for folder in set(_begun(out)) - before:
            shutil.rmtree(folder, ignore_errors=True)
    stopped = bool(code and came)
    return Outcome(128 + came[0] if stopped else code, output, errors, stopped=stopped)


def _begun(out: Path) -> Iterator[Path]:
    """Folders that an export to `out` makes beside it while it works."""
    prefixes = (f".{out.name}-", ".attempts-")
    try:
        yield from (one for one in out.parent.iterdir() if one.name.startswith(prefixes))
    except OSError:
        return


@contextmanager
def _passing_on(child: subprocess.Popen[bytes]) -> Iterator[list[int]]:
    """Let signals interrupt the child instead; which came. In another thread than the main one Python gives none."""
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if not came:
            child.send_signal(signal.SIGINT)
        came.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    before = {number: signal.getsignal(number) for number in PASSED_ON}
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, note)
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
