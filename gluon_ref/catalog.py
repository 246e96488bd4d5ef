"""The catalogue: a file is a name. `find("models", "cnn")` gives the module; "my_package.my_file" works too."""

from __future__ import annotations

import ast
import importlib
import os
import sys
from pathlib import Path
from types import ModuleType

from .errors import UnknownNameError

PACKAGE = Path(__file__).parent
# The maker each kind of plug-in file must define, by which a file is known to be one.
MAKERS = {"models": "build", "data": "load", "tasks": "build", "exporters": "write", "inputs": "collate"}
SINGULAR = {
    "models": "model",
    "data": "data",
    "tasks": "task",
    "exporters": "format",
    "inputs": "input form",
    "recipes": "recipe",
}


def names(kind: str) -> list[str]:
    """Names of one kind ("models", "data", "tasks", "exporters", "inputs", "recipes"), sorted; imports nothing."""
    suffix = ".toml" if kind == "recipes" else ".py"
    stems = [path.stem for path in (PACKAGE / kind).glob(f"*{suffix}") if not path.stem.startswith("_")]
    return sorted(spelled(kind, stem) for stem in stems)


def spelled(kind: str, name: str) -> str:
    """A name as it is listed: formats have hyphens, onnx-int8, where their files cannot."""
    return name.replace("_", "-") if kind == "exporters" and "." not in name else name


def find(kind: str, name: str) -> ModuleType:
    """The module of a name, imported.

    A name with a dot is a module of the user's own on Python's path. It is looked at as text
    first: a module that defines no maker of this kind is never imported, so that a run folder
    from a stranger cannot have just any module executed.

    Raises:
        UnknownNameError: when there is no such file, listing those there are.
    """
    if spelled(kind, name) in names(kind):
        return importlib.import_module(f"{__package__}.{kind}.{_stem(kind, name)}")
    path = _locate(name)
    if path is None or MAKERS[kind] not in _definitions(path):
        raise UnknownNameError(
            SINGULAR[kind],
            name,
            names(kind),
            do=f"or name a module of your own that defines {MAKERS[kind]}(), as package.file, "
            "with PYTHONPATH naming the folder it is in",
        )
    return importlib.import_module(name)


def summary(kind: str, name: str) -> str:
    """First sentence of a file's docstring, or a recipe's first comment line; imports nothing."""
    path = PACKAGE / kind / f"{_stem(kind, name)}{'.toml' if kind == 'recipes' else '.py'}"
    text = path.read_text(encoding="utf-8")
    if kind == "recipes":
        return text.splitlines()[0].lstrip("# ")
    return (ast.get_docstring(ast.parse(text)) or "").split("\n\n")[0].replace("\n", " ")


def _stem(kind: str, name: str) -> str:
    return name.replace("-", "_") if kind == "exporters" else name


def _locate(name: str) -> Path | None:
    parts = name.split(".")
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        return None
    for folder in sys.path:
        path = Path(folder or ".").joinpath(*parts).with_suffix(".py")
        if os.path.isfile(path):
            return path
    return None


def _definitions(path: Path) -> set[str]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, OSError):
        return set()
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
