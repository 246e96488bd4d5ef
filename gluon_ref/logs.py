"""The log of a run: log.jsonl, one record per line, of every so many updates and of each epoch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .documents import replace

LOG = "log.jsonl"
# What a record must hold, and what else of it is read.
PLACES = ("epoch", "step")
GROUPS = ("losses", "scores")
MOST = 2**53  # whole numbers above are not told apart as floats


def append(folder: Path, record: Mapping[str, Any]) -> None:
    """Add a record; non-finite numbers are refused, as JSON has none."""
    with open(folder / LOG, "a", encoding="utf-8") as file:
        file.write(json.dumps(record, allow_nan=False) + "\n")


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """The records of a run, in order; a line that a kill cut off, or that is no record, is left out."""
    path = folder / LOG
    # Not splitlines, which also splits at characters that stand within a record.
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n") if path.is_file() else ():
        try:
            record = json.loads(line, parse_int=_whole)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and _placed(record):
            yield record


def _placed(record: Mapping[str, Any]) -> bool:
    time_s = record.get("time_s", 0.0)
    return (
        all(type(record.get(key)) is int and record[key] >= 0 for key in PLACES)
        and all(isinstance(record.get(key, {}), dict) for key in GROUPS)
        and type(time_s) in (int, float)
        and 0 <= time_s < MOST
    )


def _whole(text: str) -> int:
    if len(text) > 16 and abs(int(text)) > MOST:  # int refuses what has thousands of digits itself
        raise ValueError(text[:20])
    return int(text)


def cut(folder: Path, epoch: int, step: int) -> None:
    """Drop what the log says of later than the checkpoint a run is resumed from.

    Args:
        folder: the run's.
        epoch: the last that is finished.
        step: updates done.
    """
    if (folder / LOG).is_file():
        kept = [
            one
            for one in read(folder)
            if one["step"] <= step and (one.get("event") != "epoch" or one["epoch"] <= epoch)
        ]
        replace(folder / LOG, "".join(f"{json.dumps(one)}\n" for one in kept).encode())
