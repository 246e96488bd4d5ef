"""Several processes that train together, for tests: their start, and the program that each worker runs.

`python -m tests.together STORE FOLDER` is a worker: it joins the others, does all of CASES and of PROBES with them, one
after the other so that MXNet is imported once, and what they came to is left in FOLDER by the worker of rank 0.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from gluon_ref import beats
from gluon_ref import recipe as recipes
from gluon_ref.hooks import Averaging, Limit
from gluon_ref.loop import answering, measure
from gluon_ref.preparation import Prepared, prepare
from gluon_ref.workers import ALONE, Group

ROOT = Path(__file__).parents[1]
LIMIT_S = 150
MOMENTUM = [("optimizer.name", "sgd"), ("optimizer.momentum", "0.9"), ("optimizer.learning_rate", "0.05")]
ADAM = [("optimizer.name", "adam"), ("optimizer.learning_rate", "0.002")]
PLAIN = [("model.dropout", "0"), ("train.epochs", "1")]
NETS = {
    "mlp": [*PLAIN, ("model.units", "32,16")],
    "cnn": [*PLAIN, ("model.filters", "4,4,8"), ("model.units", "16"), ("model.batch_norm", "false")],
    "lstm": [
        *PLAIN,
        ("model.token_dropout", "0"),
        ("model.units", "8"),
        ("model.embedding", "8"),
        ("data.name", "text_table"),
    ],
}
AIDS = [
    *(("train.clip_norm", "0.5"), ("train.accumulate", "3"), ("train.ema", "0.9"), ("optimizer.weight_decay", "0.01")),
    *(("schedule.name", "cosine"), ("schedule.warmup", "0.2")),
]
# Name -> recipe, changes. The last batch of each epoch is a smaller one.
CASES: dict[str, tuple[str, list[tuple[str, str]]]] = {
    **{f"{net} {name}": (net, [*NETS[net], *how]) for net in NETS for name, how in (("sgd", MOMENTUM), ("adam", ADAM))},
    "mlp with every aid": ("mlp", [*NETS["mlp"], *ADAM, *AIDS]),
    "mlp on two devices": ("mlp", [*NETS["mlp"], *ADAM, ("train.device", "cpu:2")]),
}
BATCH = 64  # of all workers


def made(case: str, folder: Path, group: Group = ALONE) -> Prepared:
    """A case, ready to be trained."""
    name, changes = CASES[case]
    if name == "lstm":
        changes = [*changes, ("data.path", str(folder / "texts.csv"))]
    size = [("train.batch_size", str(-(-BATCH // group.workers)))]
    return prepare(recipes.read(name).change([*changes, *size]).check(), group=group, total=BATCH)


def write_texts(folder: Path) -> None:
    """A small file of texts for the case that needs one."""
    random = np.random.RandomState(0)
    rows = [f"{''.join(random.choice(list('abcd '), 3 + row % 9))}x,{'ab'[row % 2]}" for row in range(330)]
    (folder / "texts.csv").write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")


def trained(prepared: Prepared) -> dict[str, Any]:
    """Weights and figures after one epoch."""
    state, settings = prepared.state, prepared.recipe.settings
    prepared.train([*([Averaging()] if state.average else []), Limit(settings.epochs)])
    weights = {name: param.data(prepared.place.contexts[0]) for name, param in _params(prepared).items()}
    group, task = prepared.place.group, prepared.assembly.task
    scores = measure(answering(state.net, prepared.place.contexts[0]), task, prepared.held_out(), group)
    return {
        "weights": {name: array.asnumpy() for name, array in weights.items()},
        "average": {name: array.asnumpy() for name, array in state.average.arrays.items()} if state.average else {},
        "figures": {"loss": state.losses, "seen": state.seen, "step": state.step, "rate": state.rate, "scores": scores},
    }


def _params(prepared: Prepared) -> Any:
    return prepared.state.net._collect_params_with_prefix()


def start(store: str, folder: Path, *, workers: int = 2, servers: int = 1) -> list[str]:
    """Run scheduler, servers and workers until they end.

    Returns:
        what each worker printed.
    Raises:
        AssertionError: when one does not end well, or in time.
    """
    with socket.socket() as root:
        root.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        root.bind(("127.0.0.1", 0))  # kept, so that nobody else gets it
        names = {
            "DMLC_PS_ROOT_URI": "127.0.0.1",
            "DMLC_PS_ROOT_PORT": str(root.getsockname()[1]),
            "DMLC_NUM_WORKER": str(workers),
            "DMLC_NUM_SERVER": str(servers),
            "DMLC_NODE_HOST": "127.0.0.1",
            "GLUONREF_LAUNCHED": "1",
            "OMP_NUM_THREADS": "1",
        }
        environ = {key: value for key, value in os.environ.items() if key != "PORT"} | names
        serving, working = ["-m", "gluon_ref.serving"], ["-m", "tests.together", store, str(folder)]
        roles = [("scheduler", serving), *[("server", serving)] * servers, *[("worker", working)] * workers]
        processes = [
            subprocess.Popen(
                [sys.executable, *command],
                env=environ | {"DMLC_ROLE": role},
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for role, command in roles
        ]
        try:
            told = [process.communicate(timeout=LIMIT_S)[0] for process in processes[1 + servers :]]
        finally:
            for process in processes:
                process.kill()
                process.wait()
                assert process.stdout
                process.stdout.close()
    assert [process.returncode for process in processes[1 + servers :]] == [0] * workers, "\n".join(told)
    return told


def main(store: str, folder: Path) -> None:
    """Join the others and do everything."""
    from gluon_ref import workers
    from tests.probes import PROBES

    os.environ["DMLC_ROLE"] = "worker"
    group = workers.join(store)
    for name, probe in PROBES.items():
        assert probe(group), f"{name} at rank {group.rank}"
    cases = ("mlp adam",) if group.served or group.workers > 2 else CASES
    for case in cases:
        found = trained(made(case, folder, group))
        if not group.rank:
            arrays = {f"{kind} {name}": one for kind in ("weights", "average") for name, one in found[kind].items()}
            np.savez(folder / f"{case}.npz", **arrays)
            (folder / f"{case}.json").write_text(json.dumps(found["figures"]), encoding="utf-8")
    group.agree(False)  # nobody leaves before all are done


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    except BaseException:
        traceback.print_exc()
        beats.leave(1)  # at once, as the command does
