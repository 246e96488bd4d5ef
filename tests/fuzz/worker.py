"""One reader's cases in a process of its own, which may die of one: what it did is in its folder."""

from __future__ import annotations

import faulthandler
import json
import resource
import shutil
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from . import READERS, reader
from .cases import Cases, Chain, Finding

CURRENT, DONE, KEPT, FOUND = "current", "done.json", "kept", "found"


def work(name: str, folder: Path, first: int, seconds: float, hang_s: float, memory_bytes: int) -> None:
    """Run cases until the time is over.

    Args:
        name: of the reader.
        folder: scratch; files CURRENT (the chain that goes on), DONE (counts), KEPT (chains worth going on from).
        first: seed to begin with.
        seconds: to spend on cases.
        hang_s: most that one case may take; then the process ends itself.
        memory_bytes: most that all cases may add to the process's address space.
    """
    cases = Cases(reader(name), folder / str(first))
    cases.prepare()
    _limit(memory_bytes)
    kept = _kept(folder)
    counts: Counter[str] = Counter()
    found: dict[str, Any] = {}
    end, seed = time.monotonic() + seconds, first
    while time.monotonic() < end:
        seed += 1
        random = Random(seed)
        base: Chain = random.choice(kept) if kept and random.random() < 0.6 else ()
        chain = (*base, seed)
        files = cases.altered(chain)
        (folder / CURRENT).write_text(json.dumps([cases.folder.name, *chain]))
        faulthandler.dump_traceback_later(hang_s, exit=True)
        with cases.watched() as fresh:
            outcome = cases.run(chain, files)
        faulthandler.cancel_dump_traceback_later()
        if fresh and len(chain) < 12:
            kept.append(chain)
            with open(folder / KEPT, "a") as file:
                file.write(json.dumps(chain) + "\n")
        if isinstance(outcome, Finding):
            if outcome.key not in found:
                found[outcome.key] = {"chain": chain, "told": outcome.told, "times": 0}
                shutil.copytree(cases.folder / "case", folder / FOUND / str(seed))
            found[outcome.key]["times"] += 1
            outcome = "finding"
        counts[outcome] += 1
        if sum(counts.values()) % 50 == 0 or outcome == "finding":
            _save(folder, first, seed, counts, found, len(cases.reached))
    _save(folder, first, seed, counts, found, len(cases.reached))


def _save(folder: Path, first: int, seed: int, counts: Counter[str], found: dict[str, Any], reached: int) -> None:
    text = json.dumps({"seed": seed, "counts": counts, "found": found, "reached": reached})
    (folder / f"{first}-{DONE}").write_text(text)


def _kept(folder: Path) -> list[Chain]:
    path = folder / KEPT
    return [tuple(json.loads(line)) for line in path.read_text().splitlines()] if path.is_file() else []


def _limit(more: int) -> None:
    """Let the process have that much more address space than it has now, and leave no core files."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    name, folder, *numbers = sys.argv[1:]
    assert name in READERS
    first, seconds, hang_s, memory_bytes = numbers
    faulthandler.enable()
    work(name, Path(folder), int(first), float(seconds), float(hang_s), int(memory_bytes))
