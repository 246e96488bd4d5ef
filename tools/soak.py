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
from pathlib import Path
from typing import Any

from gluon_ref import documents, logs, runs

COMMON = """
    train.checkpoint_steps=3 train.log_steps=5 train.ema=0.99 train.patience=50 train.clip_norm=5 schedule.name=cosine
"""
# Model -> epochs, and what is set beside COMMON.
MODELS = {
    "mlp": (16, "model.dropout=0.3 train.accumulate=2"),
    "cnn": (4, "augment.crop=0.125 augment.flip=true augment.cutout=0.25 augment.mixup=0.2 augment.brightness=0.2"),
    "lstm": (2, "model.units=16 model.embedding=16 train.batch_size=128 train.accumulate=2"),
}
# One kill in so many comes at any moment, before the first checkpoint too; the others come after it.
EARLY = 5
# What a clock decides.
TIMES = ("time_s",)


def command(model: str, folder: Path) -> list[str]:
    """A new training."""
    epochs, options = MODELS[model]
    settings = [word for option in f"{COMMON} {options}".split() for word in ("--set", option)]
    return ["gluonref", "train", model, "--epochs", str(epochs), *settings, "--out", str(folder)]


def contents(folder: Path) -> dict[str, Any]:
    """What a run ended with, but for what a clock decides."""
    run = runs.load(folder)
    found: dict[str, Any] = {name: run.file(name).read_bytes() for name in run.entry("files", dict)}
    found["state"] = dict(run.state)
    found["log"] = [{key: one[key] for key in one if key not in TIMES} for one in logs.read(folder)]
    return found


def killed(words: list[str], after_s: float) -> bool:
    """Start a command and kill it after some seconds; whether it was still running."""
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        _, told = process.communicate(timeout=after_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return True
    if process.returncode:
        raise SystemExit(f"{' '.join(words)}: exit {process.returncode}\n{told}")
    return False


def reference(model: str, folder: Path) -> tuple[float, float]:
    """Train without a stop; seconds until the first checkpoint, and in all."""
    start = time.perf_counter()
    process = subprocess.Popen(command(model, folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (folder / runs.STATE).is_file():
        time.sleep(0.02)
    first_s = time.perf_counter() - start
    if process.wait():
        raise SystemExit(f"{' '.join(command(model, folder))}: exit {process.returncode}")
    return first_s, time.perf_counter() - start


def place(folder: Path) -> tuple[str, bool]:
    """Where a kill came, in words, and whether a checkpoint is there to go on from."""
    if not (folder / runs.STATE).is_file():
        return ("before the folder" if not folder.exists() else "before the first checkpoint"), False
    state = documents.read(folder / runs.STATE, runs.FORMAT)
    writing = sorted(path.name for path in folder.glob("*.new"))
    where = f"epoch {state['epoch'] + 1}, batch {state['batch']}, step {state['step']}"
    return where + (f", within writing {', '.join(writing)}" if writing else ""), True


def soak(model: str, rounds: int, seed: int, parent: Path) -> tuple[int, int]:
    """Rounds that ended otherwise than the reference, and kills that came within a checkpoint's writing."""
    first_s, whole_s = reference(model, parent / model)
    expected = contents(parent / model)
    print(f"{model}: {whole_s:.1f} s, {expected['state']['step']} updates, never stopped", flush=True)
    chance, wrong, writing = random.Random(f"{seed} {model}"), 0, 0
    for number in range(1, rounds + 1):
        folder = parent / f"{model}-{number}"
        words, places, kills = command(model, folder), [], 2 if number % 3 == 0 else 1
        while kills and killed(words, chance.uniform(0.0 if chance.randrange(EARLY) == 0 else first_s, whole_s)):
            kills -= 1
            where, kept = place(folder)
            places.append(where)
            writing += "writing" in where
            if kept:
                words = ["gluonref", "train", "--resume", str(folder)]
            else:
                shutil.rmtree(folder, ignore_errors=True)
        if not (folder / runs.STATE).is_file() or runs.load(folder).state["epoch"] < MODELS[model][0]:
            killed(words, 600)
        found = contents(folder)
        unlike = [name for name in expected if found.get(name) != expected[name]]
        wrong += bool(unlike)
        told = f"unlike: {', '.join(unlike)}" if unlike else "bit-identical"
        print(f"{model} {number}/{rounds}: killed {'; then '.join(places) or 'too late'}: {told}", flush=True)
        if not unlike:
            shutil.rmtree(folder)
    return wrong, writing


def main() -> int:
    """All models; the exit status is 1 when any round ended otherwise."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=sorted(MODELS), default=list(MODELS))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    parent = Path(tempfile.mkdtemp(prefix="gluonref-soak-"))
    found = {model: soak(model, asked.rounds, asked.seed, parent) for model in asked.models}
    wrong = sum(unlike for unlike, _ in found.values())
    writing = sum(within for _, within in found.values())
    rounds = len(found) * asked.rounds
    print(f"{rounds} rounds, {writing} kills while a checkpoint was written, {wrong} rounds not bit-identical")
    if wrong:
        print(f"kept in {parent}", file=sys.stderr)
        return 1
    shutil.rmtree(parent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
