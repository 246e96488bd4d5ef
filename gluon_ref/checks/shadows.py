"""Files and folders that would be imported instead of a package of the same name."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from .findings import Finding, fine, warning
from .requirements import required

# Where a module's name is not its package's.
MODULES = {"opencv-python": "cv2", "pillow": "PIL", "scikit-learn": "sklearn"}
OURS = ("gluon_ref", "gluon_ref_cli")
OTHERS = ("matplotlib", "onnx", "onnxruntime", "packaging", "pandas", "requests", "scipy")
# Modules of the standard library that many folders have a namesake of, and that no library here imports.
HARMLESS = {"test", "this", "antigravity", "idlelib", "turtledemo", "lib2to3"}


@dataclass(frozen=True)
class Shadow:
    """A file or folder that hides a module, and the command that uncovers it; `always`: for gluonref too."""

    module: str
    path: Path
    command: str
    always: bool


def shadows(environ: Mapping[str, str]) -> list[Shadow]:
    """What PYTHONPATH and the working folder put before the installed packages."""
    found = []
    listed = [entry for entry in environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    for entry in listed:
        found += [Shadow(name, path, "unset PYTHONPATH", True) for name, path in _hidden_by(Path(entry))]
    try:
        here = Path.cwd()
    except FileNotFoundError:
        return found
    if not any(_same(here, Path(entry)) for entry in listed):
        for name, path in _hidden_by(here):
            other = path.with_name(f"my_{path.name}")
            found.append(Shadow(name, path, f"mv {shlex.quote(str(path))} {shlex.quote(str(other))}", False))
    return found


def check(found: list[Shadow]) -> list[Finding]:
    """A finding per module that is hidden."""
    if not found:
        return [fine("shadows", "no file here or on PYTHONPATH hides a package")]
    reach = {
        True: "it is imported instead of the package or module of that name",
        False: "`python -m` and `python -c` started here, as export does to verify, import it instead of the real one",
    }
    return [warning(f"shadow {one.module}", str(one.path), reach[one.always], one.command) for one in found]


def _hidden_by(folder: Path) -> Iterator[tuple[str, Path]]:
    try:
        entries = set(os.listdir(folder))
    except OSError:
        return
    if any(name.endswith(".dist-info") for name in entries):
        return  # where pip installs to
    for name in (*_packages(), *sorted(sys.stdlib_module_names - HARMLESS)):
        # A folder without __init__.py gives way to a package further down the path.
        paths = [folder / name / "__init__.py", *(folder / (name + end) for end in (".py", *EXTENSION_SUFFIXES))]
        for path in paths:
            if (name in entries or path.name in entries) and path.is_file() and not _ours(name, path):
                yield name, path.parent if path.name == "__init__.py" else path
                break


def _packages() -> list[str]:
    names = [MODULES.get(name, name.replace("-", "_")) for name in required()]
    return list(dict.fromkeys([*OURS, "mxnet", "gluoncv", "gluonnlp", "numpy", *names, *OTHERS]))


def _ours(name: str, path: Path) -> bool:
    """Whether this is the package that runs now, in its own checkout."""
    module = sys.modules.get(name)
    return name in OURS and bool(module and module.__file__ and _same(Path(module.__file__), path))


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
