"""The nets of benchmarks/training.py in this package: `python benchmarks/_training.py KIND NET BATCH`.

KIND is package (training with its hooks, in float32) or bfloat16 (the same in that precision). It answers as _turns.py
says.
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks._turns import peak_bytes, spent, start, timed, voice

# Net -> input form of its samples, how many, and its options in this package's terms.
NETS: dict[str, tuple[str, int, dict[str, Any]]] = {
    "mlp": ("vector", 61_440, {"units": (256, 128), "dropout": 0.0}),
    "cnn": ("image", 61_440, {"filters": (32, 64, 128), "units": 128, "dropout": 0.3}),
    "lstm": ("text", 20_480, {"embedding": 100, "units": 128, "directions": "forward", "dropout": 0.2}),
}
RATE = 0.001
SEVERAL = 64


def recipe(net: str, batch: int, precision: str = "float32", changes: dict[str, Any] | None = None) -> Any:
    """This package's recipe of a net on made-up samples; changes are of "section.key"."""
    from gluon_ref.recipe import Recipe

    kind, samples, options = NETS[net]
    sections = {
        "task": {"name": "classify"},
        "model": {"name": net, **options},
        "data": {"name": "benchmarks._synthetic", "kind": kind, "samples": samples},
        "optimizer": {"name": "adam", "learning_rate": RATE},
        "train": {"epochs": 10**6, "batch_size": batch, "precision": precision, "checkpoint_minutes": 0.0},
    }
    return Recipe(net, sections).change(list((changes or {}).items())).check()


class Over(Exception):
    """The parent is gone."""


class Turn:
    """A hook that goes on only when the parent asks for steps, and serves what else it asks for."""

    def __init__(self, handlers: dict[str, Callable[[int], Any]]) -> None:
        from gluon_ref.backend import mx

        self._handlers, self._wait, self._left = handlers, mx.nd.waitall, 0
        self._since: tuple[float, float] | None = None
        self._tell = voice()

    def after_step(self, state: Any) -> None:
        """Count, and wait for the next request when the steps are done."""
        self._left -= 1
        if self._left > 0:
            return
        self._wait()
        self._tell(spent(self._since) if self._since else {"ready": True})
        for line in sys.stdin:
            request = json.loads(line)
            if request["what"] == "train":
                self._left, self._since = request["steps"], start()
                return
            self._tell(timed(self._handlers, request, self._wait))
        raise Over

    def after_epoch(self, state: Any) -> None:
        """Nothing: an epoch's end is no part of a step."""


def package(net: str, batch: int, precision: str) -> None:
    """This package's training as `gluonref train` does it, but for what it does between epochs."""
    from gluon_ref import hooks
    from gluon_ref.interrupts import watching
    from gluon_ref.logs import append
    from gluon_ref.preparation import prepare
    from gluon_ref.progress import Progress

    prepared = prepare(recipe(net, batch, precision))
    settings = prepared.recipe.settings
    with tempfile.TemporaryDirectory() as folder, watching() as watch:
        guard = hooks.Guard(settings.log_steps)
        try:
            prepared.train(
                [
                    hooks.Beat(),
                    guard,
                    hooks.Log(lambda record: append(Path(folder), record), settings.log_steps),
                    hooks.Checkpoint(lambda state, best: None, guard),
                    Quiet(Progress(settings.epochs, len(prepared.data.train), "accuracy")),
                    hooks.Stop(watch, "train", "start again"),
                    Turn({"infer": inference(prepared, batch), **parts(prepared), "memory": memory}),
                ]
            )
        except Over:
            return


class Quiet:
    """Another hook's steps without its epochs, whose figures there are none of."""

    def __init__(self, hook: Any) -> None:
        self.after_step = hook.after_step

    def after_epoch(self, state: Any) -> None:
        """Nothing."""


def memory(steps: int) -> dict[str, int]:
    """Most memory so far."""
    return {"bytes": peak_bytes()}


def inference(prepared: Any, batch: int) -> Callable[[int], None]:
    """Answer batches of the held-out part as an evaluation does, arrays of numpy in and out."""
    from gluon_ref import flat
    from gluon_ref.batching import batches, plan
    from gluon_ref.loop import answering

    part, assembly = prepared.data.held_out, prepared.assembly
    answer = answering(assembly.net, prepared.place.contexts[0])
    order = itertools.cycle(plan(part, batch))

    def run(steps: int) -> None:
        with flat.apart(prepared.state.trainers):
            for one in batches(part, list(itertools.islice(order, steps)), assembly.form, assembly.facts):
                answer(*one.inputs)

    return run


def parts(prepared: Any) -> dict[str, Callable[[int], Any]]:
    """What a step consists of, each waited for: gather, move, forward; backward after forward; update after both."""
    from gluon_ref.backend import mx
    from gluon_ref.loop import step
    from gluon_ref.place import spread

    state, place, objective = prepared.state, prepared.place, prepared.assembly.task.objectives[0]
    epochs = itertools.chain.from_iterable(prepared.batches(epoch) for epoch in itertools.count(1))
    held = next(epochs)
    # Several, so that the network does not come to know one by heart.
    several = itertools.cycle([spread(one, place)[0] for one in itertools.islice(epochs, SEVERAL)])

    def each(work: Callable[[], Any]) -> Callable[[int], Any]:
        def run(steps: int) -> None:
            for _ in range(steps):
                work()
                mx.nd.waitall()

        return run

    def forward() -> Any:
        with mx.autograd.record():
            return objective.loss(state.net, next(several))

    return {
        "gather": each(lambda: next(epochs)),
        "move": each(lambda: spread(held, place)),
        "forward": each(forward),
        "backward": each(lambda: mx.autograd.backward([forward()])),
        "update": each(lambda: step(state, objective, state.trainers[0], [[next(several)]], held.size, None)),
    }


if __name__ == "__main__":
    package(sys.argv[2], int(sys.argv[3]), "bfloat16" if sys.argv[1] == "bfloat16" else "float32")
