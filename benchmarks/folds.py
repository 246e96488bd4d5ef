"""Train a recipe on ten folds of a file with a sample per line, and print the mean over all of them, for three seeds.

    python benchmarks/folds.py mr FILE
    python benchmarks/folds.py mr FILE --seed 0 --epochs 5

Fold K holds out every tenth line from the Kth on; other words are options for gluonref. The figure is the last
epoch's, which nothing chose; before it stands scikit-learn's on the same folds.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from baselines import STRENGTHS, told, words
from recipes import SEEDS, machine, train

FOLDS = 10


def accuracy(recipe: str, lines: list[bytes], seed: int, fold: int, extra: list[str]) -> float:
    """Of the last epoch on one fold."""
    with tempfile.TemporaryDirectory() as folder:
        rest, held_out = Path(folder, "rest"), Path(folder, "held_out")
        rest.write_bytes(b"".join(line for at, line in enumerate(lines) if at % FOLDS != fold))
        held_out.write_bytes(b"".join(lines[fold::FOLDS]))
        data = ["--data", f"text_table:{rest}", "--set", f"data.test={held_out}"]
        return train(recipe, seed, [*data, *extra])[1]["accuracy"]


def main() -> None:
    """Print a line per seed, and their mean."""
    recipe, path, *extra = sys.argv[1:]
    seeds = SEEDS
    if "--seed" in extra:
        at = extra.index("--seed")
        seeds = (int(extra[at + 1]),)
        del extra[at : at + 2]
    lines = Path(path).read_bytes().splitlines(keepends=True)
    print(machine(), flush=True)
    texts = [line.decode() for line in lines]
    linear = [words([t for at, t in enumerate(texts) if at % FOLDS != k], texts[k::FOLDS]) for k in range(FOLDS)]
    print(told({one: statistics.mean(found[one] for found in linear) for one in STRENGTHS}), flush=True)
    means = []
    for seed in seeds:
        found = [accuracy(recipe, lines, seed, fold, extra) for fold in range(FOLDS)]
        means.append(statistics.mean(found))
        print(f"seed {seed}: {means[-1]:.4f}, folds {' '.join(f'{one:.4f}' for one in found)}", flush=True)
    if len(means) > 1:
        print(f"mean {statistics.mean(means):.4f} ± {statistics.stdev(means):.4f}")


if __name__ == "__main__":
    main()
