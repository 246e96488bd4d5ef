"""benchmark(subjects): latency and throughput of runs and artefacts side by side, and how far their answers differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import documents, folders, machine
from .backend import versions
from .benches.drawing import draw
from .benches.entrants import entrants, inputs
from .benches.racing import Entrant, Timing, race
from .errors import FitError, OptionError

BATCHES = (1, 128)
ROUNDS = 5
SECONDS = 0.2
JSON, PICTURE = "benchmark.json", "benchmark.png"


def benchmark(
    subjects: Sequence[str | Path],
    batches: Sequence[int] = BATCHES,
    threads: Sequence[int] = (),
    seconds: float = SECONDS,
    out: str | Path | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Time runs and artefacts.

    Args:
        subjects: folders of either; a run stands for itself imperative, hybridized, with static memory and in bfloat16,
            and for the artefacts in its folder.
        batches: samples a call.
        threads: of each process; as many as doctor would choose when empty.
        seconds: a turn of each takes, of which there are five.
        out: a new folder for benchmark.json and benchmark.png; none are written when None.
        tell: called with what goes on.
    Returns:
        "versions", "processors", "rows": label, subject, batch, threads, median_ms, p95_ms, rate_per_s, warm_up_ms,
        times (as fast as the first row of the same batch and threads), difference, error.
    Raises:
        PathError: when a subject is none, or `out` exists.
        FitError: when subjects take other inputs.
        OptionError: for a size or number of threads below 1.
    """
    for name, values in (("batch-size", batches), ("threads", threads)):
        if any(value < 1 for value in values):
            raise OptionError("benchmark", f"{name}={min(values)}", "1 or more", f"pass --{name} 1")
    if not 0 < seconds <= 3600:
        raise OptionError("benchmark", f"seconds={seconds}", "more than 0, at most 3600", "pass --seconds 0.2")
    folder = Path(out) if out is not None else None
    if folder:
        folders.vacant(folder)
    racing = [Entrant(*one) for subject in subjects for one in entrants(subject)]
    made = [inputs(subjects[0], batch) for batch in batches]
    _refuse_other_inputs(subjects, batches[0])
    counts = list(threads) or [machine.threads()]
    timings = [one for count in counts for one in race(racing, made, batches, count, ROUNDS, seconds, tell)]
    document = {"versions": versions(), "processors": machine.processors(), "rows": _rows(timings)}
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        documents.write(folder / JSON, document)
        draw(timings, folder / PICTURE)
    return document


def _refuse_other_inputs(subjects: Sequence[str | Path], batch: int) -> None:
    kinds = [[(one.dtype.name, one.shape[1:]) for one in inputs(subject, batch)] for subject in subjects]
    for subject, kind in zip(subjects, kinds):
        if kind != kinds[0]:
            raise FitError(
                "benchmark",
                f"{subject} takes {_spell(kind)}",
                f"{_spell(kinds[0])}, as {subjects[0]} does",
                "time them in commands of their own",
            )


def _spell(kind: list[tuple[str, tuple[int, ...]]]) -> str:
    return ", ".join(f"{dtype} {'x'.join(map(str, shape)) or 'scalar'}" for dtype, shape in kind)


def _rows(timings: Sequence[Timing]) -> list[dict[str, Any]]:
    first: dict[tuple[int, int], float] = {}
    rows = []
    for one in timings:
        row: dict[str, Any] = {
            "label": one.entrant.label,
            "subject": one.entrant.folder,
            "batch": one.batch,
            "threads": one.threads,
        }
        if one.latencies_s:
            base = first.setdefault((one.batch, one.threads), one.median_s)
            row |= {
                "median_ms": one.median_s * 1000,
                "p95_ms": one.slow_s * 1000,
                "rate_per_s": one.rate_per_s,
                "warm_up_ms": one.warm_up_s * 1000,
                "calls": len(one.latencies_s),
                "times": base / one.median_s,
                "difference": one.difference,
            }
        rows.append({**row, **({"error": one.error} if one.error else {})})
    return rows
