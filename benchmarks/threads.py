"""How many OpenMP threads to train with when others use the machine: `python benchmarks/threads.py`, about a minute.

Trains the cnn's step (batch 128, 28x28) with one thread and with one per core, beside none, one and two busy processes.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

from gluon_ref.machine import processors

ROUNDS = 5
STEP = """
import time
import numpy as np
from gluon_ref.backend import mx
from gluon_ref.layers import settle
from gluon_ref.loop import step
from gluon_ref.models import cnn
from gluon_ref.inputs import image
from gluon_ref.place import choose, spread
from gluon_ref.records import Batch, Facts
from gluon_ref.tasks import classify

facts = Facts("image", "label", (1, 28, 28), labels=tuple("0123456789"), mean=(73.0,), std=(90.0,))
net, place = cnn.build(facts), choose("cpu", "")
net.initialize(mx.init.Xavier())
settle(net, image.fields(facts), mx.cpu())
net.hybridize(static_alloc=True)
trainer = mx.gluon.Trainer(net.collect_params(), "adam", kvstore=None)
objective = classify.build(facts).objectives[0]
random = np.random.RandomState(0)
batch = Batch(image.collate(image.imagine(facts, 128, random), facts), random.randint(0, 10, 128).astype(np.int32), 128)
for count in (3, 10):
    mx.nd.waitall()
    start = time.perf_counter()
    for _ in range(count):
        step(net, objective, trainer, spread(batch, place), 128, None)
    mx.nd.waitall()
print(count * 128 / (time.perf_counter() - start))
"""


def speed(threads: int) -> float:
    """Samples per second of a fresh process."""
    environ = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run([sys.executable, "-c", STEP], env=environ, check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> None:
    """Print the table, medians of alternating rounds."""
    counts = (1, processors())
    print(f"| busy processes beside | {' | '.join(f'{count} threads' for count in counts)} |\n| --- | --- | --- |")
    for busy in range(3):
        others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
        try:
            found = [[speed(count) for count in counts] for _ in range(ROUNDS)]
        finally:
            for other in others:
                other.kill()
                other.wait()
        print(f"| {busy} | {' | '.join(f'{statistics.median(one):,.0f}' for one in zip(*found))} |", flush=True)


if __name__ == "__main__":
    main()
