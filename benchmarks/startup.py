"""How long commands take to start and answer: `python benchmarks/startup.py`, about a minute.

Trains a small cnn on digits, exports it, and calls each command in a process of its own, in turns, as a shell would:
seconds by the clock, and of the processor (user and system), medians and the slowest. Where others are busy on the
machine, the processor's seconds tell more. Writes benchmarks/results/startup.md and startup.json; ends with 1 where a
command takes longer than it may.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from gluon_ref.machine import processors, threads

RESULTS = Path(__file__).parent / "results"
ROUNDS = 11
GLUONREF = str(Path(sys.executable).with_name("gluonref"))
# Formats that answer without MXNet.
FORMATS = ("onnx", "onnx-int8", "ort", "bundle")
ANSWER_S = 1.0
HEADS = ("command", "clock s", "slowest s", "processor s", "at most s")


@dataclass(frozen=True)
class Command:
    """What is called.

    Args:
        label: in the table.
        arguments: the program and what it is given.
        most_s: seconds by the clock that it may take, by the median; 0 for any.
    """

    label: str
    arguments: tuple[str, ...]
    most_s: float = 0.0


@dataclass(frozen=True)
class Figure:
    """What was measured of a command: seconds by the clock and of the processor."""

    label: str
    clock_s: float
    slowest_s: float
    processor_s: float
    most_s: float


def prepare(folder: Path) -> tuple[Command, ...]:
    """A run with its exports and a sample in a folder, and the commands to measure there."""
    calls = [("train", "cnn", "--epochs", "1", "--out", "cnn"), ("show", "data", "digits", "--samples", "1")]
    calls += [("export", "cnn", "--format", name) for name in (*FORMATS, "symbol")]
    for arguments in calls:
        done = subprocess.run([GLUONREF, *arguments], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"gluonref {' '.join(arguments)}: {done.stderr}")
    sample = str(next(folder.glob("digits-samples/*.png")).relative_to(folder))
    answers = [
        Command(f"gluonref predict cnn/{name} IMAGE", (GLUONREF, "predict", f"cnn/{name}", sample), ANSWER_S)
        for name in FORMATS
    ]
    return (
        Command("python -c pass", (sys.executable, "-c", "pass")),
        Command("gluonref --help", (GLUONREF, "--help"), 0.2),
        Command("gluonref list", (GLUONREF, "list"), 0.5),
        *answers,
        Command("gluonref predict cnn/symbol IMAGE (MXNet)", (GLUONREF, "predict", "cnn/symbol", sample)),
        Command("gluonref predict cnn IMAGE (MXNet)", (GLUONREF, "predict", "cnn", sample)),
    )


def call(command: Command, folder: Path) -> tuple[float, float]:
    """Seconds by the clock and of the processor."""
    start = time.perf_counter()
    process = subprocess.Popen(command.arguments, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    spent = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command.label} ended with {process.returncode}")
    return spent, usage.ru_utime + usage.ru_stime


def measure(commands: tuple[Command, ...], folder: Path) -> list[Figure]:
    """All commands in turns; the first round only fills the system's file cache."""
    rounds = [[call(command, folder) for command in commands] for _ in range(ROUNDS + 1)][1:]
    found = []
    for command, times in zip(commands, zip(*rounds)):
        clock, processor = zip(*times)
        middle = statistics.median(clock)
        found.append(Figure(command.label, middle, max(clock), statistics.median(processor), command.most_s))
    return found


def table(figures: list[Figure], head: str) -> str:
    """The figures as Markdown."""
    lines = [head, "", f"| {' | '.join(HEADS)} |", "| --- " * len(HEADS) + "|"]
    for one in figures:
        most = f"{one.most_s:g}" if one.most_s else ""
        lines.append(f"| {one.label} | {one.clock_s:.3f} | {one.slowest_s:.3f} | {one.processor_s:.3f} | {most} |")
    return "\n".join(lines) + "\n"


def _machine() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if "model name" in line]
    model = names[0].partition(":")[2].strip() if names else platform.machine()
    return f"{model}, {processors()} cores, threads: {threads()}, Python {platform.python_version()}"


def main() -> None:
    """Measure, print and keep."""
    busy = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="gluonref-startup-") as scratch:
        figures = measure(prepare(Path(scratch)), Path(scratch))
    head = f"`python benchmarks/startup.py`, {_machine()}; {ROUNDS} rounds in turns, {busy:.1f} processes busy before."
    text = table(figures, head)
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "startup.md").write_text(f"# Start-up\n\n{text}", encoding="utf-8")
    document = {"machine": _machine(), "rounds": ROUNDS, "busy_before": busy, "rows": [asdict(one) for one in figures]}
    (RESULTS / "startup.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    late = [one.label for one in figures if one.most_s and one.clock_s > one.most_s]
    if late:
        print(f"too slow: {', '.join(late)}", file=sys.stderr)
    sys.exit(bool(late))


if __name__ == "__main__":
    main()
