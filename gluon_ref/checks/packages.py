"""Versions of everything that can change a result, against the bounds of gluon_ref's own metadata."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from .. import __file__ as package
from .. import machine
from .findings import Finding, fine, pip, problem, warning
from .requirements import OURS, Requirement, carrier, holds, installed, required, requirement

# Looked at where they are installed; gluon_ref's own requirements are looked at always.
OPTIONAL = ("onnx", "onnxruntime", "matplotlib", "packaging")
# Outside their bounds these stop training; of the others, what fails shows when they are imported.
FATAL = ("numpy",)
WHY = {
    "babel": "the names data set is its tables: with another release the published numbers do not hold",
    "gluoncv": "the model backbone and the detectors are its networks",
    "gluonnlp": "text is batched with it",
    "mxnet": "it computes everything here",
    "numpy": "mxnet 1.9.1 is built against numpy 1",
    "onnx": "onnx 1.19 removed onnx.mapping, which mxnet.onnx imports: exporting to ONNX fails",
    "opencv-python": "gluoncv imports it; from 4.12 on it asks for numpy 2, which pip may then install",
    "pillow": "images are read with it",
    "scikit-learn": "the digits, iris, wine ... come with it",
    "setuptools": "mxnet and gluoncv import distutils, which left Python with 3.12: setuptools brings it",
    "tomli-w": "recipes and run folders are written with it",
}
OTHERWISE = "gluon_ref was made for the versions within these bounds"


def versions() -> dict[str, str]:
    """Python and every package that is looked at, by name; "not installed" where it is not."""
    found = {"python": ".".join(map(str, sys.version_info[:3])), OURS: installed(OURS) or "not installed"}
    for one in _looked_at():
        found[one.name] = installed(one.name) or "not installed"
    return found


def check() -> list[Finding]:
    """Findings about Python, gluon_ref and the packages it stands on."""
    return [_python(), _ours(), *(_package(one) for one in _looked_at())]


def _looked_at() -> list[Requirement]:
    needs = required()
    names = [name for name, one in needs.items() if one.always or installed(name)]
    return [
        requirement(name) for name in [*names, *(name for name in OPTIONAL if name not in needs and installed(name))]
    ]


def _python() -> Finding:
    version = tuple(sys.version_info[:2])
    found = f"{'.'.join(map(str, sys.version_info[:3]))} at {sys.executable}"
    low, high = machine.PYTHONS
    if low <= version <= high:
        return fine("python", found)
    return problem(
        "python",
        found,
        f"MXNet 1.9.1 is made to work on Python {low[0]}.{low[1]} to {high[0]}.{high[1]}",
        f"python3.11 -m venv .venv && .venv/bin/pip install {shlex.quote(str(Path(package).parents[1]))}",
    )


def _ours() -> Finding:
    version = installed(OURS)
    folder = Path(package).parent
    if version:
        return fine(OURS, f"{version} in {folder}")
    return warning(
        OURS,
        f"used from {folder}, but not installed",
        "without its metadata the bounds of its packages are unknown, and nothing keeps pip from breaking them",
        pip("install --editable", str(folder.parent)),
    )


def _package(one: Requirement) -> Finding:
    version = installed(one.name)
    why = WHY.get(one.name, OTHERWISE)
    if version is None:
        return problem(one.name, f"not installed; expected {one.bound or 'any version'}", why, pip("install", one.text))
    if holds(version, one.bound):
        return fine(one.name, version + (f" ({one.bound})" if one.bound else ""))
    state = problem if one.name in FATAL else warning
    return state(one.name, f"{version}; expected {one.bound}", why, pip("install", carrier(one.name) + one.bound))
