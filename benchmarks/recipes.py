"""Train recipes with three seeds each and print a table of what they reach; other words are options for gluonref.

    python benchmarks/recipes.py                                    every recipe on the data that comes with it
    python benchmarks/recipes.py cnn --data fashion_mnist:DIR --epochs 15

The figure is that of `gluonref evaluate`: the best epoch's weights on the held-out part, which also chose that epoch;
beside it stands the last epoch's, which nothing chose.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gluon_ref import catalog
from gluon_ref import recipe as recipes
from gluon_ref.assembly import load_data
from gluon_ref.backend import versions
from gluon_ref.errors import RequestError
from gluon_ref.machine import processors

SEEDS = (0, 1, 2)


def machine() -> str:
    """Processor, cores and versions, in a line."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return f"{model}, {processors()} cores; MXNet {versions()['mxnet']}, Python {versions()['python']}"


def train(recipe: str, seed: int, extra: list[str]) -> tuple[dict[str, float], dict[str, float], float]:
    """One run: figures of the best and of the last epoch, and seconds for the whole command."""
    with tempfile.TemporaryDirectory() as folder:
        run = f"{folder}/run"
        start = time.perf_counter()
        command = ["gluonref", "train", recipe, "--seed", str(seed), "--out", run, *extra]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        took = time.perf_counter() - start
        done = subprocess.run(["gluonref", "evaluate", run, "--json"], check=True, capture_output=True, text=True)
        last = json.loads(Path(run, "state.json").read_text(encoding="utf-8"))["scores"]
        return json.loads(done.stdout), last, took


def row(recipe: str, extra: list[str]) -> str:
    """A line of the table: mean and spread over the seeds."""
    runs = [train(recipe, seed, extra) for seed in SEEDS]
    metric = "accuracy" if "accuracy" in runs[0][0] else "mean_squared_error"
    cells = []
    for figures in ([best for best, _, _ in runs], [last for _, last, _ in runs]):
        values = [one[metric] for one in figures]
        digits = 1 if metric == "mean_squared_error" else 4
        cells.append(f"{statistics.mean(values):.{digits}f} ± {statistics.stdev(values):.{digits}f}")
    seconds = statistics.median(took for _, _, took in runs)
    return f"| `gluonref train {' '.join([recipe, *extra])}` | {metric} | {cells[0]} | {cells[1]} | {seconds:.0f} s |"


def packaged(name: str) -> bool:
    """Whether a recipe's data needs no file of the person's."""
    try:
        load_data(recipes.read(name).check())
    except RequestError:
        return False
    return True


def main() -> None:
    """Print the table."""
    given = sys.argv[1:]
    names = [word for word in given if word in catalog.names("recipes")]
    extra = [word for word in given if word not in names]
    print(f"{machine()}\n")
    print("| command | metric | best epoch | last epoch | median time |\n| --- | --- | --- | --- | --- |", flush=True)
    for name in names or filter(packaged, catalog.names("recipes")):
        print(row(name, extra), flush=True)


if __name__ == "__main__":
    main()
