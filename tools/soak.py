"""Kill trainings at random moments, resume them, and compare what they end with to one never stopped.

    make soak                                        three models, twenty rounds each
    python tools/soak.py --models cnn --rounds 5

Each round starts a training, kills it (SIGKILL) at a random moment, resumes it, kills it again in one round of three,
and lets it finish. Weights, averages, optimizer states, counters and log must be those of the reference, bit for bit.
Checkpoints are written every third update, so that many kills come while one is being written.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gluon_ref import documents, logs, runs

COMMON = """
    train.checkpoint_steps=3 train.log_steps=5 train.accumulate=2 train.ema=0.99 train.patience=50 train.clip_norm=5
    schedule.name=cosine
"""
# Model -> epochs, and what is set beside COMMON.
MODELS = {
    "mlp": (16, "model.dropout=0.3"),
    "cnn": (4, "augment.crop=0.125 augment.flip=true augment.cutout=0.25 augment.mixup=0.2 augment.brightness=0.2"),
    "lstm": (2, "model.units=16 model.embedding=16 train.batch_size=128"),
}
# One kill in so many comes at any moment, before the first checkpoint too; the others come after it.
EARLY = 5
# What a clock decides.
TIMES = ("time_s",)
# Where a kill may come.
BEGIN = "before the first checkpoint"
AGAIN = "after resuming, before the next checkpoint"
WITHIN = "between two checkpoints within an epoch"
BETWEEN = "between the checkpoint of an epoch and the next"
WRITING = "while a checkpoint was written, before it counted"
NAMING = "while the files of a new checkpoint took their names"
PHASES = (BEGIN, AGAIN, WITHIN, BETWEEN, WRITING, NAMING)
LONGEST_S = 600
GLANCE_S = 0.005


def command(model: str, folder: Path) -> list[str]:
    """A new training."""
    epochs, options = MODELS[model]
    settings = [word for option in f"{COMMON} {options}".split() for word in ("--set", option)]
    return ["gluonref", "train", model, "--epochs", str(epochs), *settings, "--out", str(folder)]


def contents(folder: Path) -> dict[str, Any]:
    """What a run ended with, but for what a clock decides."""
    run = runs.load(folder)
    found: dict[str, Any] = {name: run.file(name).read_bytes() for name in run.entry("files", dict)}
    found["facts"], found["state"] = run.facts, dict(run.state)
    found["log"] = [{key: one[key] for key in one if key not in TIMES} for one in logs.read(folder)]
    return found


def unlike(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Names of what one run ended with otherwise than another."""
    return [name for name in sorted({*expected, *found}) if expected.get(name) != found.get(name)]


