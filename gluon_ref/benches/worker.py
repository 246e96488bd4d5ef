"""One entrant in a process of its own, timed when it is told to.

`python -m gluon_ref.benches.worker FOLDER WAY INPUTS` reads a JSON object per line, {"group": N, "seconds": S} to time
or {"group": N, "target": FILE} to answer, and writes one per line. INPUTS.npz is as groups.py writes it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from .. import groups
from ..errors import GluonRefError
from .entrants import Arrays, open_entrant

FEWEST = 3  # calls that are timed, however long they take


def main(arguments: Sequence[str]) -> None:
    """Serve an entrant until standard input ends."""
    folder, way, source = arguments
    attend(lambda example: open_entrant(folder, way, example), source)


def attend(make: Callable[[Arrays], Callable[..., Arrays]], source: str) -> None:
    """Serve until standard input ends.

    Args:
        make: example inputs -> what answers.
        source: INPUTS.npz.
    """
    given = groups.load(source)
    started = time.perf_counter()
    try:
        answer = make(given[0])
    except GluonRefError as error:
        tell({"error": str(error)})
        return
    tell({"ready_s": time.perf_counter() - started})
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            tell(serve(answer, given[asked["group"]], asked))
        except GluonRefError as error:
            tell({"error": str(error)})


def serve(answer: Callable[..., Arrays], inputs: Arrays, asked: dict[str, Any]) -> dict[str, Any]:
    """Answer once into a file, which warms up too, or time as many calls as fit."""
    if "target" in asked:
        outputs = answer(*inputs)
        groups.save(asked["target"], [outputs])
        return {"outputs": len(outputs)}
    return {"latencies_s": timed(answer, inputs, asked["seconds"])}


def timed(answer: Callable[..., Arrays], inputs: Arrays, seconds: float) -> list[float]:
    """Seconds of each call, one after another, for about as long as asked."""
    found: list[float] = []
    end = time.perf_counter() + seconds
    while len(found) < FEWEST or time.perf_counter() < end:
        start = time.perf_counter()
        answer(*inputs)
        found.append(time.perf_counter() - start)
    return found


def tell(document: dict[str, Any]) -> None:
    """A line for the parent."""
    print(json.dumps(document), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
