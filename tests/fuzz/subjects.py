"""The readers of run folders, artefacts and MXNet's own files, from the command line down."""

from __future__ import annotations

import atexit
import shutil
import signal
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from itertools import product
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any
from unittest.mock import patch

from gluon_ref import arrays, checkpoints, documents, exporting, graphs, logs, runs, training
from gluon_ref import recipe as recipes
from gluon_ref.artefacts import MANIFEST
from gluon_ref.backend import mx
from gluon_ref.errors import Interrupted
from gluon_ref.exports.subjects import of_run
from gluon_ref.inspection import inspect
from tests.conftest import SMALL

from .readers import TEXTS, Reader

ROWS = {"iris": "5.1,3.5,1.4,0.2", "texts": "gut schön"}
EXPORTERS = ("symbol", "npz")  # whose files are read by code of this package's
LAST = 2  # epochs of the run that is resumed


@cache
def _scratch() -> Path:
    """A folder for the runs, which are made once in a process."""
    folder = Path(mkdtemp(prefix="fuzz-runs-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def _run(name: str) -> Path:
    """A small run: iris with a running average, or texts."""
    folder = _scratch()
    (folder / "texts.csv").write_text(TEXTS, encoding="utf-8")
    text = [("data.name", "text_table"), ("data.path", str(folder / "texts.csv")), ("model.name", "lstm")]
    text += [("model.units", "3"), ("model.embedding", "5"), ("train.batch_size", "4"), ("train.epochs", "1")]
    iris = [*SMALL, ("model.units", "3"), ("train.ema", "0.9"), ("train.epochs", "1"), ("train.batch_size", "64")]
    run = training.train(recipes.read("mlp").change({"iris": iris, "texts": text}[name]), folder / name)
    runs.amend(run, run.recipe.change([("train.epochs", LAST)]))
    return run.folder


@cache
def _stopped() -> Path:
    """The run of iris, stopped after the first of its second epoch's two batches."""
    folder, save = _scratch() / "stopped", checkpoints.save

    def stop(folder: Path, state: Any, best: bool, rows: Any) -> None:
        save(folder, state, best, rows)
        if state.step == 3:
            raise Interrupted(signal.SIGTERM, "train", "go on")

    recipe = runs.load(_run("iris")).recipe.change([("train.checkpoint_steps", "1")])
    with patch.object(checkpoints, "save", stop), suppress(Interrupted):
        training.train(recipe, folder)
    return folder


@cache
def _artefact(name: str, exporter: str) -> Path:
    """Such a run's artefact; not opened in a process of its own, as `export` does."""
    folder = _scratch() / f"{name}-{exporter}"
    folder.mkdir()
    plan, subject = exporting._plan(exporter, None, 0, ()), of_run(_run(name), calibrated=False)
    written = plan.module.write(subject.source, folder, **plan.options)
    documents.write(folder / MANIFEST, exporting._manifest(plan, subject, written, folder))
    return folder


def _read_subject(folder: Path, name: str, random: Random) -> None:
    """Used by a command, as a person would."""
    subject = name.partition("/")[0]
    row = ROWS[subject.partition("-")[0]]
    _command(
        *random.choice(
            [
                ["inspect", str(folder / subject)],
                ["evaluate", str(folder / subject)],
                ["predict", str(folder / subject), row],
            ]
        ),
        *random.choice([[], ["--json"]]),
    )
    mx.nd.waitall()


def _command(*arguments: str) -> None:
    """A command whose errors are raised, not printed."""
    from gluon_ref_cli.main import main

    command = main.commands[arguments[0]]
    command.main(list(arguments[1:]), standalone_mode=False)


def _resume(folder: Path, name: str, random: Random) -> None:
    # One epoch more: a recipe that asks for a million is no fault of a reader's.
    changes = [("train.epochs", LAST), ("train.device", "cpu"), ("train.track", "")]
    run = folder / name.partition("/")[0]
    training.resume(run, changes)
    list(logs.read(run))
    mx.nd.waitall()


def _read_arrays(folder: Path, name: str, random: Random) -> None:
    told = arrays.check(folder / name)
    found = arrays.read(folder / name)
    for key, array in arrays.load(folder / name).items():
        assert array.asnumpy().shape == told[key].shape == found[key].shape, key


def _read_symbol(folder: Path, name: str, random: Random) -> None:
    inspect(folder / name)
    graphs.load(folder / name).list_inputs()


def readers(names: Sequence[str]) -> list[Reader]:
    """The readers, each of the files of these runs."""

    def write_runs(folder: Path) -> None:
        for name in names:
            shutil.copytree(_run(name), folder / name)

    def write_artefacts(folder: Path) -> None:
        for name, exporter in product(names, EXPORTERS):
            shutil.copytree(_artefact(name, exporter), folder / f"{name}-{exporter}")

    def write_unfinished(folder: Path) -> None:
        shutil.copytree(_run("iris"), folder / "iris")
        shutil.copytree(_stopped(), folder / "stopped")

    def write_arrays(folder: Path) -> None:
        for name in names:
            for path in (
                *_run(name).glob("*.params"),
                *_run(name).glob("*.states"),
                *_artefact(name, "symbol").glob("*.params"),
            ):
                shutil.copy(path, folder / f"{name}-{path.name}")

    def write_symbols(folder: Path) -> None:
        for name in names:
            shutil.copy(_artefact(name, "symbol") / "model-symbol.json", folder / f"{name}.json")

    return [
        Reader("arrays", write_arrays, _read_arrays),
        Reader("symbol", write_symbols, _read_symbol),
        Reader("run", write_runs, _read_subject, sealed=True),
        Reader("artefact", write_artefacts, _read_subject, sealed=True),
        Reader("resume", write_unfinished, _resume, sealed=True),
    ]