def killed(words: list[str], after_s: float, begin: Path | None = None) -> bool:
    """Start a command and kill it after some seconds; whether it was still running.

    Args:
        words: the command.
        after_s: seconds after its start.
        begin: a file; the seconds count from when the command has written it.
    """
    before = stamp(begin)
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while begin and process.poll() is None and stamp(begin) == before:
        time.sleep(GLANCE_S)
    try:
        _, told = process.communicate(timeout=after_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return True
    if process.returncode:
        raise SystemExit(f"{' '.join(words)}: exit {process.returncode}\n{told}")
    return False


def stamp(path: Path | None) -> int:
    """Changes whenever a file is replaced; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns if path else 0
    except FileNotFoundError:
        return 0


def reference(model: str, folder: Path) -> tuple[float, float]:
    """Train without a stop; seconds until the first checkpoint, and in all."""
    start = time.perf_counter()
    process = subprocess.Popen(command(model, folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (folder / runs.STATE).is_file():
        time.sleep(GLANCE_S)
    first_s = time.perf_counter() - start
    if process.wait():
        raise SystemExit(f"{' '.join(command(model, folder))}: exit {process.returncode}")
    return first_s, time.perf_counter() - start


def place(folder: Path, step: int) -> tuple[str, str]:
    """Where a kill came: one of PHASES, and in more words.

    Args:
        folder: of the run.
        step: that it was started from, 0 for a new one.
    """
    if not (folder / runs.STATE).is_file():
        return BEGIN, BEGIN
    state = documents.read(folder / runs.STATE, runs.FORMAT)
    fresh = sorted(folder.glob("*.new"))
    if fresh:
        meant = any(documents.checksum(path) == state["files"].get(path.stem) for path in fresh)
        phase = NAMING if meant else WRITING
    elif state["step"] == step:
        phase = AGAIN
    else:
        phase = WITHIN if state["batch"] else BETWEEN
    where = f"epoch {state['epoch'] + 1}, batch {state['batch']}, step {state['step']}"
    return phase, f"{phase} ({', '.join([where, *(path.name for path in fresh)])})"


def survive(
    model: str, folder: Path, moment: Callable[[float], tuple[float, bool]], updates: int, kills: int
) -> Iterator[tuple[str, str]]:
    """Train, kill, resume ... until the training ends by itself; gives where each kill came.

    Args:
        model: one of MODELS.
        folder: of the run.
        moment: share of the training that is left -> seconds after which to kill, and whether from the first
            checkpoint on.
        updates: of the whole training.
        kills: how many.
    """
    words, step, done = command(model, folder), 0, 0
    while done < kills:
        after_s, late = moment(1 - step / updates)
        if not killed(words, after_s, folder / runs.STATE if late else None) or ended(model, folder):
            if done:
                return
            shutil.rmtree(folder)  # it was quicker than the moment drawn: not a kill, so once more
            continue
        done += 1
        yield place(folder, step)
        if (folder / runs.STATE).is_file():
            if saved(model, folder):
                return  # killed while the last files took their names: readers find them
            words = ["gluonref", "train", "--resume", str(folder)]
            step = documents.read(folder / runs.STATE, runs.FORMAT)["step"]
        else:
            shutil.rmtree(folder, ignore_errors=True)
            words, step = command(model, folder), 0
    killed(words, LONGEST_S)


def ended(model: str, folder: Path) -> bool:
    """Whether all epochs are saved and all files have their names: such a run has nothing left to lose."""
    return (folder / runs.STATE).is_file() and saved(model, folder) and not any(folder.glob("*.new"))


def saved(model: str, folder: Path) -> bool:
    """Whether all epochs are saved: such a run cannot be resumed."""
    return bool(documents.read(folder / runs.STATE, runs.FORMAT)["epoch"] == MODELS[model][0])


def soak(model: str, rounds: int, seed: int, parent: Path) -> tuple[int, Counter[str]]:
    """Rounds that ended otherwise than the reference, and how many kills came in which phase."""
    first_s, whole_s = reference(model, parent / model)
    expected = contents(parent / model)
    print(f"{model}: {whole_s:.1f} s, {expected['state']['step']} updates, never stopped", flush=True)
    chance, wrong, phases = random.Random(f"{seed} {model}"), 0, Counter[str]()

    def moment(left: float) -> tuple[float, bool]:
        late = chance.randrange(EARLY) > 0
        return chance.uniform(0.0, left * (whole_s - first_s) + (0.0 if late else first_s)), late

    for number in range(1, rounds + 1):
        folder = parent / f"{model}-{number}"
        kills = 2 if number % 3 == 0 else 1
        places = list(survive(model, folder, moment, expected["state"]["step"], kills))
        phases.update(phase for phase, _ in places)
        differing = unlike(expected, contents(folder))
        wrong += bool(differing)
        told = f"unlike: {', '.join(differing)}" if differing else "bit-identical"
        print(f"{model} {number}/{rounds}: killed {'; then '.join(words for _, words in places)}: {told}", flush=True)
        if not differing:
            shutil.rmtree(folder)
    return wrong, phases


def main() -> int:
    """All models; the exit status is 1 when any round ended otherwise."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=sorted(MODELS), default=list(MODELS))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    parent, start = Path(tempfile.mkdtemp(prefix="gluonref-soak-")), time.perf_counter()
    wrong, phases = 0, Counter[str]()
    for model in asked.models:
        differing, found = soak(model, asked.rounds, asked.seed, parent)
        wrong, phases = wrong + differing, phases + found
    took = f"{time.perf_counter() - start:.0f} s"
    print(f"{len(asked.models) * asked.rounds} rounds, {phases.total()} kills, {wrong} not bit-identical, {took}")
    for phase in PHASES:
        print(f"{phases[phase]:4d} {phase}")
    if wrong:
        print(f"kept in {parent}", file=sys.stderr)
        return 1
    shutil.rmtree(parent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
