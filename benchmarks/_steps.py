"""A worker of benchmarks/scaling.py: `python benchmarks/_steps.py FOLDER` trains, and times its steps when asked.

FOLDER has a file job.json: what stands in Job. The worker runs by itself, or as one of several that `gluonref launch`
has started. It stands still until it reads anything from the pipe RANK.turn there, which it makes, does a turn's steps,
and writes what it saw into RANK-TURN.json; END ends it.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gluon_ref import beats, hooks, place
from gluon_ref import recipe as recipes
from gluon_ref.backend import mx
from gluon_ref.interrupts import Watch
from gluon_ref.preparation import Prepared, prepare
from gluon_ref.records import State

JOB, END = "job.json", "end"
LOOPBACK = Path("/sys/class/net/lo/statistics/tx_bytes")
# Parts of a step, in their order.
PARTS = ("forward", "backward", "exchange", "update")


@dataclass(frozen=True)
class Job:
    """What a worker is to do.

    Args:
        recipe: by name.
        changes: of the recipe, "section.key" and value.
        warm: steps before the first turn.
        steps: of a turn.
        split: take the steps apart, waiting for the device at each seam, which makes them longer.
    """

    recipe: str
    changes: list[list[str]]
    warm: int
    steps: int
    split: bool = False


@dataclass
class Seen:
    """What a worker saw in a turn.

    Args:
        size_bytes: of the gradients.
        samples: that this worker computed.
        seconds: that it took.
        processor_s: of this process meanwhile.
        sent_bytes: through the loopback interface meanwhile, by all processes.
        parts: of a split job, seconds of each of PARTS in each step.
        handed: when each step's gradients were handed over, by the machine's clock.
        returned: and when their sums were back.
    """

    size_bytes: int
    samples: int
    seconds: float = 0.0
    processor_s: float = 0.0
    sent_bytes: int = 0
    parts: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in PARTS})
    handed: list[float] = field(default_factory=list)
    returned: list[float] = field(default_factory=list)


class EnoughError(Exception):
    """There are no more turns; the way out of the training loop."""


class Turns(hooks.Hook):
    """Stands still between turns, and times each from one moment without work under way to another.

    Args:
        folder: where turns are told, and what was seen is written.
        job: what a turn is.
        rank: of this worker.
        size_bytes: of the gradients.
        samples: of a turn.
    """

    def __init__(self, folder: Path, job: Job, rank: int, size_bytes: int, samples: int) -> None:
        self._folder, self._job, self._rank = folder, job, rank
        self._size_bytes, self._samples = size_bytes, samples
        self._turn, self._left = 0, job.warm
        self.seen = Seen(size_bytes, samples)
        self._pipe = folder / f"{rank}.turn"
        os.mkfifo(self._pipe)

    def after_step(self, state: State) -> None:
        """Go on within a turn; at its end write what was seen, and wait for the next."""
        self._left -= 1
        if self._left:
            return
        self._clock(1)
        if self._turn:
            target = self._folder / f"{self._rank}-{self._turn}.json"
            target.with_suffix(".part").write_text(json.dumps(asdict(self.seen)), encoding="utf-8")
            target.with_suffix(".part").rename(target)
        self._turn += 1
        # A pipe, as looking for a file again and again takes a good part of a processor from those whose turn it is.
        if self._pipe.read_text(encoding="ascii") == END:
            raise EnoughError
        self._left, self.seen = self._job.steps, Seen(self._size_bytes, self._samples)
        self._clock(-1)

    def _clock(self, sign: int) -> None:
        mx.nd.waitall()
        self.seen.seconds += sign * time.monotonic()
        self.seen.processor_s += sign * time.process_time()
        self.seen.sent_bytes += sign * int(LOOPBACK.read_text(encoding="ascii"))


class Seams(hooks.Hook):
    """Notes when each part of a step begins and ends; the functions that do them are wrapped for that.

    Args:
        prepared: whose group and trainer are watched.
        turns: where it is noted.
    """

    def __init__(self, prepared: Prepared, turns: Turns) -> None:
        self._turns, self._begun = turns, _settled()
        self._at: dict[str, tuple[float, float]] = {}
        (trainer,), group = prepared.state.trainers, prepared.place.group
        self._around(mx.autograd, "backward", "backward")
        # Where servers hold the weights, the trainer sends gradients and takes weights.
        self._around(*((trainer, "step") if group.served else (group, "add")), "exchange")
        self._around(trainer, "update", "update")

    def _around(self, owner: Any, name: str, part: str) -> None:
        inner = getattr(owner, name)

        def watched(*given: Any, **named: Any) -> Any:
            begun = _settled()
            found = inner(*given, **named)
            self._at[part] = begun, _settled()
            return found

        setattr(owner, name, watched)

    def after_step(self, state: State) -> None:
        """Keep the step's parts; what the hooks before this one took belongs to the next step's first part."""
        at, seen = self._at, self._turns.seen
        at["forward"] = self._begun, at["backward"][0]
        for name in PARTS:
            begun, ended = at.get(name, (0.0, 0.0))
            seen.parts[name].append(ended - begun)
        if "exchange" in at:
            seen.handed.append(at["exchange"][0])
            seen.returned.append(at["exchange"][1])
        self.restart()

    def restart(self) -> None:
        """A step begins."""
        self._at, self._begun = {}, _settled()


class Restart(hooks.Hook):
    """Begins the first step of a turn after the waiting for it."""

    def __init__(self, seams: Seams) -> None:
        self._seams = seams

    def after_step(self, state: State) -> None:
        """Begin it."""
        self._seams.restart()


def _settled() -> float:
    mx.nd.waitall()
    return time.monotonic()


def work(folder: Path) -> None:
    """Train until there are no more turns."""
    job = Job(**json.loads((folder / JOB).read_text(encoding="utf-8")))
    recipe = recipes.read(job.recipe).change([(key, value) for key, value in job.changes]).check()
    settings = recipe.settings
    group = place.gather(settings.kvstore)
    prepared = prepare(recipe, group=group)
    trained = [one for one in prepared.state.net.collect_params().values() if one.grad_req != "null"]
    size_bytes = 4 * sum(one.data().size for one in trained)
    turns = Turns(folder, job, group.rank, size_bytes, job.steps * settings.batch_size)
    guard = hooks.Guard(settings.log_steps)
    # What a training has beside its steps, but for what writes files.
    beside: list[hooks.Hook] = [
        hooks.Beat(),
        guard,
        hooks.Checkpoint(lambda state, best: None, guard, minutes=settings.checkpoint_minutes, group=group),
        hooks.Stop(Watch(), "benchmark", "", group),
    ]
    if job.split:
        seams = Seams(prepared, turns)
        beside += [seams, turns, Restart(seams)]
    else:
        beside.append(turns)
    with suppress(EnoughError):
        prepared.train(beside)
    group.agree(False)  # nobody leaves before all are done


if __name__ == "__main__":
    try:
        work(Path(sys.argv[1]))
    except BaseException:
        traceback.print_exc()
        beats.leave(1)  # at once, as the command does
