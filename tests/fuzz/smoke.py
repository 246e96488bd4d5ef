"""The same few cases of every reader, in a process of their own: what altered files do to it stays there.

`python -m tests.fuzz.smoke FOLDER` prints a JSON record per reader: its name, and the first finding or "".
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from . import readers, subjects
from .cases import Cases, Finding

# Cases of each reader: as many as take a quarter of a second.
COUNTS = {
    "idx": 150,
    "cifar10": 100,
    "recordio": 40,
    "image_folder": 10,
    "image": 60,
    "table": 70,
    "text_table": 100,
    "requests": 80,
    "recipe": 30,
    "arrays": 150,
    "symbol": 60,
    "run": 8,
    "artefact": 16,
    "resume": 4,
}
SMALL = [*readers.DATA, *subjects.readers(("iris",))]


def smoke(reader: readers.Reader, folder: Path) -> str:
    """Run the cases of a reader; the first finding, or nothing."""
    folder.mkdir()
    cases = Cases(reader, folder)
    cases.prepare()
    for seed in range(COUNTS[reader.name]):
        outcome = cases.run((seed,), cases.altered((seed,)))
        if isinstance(outcome, Finding):
            return f"{reader.name}:{seed}\n{outcome.told}"
    return ""


def main() -> None:
    """All readers, one after another."""
    for reader in SMALL:
        told = smoke(reader, Path(sys.argv[1], reader.name))
        print(json.dumps({"reader": reader.name, "found": told}), flush=True)


if __name__ == "__main__":
    main()
