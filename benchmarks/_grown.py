"""One training for benchmarks/growth.py, in a process of its own; prints a JSON object.

`python benchmarks/_grown.py epochs NET BATCH CHANGES` trains on made-up samples; CHANGES is a JSON object of a recipe's
values, as {"data.samples": 1000}. `python benchmarks/_grown.py files KIND PATH` trains a small net on files for one
epoch.
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import _training
from benchmarks._turns import peak_bytes, spent, start, voice

EPOCHS = 3
# Nets so small that samples and what is held of them weigh most.
SMALL = {
    "cnn": {"model.filters": (4,), "model.units": 8},
    "mlp": {"model.units": (8,), "data.label": "label"},
}


def epochs(net: str, batch: int, changes: dict[str, Any]) -> dict[str, Any]:
    """Seconds of a few epochs without evaluation, by the clock and of the processor, and how much is trained."""
    from gluon_ref import hooks
    from gluon_ref.backend import mx
    from gluon_ref.preparation import prepare

    marks: list[tuple[float, float]] = []

    class Clock(hooks.Hook):
        """Note when an epoch ends."""

        def after_epoch(self, state: Any) -> None:
            """Note it."""
            mx.nd.waitall()
            marks.append(start())

    prepared = prepare(_training.recipe(net, batch, changes=changes))
    guard = hooks.Guard(prepared.recipe.settings.log_steps)
    marks.append(start())
    prepared.train([hooks.Beat(), guard, Clock(), hooks.Limit(EPOCHS)])
    params = prepared.assembly.net.collect_params().values()
    trained = sum(param.data().size for param in params if param.grad_req != "null")
    clock, processor = zip(*((end[0] - begin[0], end[1] - begin[1]) for begin, end in itertools.pairwise(marks)))
    return {"epochs_s": clock, "processor_s": processor, "parameters": trained}


def files(kind: str, path: str) -> dict[str, Any]:
    """Train for one epoch as `gluonref train` does."""
    from gluon_ref import recipe, train

    net = "mlp" if kind == "table" else "cnn"
    changes = {**SMALL[net], "data.name": kind, "data.path": path, "train.epochs": 1, "train.batch_size": 256}
    since = start()
    with tempfile.TemporaryDirectory() as scratch:
        train(recipe.read(net).change(list(changes.items())), Path(scratch, "run"))
    return spent(since)


def main() -> None:
    """Train and tell."""
    tell = voice()
    what, name, *rest = sys.argv[1:]
    found = epochs(name, int(rest[0]), json.loads(rest[1])) if what == "epochs" else files(name, rest[0])
    tell({**found, "bytes": peak_bytes()})


if __name__ == "__main__":
    main()
