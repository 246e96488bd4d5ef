"""The log of a run: log.jsonl, one record per line, of every so many updates and of each epoch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .documents import replace

LOG = "log.jsonl"


def append(folder: Path, record: Mapping[str, Any]) -> None:
    """Add a record; non-finite numbers are refused, as JSON has none."""
    with open(folder / LOG, "a", encoding="utf-8") as file:
        file.write(json.dumps(record, allow_nan=False) + "\n")


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """The records of a run, in order; a line that a kill cut off is left out."""
    path = folder / LOG
    # Not splitlines, which also splits at characters that stand within a record.
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n") if path.is_file() else ():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and all(isinstance(record.get(key), int) for key in ("epoch", "step")):
            yield record


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
