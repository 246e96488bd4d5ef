"""Does memory grow with the number of images? `python benchmarks/memory.py`, ten minutes; bar: within 10 %.

Makes folders of 10,000 and 100,000 PNGs of 16x16, trains a small cnn on each for one epoch in a process of its own, and
prints that process's peak resident memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

COUNTS = (10_000, 100_000)
CLASSES = 10
SIDE = 16
BAR = 0.1
# A network so small that images and what is held of them weigh most.
SMALL = ("--epochs", "1", "--set", "model.filters=4", "--set", "model.units=8", "--set", "train.batch_size=256")


def make(folder: Path, count: int) -> None:
    """Class folders of noise with a tint of their class."""
    random = np.random.RandomState(0)
    for label in range(CLASSES):
        home = folder / f"class-{label}"
        home.mkdir(parents=True)
        for number in range(count // CLASSES):
            pixels = random.randint(0, 200, (SIDE, SIDE, 3)).astype(np.uint8) + np.uint8(5 * label)
            Image.fromarray(pixels).save(home / f"{number:06}.png", compress_level=1)


def peak(folder: Path, out: Path) -> tuple[float, float]:
    """Peak resident memory in MiB and seconds of a training on a folder."""
    start = time.perf_counter()
    command = [str(Path(sys.executable).with_name("gluonref")), "train", "cnn", "--data", f"image_folder:{folder}"]
    process = subprocess.Popen([*command, "--out", str(out), *SMALL], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"training ended with {process.returncode}")
    return usage.ru_maxrss / 1024, time.perf_counter() - start


def main() -> None:
    """Print the table, and end with 1 where memory grows by more than the bar."""
    found = []
    print("| images | peak MiB | seconds |\n| --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory(prefix="gluonref-memory-") as scratch:
        for count in COUNTS:
            folder = Path(scratch, f"images-{count}")
            make(folder, count)
            memory, seconds = peak(folder, Path(scratch, f"run-{count}"))
            print(f"| {count:,} | {memory:.1f} | {seconds:.0f} |", flush=True)
            found.append(memory)
    growth = found[-1] / found[0] - 1
    print(f"\ngrowth {100 * growth:+.1f} %, at most {100 * BAR:.0f} % is wanted")
    sys.exit(growth > BAR)


if __name__ == "__main__":
    main()
