"""Training and inference beside PyTorch: `python benchmarks/training.py [--torch PYTHON] [--data fashion_mnist:DIR]`.

The same nets on the same arrays in this package's own training (prepare, fit, hooks), also in bfloat16, in a loop in
Gluon as one writes it by hand, with MXNet's own settings and with this package's, and in PyTorch (eager with fused
Adam, and torch.compile; PYTHON is one that has torch 2.13 and this package), each in a process of its own, in turns;
with all cores and with one thread. Then whole epochs of Fashion-MNIST, where a step's time goes, and the machine's
speed at products of float32 matrices. An hour; with --bars half of it, with --quick three minutes. Writes
benchmarks/results/training.md and training.json, or bars.md or quick.md and theirs; ends with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import _tables, _training
from benchmarks._turns import Player, turns
from gluon_ref.machine import processors

HERE = Path(__file__).parent
BATCHES = (32, 128, 512)
KINDS = ("package", "bfloat16", "gluon", "gluon-set", "torch", "torch-channels-last", "torch-compiled")
SIZES = (512, 1024, 2048, 4096)
PARTS = ("gather", "move", "forward", "backward", "update")
EPOCHS = {"mlp": 4, "cnn": 2}  # of each process; the first warms up
PATIENT_S = 3600.0


@dataclass(frozen=True)
class Row:
    """What was measured of one kind of one net.

    Args:
        net: which.
        what: train, infer, a part of a step, epoch, or peak.
        kind: of the process.
        batch: samples of a step; of a peak, rows of the matrices.
        threads: of the process.
        seconds: of a step by the clock, in each round.
        processor: likewise, of the processor.
        bytes: most memory of the process.
        error: why there are no figures, else empty.
    """

    net: str
    what: str
    kind: str
    batch: int
    threads: int
    seconds: tuple[float, ...] = ()
    processor: tuple[float, ...] = ()
    bytes: int = 0
    error: str = ""

    @property
    def median_s(self) -> float:
        """Half of the rounds are quicker."""
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Plan:
    """What to measure: how many rounds of how many seconds, and the Python that has torch, or none."""

    torch: str
    rounds: int
    seconds: float
    quick: bool

    def kinds(self, net: str) -> list[str]:
        """Kinds of a net that can be measured."""
        left_out = {"torch-channels-last"} if net != "cnn" else set()
        left_out |= {"torch-compiled"} if self.quick else set()
        return [one for one in KINDS if one not in left_out and (self.torch or not one.startswith("torch"))]


@contextmanager
def players(commands: dict[str, Sequence[str]], threads: int) -> Iterator[list[Player]]:
    """A ready process for each label."""
    with ExitStack() as stack:
        found = [stack.enter_context(Player(label, command, threads)) for label, command in commands.items()]
        for player in found:
            player.listen()
        yield found


def command(kind: str, torch: str, *arguments: Any) -> list[str]:
    """The call of a kind's process."""
    by_hand = dict.fromkeys(("gluon", "gluon-set", "mx.nd.dot"), "_loops.py")
    of_torch = kind.startswith("torch")
    script = HERE / ("_torches.py" if of_torch else by_hand.get(kind, "_training.py"))
    return [torch if of_torch else sys.executable, str(script), *map(str, arguments)]


def rows(
    found: Sequence[Player], what: str, plan: Plan, net: str, batch: int, threads: int, memory: bool = False
) -> list[Row]:
    """Time one thing that all processes do, in turns."""
    timed = turns(found, what, plan.rounds, plan.seconds)
    made = []
    for player, mine in zip(found, timed):
        clock, processor = zip(*mine) if mine else ((), ())
        peak = player.ask(what="memory").get("bytes", 0) if memory else 0
        made.append(Row(net, what, player.label, batch, threads, clock, processor, peak, player.error))
    return made


