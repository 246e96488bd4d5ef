"""Small runs, their bundles, and a Python of its own to run them in: one that has numpy and onnxruntime, no more."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy
import onnxruntime

from gluon_ref.answering import open_run
from gluon_ref.exporters import bundle
from gluon_ref.exports.sources import from_net

SITE = Path(numpy.__file__).parents[1]
# Isolated and without site-packages: neither MXNet nor this package nor Pillow can be imported.
START = (
    "import sys, runpy; sys.path.append(sys.argv[1]); del sys.argv[:2]; runpy.run_path(sys.argv[0], None, '__main__')"
)


def prepare(folder: Path, *packages: str) -> Path:
    """A folder to import numpy and onnxruntime from, and other packages of this machine."""
    folder.mkdir()
    for name in ("numpy", "numpy.libs", *packages):
        if (SITE / name).exists():
            (folder / name).symlink_to(SITE / name)
    (folder / "onnxruntime").symlink_to(Path(onnxruntime.__file__).parent)
    return folder


def run_alone(
    packages: Path, program: Path, *arguments: object, given: str = "", cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A bundle's program in a process of its own.

    Args:
        packages: as `prepare` made it.
        program: predict.py, or the .zip.
        arguments: of the command line.
        given: standard input.
        cwd: folder to run in.
        environment: more variables.
    """
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", START, str(packages), str(program), *map(str, arguments)],
        input=given,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1", **environment},
    )


def about(run: Path) -> Mapping[str, str]:
    """What an export tells a format of a run."""
    opened = open_run(run)
    facts = opened.run.facts
    return {
        "task": opened.run.recipe["task"]["name"],
        "model": opened.run.recipe["model"]["name"],
        "takes": facts.takes,
        "labels": json.dumps(facts.labels),
        "facts": json.dumps(dataclasses.asdict(facts)),
        "versions": json.dumps({"python": "3"}),
    }


def write(run: Path, folder: Path, **options: object) -> Path:
    """The bundle of a run."""
    opened = open_run(run)
    folder.mkdir(exist_ok=True)
    classes = opened.run.facts.target == "label"
    source = from_net(opened.assembly.net, opened.assembly.fields, classes, about(run))
    bundle.write(source, folder, **options)
    return folder / bundle.BUNDLE
