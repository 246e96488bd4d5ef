"""How much of texts' batches is padding, in how many shapes, and what it costs: `python benchmarks/padding.py DIR`.

DIR holds trec/TREC.train.all, mr/rt-polarity.all and thucnews-zh/train_union.txt as distributed; names come with the
package. Each is cut into batches as gluon_ref/batching.py does now, as it did before (ten buckets of equal width,
padded to multiples of four steps), and in random order. Then the nets of the recipes lstm and trec train on batches
like those of the first two for a while, in processes that take turns: samples a second of the processor, user and
system, which neighbours on the machine disturb less than the clock, and peak memory. Writes results/padding.md and
padding.json.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gluon_ref import assembly, batching, catalog, recipe
from gluon_ref.backend import gluonnlp
from gluon_ref.inputs import _tokens, text
from gluon_ref.layers import settle
from gluon_ref.machine import processors, threads
from gluon_ref.records import Batch, Facts
from gluon_ref.samples import ArraySamples

RESULTS = Path(__file__).parent / "results"
CASES = ((32, 1), (64, 1), (128, 1), (64, 2), (128, 2), (256, 2))  # samples of a batch, workers who share it
SEED = 1
ROUNDS = 5
WARM, STEPS = 60, 120  # batches that are trained on before the clock starts, and while it runs
TRAINED = {"names": "lstm", "trec": "trec"}  # data -> recipe
VOCAB, LABELS = {"names": 178, "trec": 8700}, {"names": 23, "trec": 6}  # about as many as the data has
Plan = Callable[[ArraySamples, int, int], list[np.ndarray]]


def buckets(samples: ArraySamples, size: int, seed: int) -> list[np.ndarray]:
    """The batches of before: ten buckets of equal width."""
    lengths = samples.lengths.tolist()
    np.random.seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a bucket is empty
        found = gluonnlp.data.FixedBucketSampler(lengths, size, num_buckets=10, shuffle=True)
        return [np.asarray(batch) for batch in found]


def anyhow(samples: ArraySamples, size: int, seed: int) -> list[np.ndarray]:
    """Batches in random order, whatever the lengths."""
    order = np.random.RandomState(seed).permutation(len(samples))
    return [order[start : start + size] for start in range(0, len(samples), size)]


def fours(longest: int) -> int:
    """The width of before: a multiple of four."""
    return -(-longest // 4) * 4


# Way -> how batches are formed, and how wide they are.
WAYS: dict[str, tuple[Plan, Callable[[int], int]]] = {
    "random order": (anyhow, fours),
    "before": (buckets, fours),
    "now": (batching.plan, _tokens.width),
}


def texts(folder: Path) -> dict[str, ArraySamples]:
    """Name -> texts as arrays of the right length; their tokens do not matter here."""
    loaded = assembly.load_data(recipe.read("lstm").check()).train
    assert isinstance(loaded, ArraySamples)
    words = {name: _lines(folder / path) for name, path in _files().items()}
    cut = {
        "trec": [line.split()[1:] for line in words["trec"]],
        "mr": [line.split()[1:] for line in words["mr"]],
        "mr, characters": [line[2:] for line in words["mr"]],
        "thucnews-zh, characters": [line.split("\t")[0] for line in words["thucnews-zh"]],
    }
    return {"names": loaded, **{name: _samples([len(one) for one in found]) for name, found in cut.items()}}


def _files() -> dict[str, str]:
    return {"trec": "trec/TREC.train.all", "mr": "mr/rt-polarity.all", "thucnews-zh": "thucnews-zh/train_union.txt"}


def _lines(path: Path) -> list[str]:
    encoding = "utf-8" if "thucnews" in str(path) else "latin-1"
    return [line for line in path.read_text(encoding=encoding).split("\n") if line]


def _samples(lengths: Sequence[int]) -> ArraySamples:
    inputs = np.empty(len(lengths), dtype=object)
    inputs[:] = [np.ones(length, dtype=np.int32) for length in lengths]
    return ArraySamples(inputs, np.zeros(len(lengths), dtype=np.int32), ragged=True)


def measure(samples: ArraySamples, way: str, size: int, workers: int) -> dict[str, Any]:
    """Batches of an epoch, the share of their steps that is padding, and the shapes that one worker or another sees."""
    plan, width = WAYS[way]
    order, lengths = plan(samples, size, SEED), samples.lengths
    parts = [part for batch in order for part in np.array_split(batch, workers) if len(part)]
    shapes = [(len(part), width(int(lengths[part].max()))) for part in parts]
    share = 1 - float(lengths.sum()) / sum(rows * steps for rows, steps in shapes)
    return {"batches": len(order), "padded": share, "shapes": len(set(shapes))}


def train(name: str, way: str, folder: str) -> None:
    """Train on batches of a way for a while, and print what it took; in a process of its own."""
    from gluon_ref.backend import mx

    samples = texts(Path(folder))[name]
    asked, random = recipe.read(TRAINED[name]).check(), np.random.RandomState(0)
    size, (plan, width), lengths = asked.settings.batch_size, WAYS[way], samples.lengths
    vocab, labels = tuple(map(str, range(VOCAB[name]))), tuple(map(str, range(LABELS[name])))
    facts = Facts("text", "label", (-1,), labels=labels, vocab=vocab, split="word")
    net = catalog.find("models", asked["model"]["name"]).build(facts, **asked.options("model"))
    net.initialize(mx.init.Xavier())
    settle(net, text.fields(facts), mx.cpu())
    net.hybridize(static_alloc=True)
    trainer = mx.gluon.Trainer(net.collect_params(), "adam", kvstore=None)
    objective = catalog.find("tasks", "classify").build(facts).objectives[0]
    order = [batch for epoch in range(9) for batch in plan(samples, size, epoch)]
    for at, indices in enumerate(order[: WARM + STEPS]):
        if at == WARM:
            mx.nd.waitall()
            clock, processor = time.perf_counter(), time.process_time()
        steps, rows = width(int(lengths[indices].max())), len(indices)
        tokens = random.randint(1, len(vocab), (rows, steps)) * (np.arange(steps) < lengths[indices][:, None])
        arrays = (tokens, lengths[indices], random.randint(0, len(labels), rows))
        *inputs, targets = (mx.nd.array(one, dtype="int32") for one in arrays)
        with mx.autograd.record():
            loss = objective.loss(net, Batch(tuple(inputs), targets, rows))
        loss.backward()
        trainer.step(rows)
    mx.nd.waitall()
    spent, seen = time.process_time() - processor, sum(map(len, order[WARM : WARM + STEPS]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"clock": seen / (time.perf_counter() - clock), "processor": seen / spent, "peak": peak}))


def race(folder: Path) -> list[dict[str, Any]]:
    """Medians of trainings by either way, in turns."""
    rows = []
    for name in TRAINED:
        ways = [way for way in WAYS if way != "random order"]
        found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
        for _ in range(ROUNDS):
            for way in ways:
                command = [sys.executable, __file__, str(folder), name, way]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                found[way].append(json.loads(done.stdout))
        for way, times in found.items():
            middle = {key: statistics.median(one[key] for one in times) for key in times[0]}
            spread = [min(one["processor"] for one in times), max(one["processor"] for one in times)]
            rows.append({"data": name, "recipe": TRAINED[name], "way": way, **middle, "spread": spread})
    return rows


def table(padded: list[dict[str, Any]], trained: list[dict[str, Any]], head: str) -> str:
    """The figures as Markdown."""
    lines = [head, "", f"| data | batch | workers | {' | '.join(f'{way}: padded, shapes, batches' for way in WAYS)} |"]
    lines.append("| --- " * (3 + len(WAYS)) + "|")
    for one in padded:
        cells = [f"{one[way]['padded']:.3f}, {one[way]['shapes']}, {one[way]['batches']:,}" for way in WAYS]
        lines.append(f"| {one['data']} | {one['batch']} | {one['workers']} | {' | '.join(cells)} |")
    lines += ["", "| recipe, data | way | samples a processor second | least, most | by the clock | peak MiB |"]
    lines.append("| --- " * 6 + "|")
    for one in trained:
        low, high = one["spread"]
        speeds = f"{one['processor']:.0f} | {low:.0f}, {high:.0f} | {one['clock']:.0f} | {one['peak']:.0f}"
        lines.append(f"| {one['recipe']}, {one['data']} | {one['way']} | {speeds} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print and keep."""
    folder, *job = sys.argv[1:]
    if job:
        train(*job, folder)
        return
    padded = [
        {"data": name, "batch": size, "workers": workers} | {way: measure(samples, way, size, workers) for way in WAYS}
        for name, samples in texts(Path(folder)).items()
        for size, workers in CASES
    ]
    trained = race(Path(folder))
    head = (
        f"`python benchmarks/padding.py`, {processors()} cores, threads: {threads()}, load {os.getloadavg()[0]:.1f}; "
        f"medians of {ROUNDS} trainings of {STEPS} batches. A batch is of all workers; shapes are of one epoch."
    )
    found = table(padded, trained, head)
    print(found)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "padding.md").write_text(found, encoding="utf-8")
    results = json.dumps({"head": head, "padded": padded, "trained": trained}, indent=1)
    (RESULTS / "padding.json").write_text(results + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