def nets(plan: Plan, threads: int, batches: Sequence[int]) -> Iterator[Row]:
    """Training, inference and, at batch 128, the parts of a step."""
    for net in _training.NETS:
        for batch in batches:
            print(f"{net}, batch {batch}, {threads} threads", file=sys.stderr)
            commands = {kind: command(kind, plan.torch, kind, net, batch) for kind in plan.kinds(net)}
            with players(commands, threads) as found:
                for what in ("train", "infer"):
                    yield from rows(found, what, plan, net, batch, threads, memory=True)
                for part in PARTS if batch == _tables.BATCH else ():
                    yield from rows(found[:1], part, plan, net, batch, threads)


def peaks(plan: Plan, threads: int) -> Iterator[Row]:
    """Products of square matrices of several sizes, by MXNet and by PyTorch."""
    for size in SIZES[:3] if plan.quick else SIZES:
        commands = {kind: command(kind, plan.torch, "peak", "none", size) for kind in ("mx.nd.dot", "torch.mm")}
        with players({kind: one for kind, one in commands.items() if one[0]}, threads) as found:
            yield from rows(found, "peak", plan, "", size, threads)


def epochs(plan: Plan, folder: str, threads: int) -> Iterator[Row]:
    """Whole epochs of Fashion-MNIST, a process for each training; the first epoch of each is left out."""
    script = str(HERE / "_epochs.py")
    for net, count in {"mlp": 2}.items() if plan.quick else EPOCHS.items():
        kinds = ["package", "gluon", "gluon-set", *(["torch"] if plan.torch else [])]
        told: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
        for number in range(1 if plan.quick else plan.rounds):
            for kind in kinds:
                print(f"epochs of {net}, round {number + 1}, {kind}", file=sys.stderr)
                call = [plan.torch if kind == "torch" else sys.executable, script, kind, net, folder, str(count)]
                with Player(kind, call, threads) as player:
                    told[kind].append({**player.listen(PATIENT_S), "error": player.error})
        for kind, mine in told.items():
            whole = [one for one in mine if not one["error"]]
            times = tuple(statistics.median(one["epochs_s"][1:]) for one in whole)
            work = tuple(one["processor"] / count for one in whole)  # start-up included
            most = max((one["bytes"] for one in whole), default=0)
            error = next((one["error"] for one in mine if one["error"]), "")
            yield Row(net, "epoch", kind, _tables.BATCH, threads, times, work, most, error)


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torch", default="", help="Python that has torch and this package; left out without it")
    parser.add_argument("--data", default="", help="fashion_mnist:DIR, for whole epochs; left out without it")
    parser.add_argument("--bars", action="store_true", help="batch 128 and all cores only")
    parser.add_argument("--quick", action="store_true", help="likewise, in three short rounds, and no epochs of cnn")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each process")
    asked = parser.parse_args()
    name, _, folder = asked.data.partition(":")
    if asked.data and (name != "fashion_mnist" or not Path(folder).is_dir()):
        parser.error(f"--data {asked.data}: expected fashion_mnist:DIR with the four idx files in DIR")
    busy, cores = os.getloadavg()[0], processors()
    plan = Plan(asked.torch, 3 if asked.quick else asked.rounds, 0.3 if asked.quick else 0.7, asked.quick)
    found: list[Row] = []
    short = "quick" if asked.quick else "bars" if asked.bars else ""
    for threads in [cores] if short or cores == 1 else [cores, 1]:
        found += peaks(plan, threads)
        found += nets(plan, threads, [_tables.BATCH] if short else BATCHES)
    found += epochs(plan, folder, cores) if folder else ()
    line = f"`python benchmarks/training.py{short and f' --{short}'} --torch PYTHON --data fashion_mnist:DIR`"
    head = f"{line}, {_tables.machine()}; {plan.rounds} rounds in turns, {busy:.1f} processes busy before."
    text = f"# Training beside PyTorch\n\n{head}\n\n{_tables.document(found, cores)}"
    print(text)
    place = HERE / "results" / (short or "training")
    reached = _tables.bars(found, cores)
    _tables.keep(place, text, {"about": head, "bars": reached, "rows": [asdict(one) for one in found]})
    sys.exit(any(bar["least"] is not None and bar["reached"] < bar["least"] for bar in reached))


if __name__ == "__main__":
    main()
