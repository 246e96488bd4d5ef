"""Imports point down, and each foreign library has its door: the plan of the house, checked."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import gluon_ref

ROOT = Path(gluon_ref.__file__).parents[1]
# From the top down; a file imports only from floors below its own, but for rooms named beside it.
PLAN = """
    cli

    training evaluation exporting prediction inspection showing reporting diagnosis sweeping rating sweeps exports
    launching launches
    benchmarking benches

    reports

    answering artefacts assembly joining preparation checkpoints loop hooks progress runs logs states statistics
    tracking trackers

    models data tasks exporters

    inputs conversion bundled

    recipe catalog options settings augmentation layers place precision averaging batching schedules optimizers
    samples interrupts locking checks arrays graphs facts standing reshapes answers groups workers halving served
    serving flat adamw losses wishes loss_scaling rectifying

    backend records errors machine heap documents downloading folders beats
"""
FLOORS = [floor.split() for floor in PLAN.split("\n\n")]
PLUGINS = ("models", "data", "tasks", "exporters", "inputs")
# Library -> the only files that import it. mxnet's own users get it from backend, as they do gluoncv and gluonnlp.
DOORS = {
    "mxnet": {"gluon_ref/backend.py"},
    "gluoncv": set(),
    "gluonnlp": set(),
    "click": {f"cli/{path.name}" for path in (ROOT / "cli").glob("*.py")},
    "tqdm": {"gluon_ref/progress.py"},
    "PIL": {"gluon_ref/inputs/image.py", "gluon_ref/inputs/_pixels.py"},
    "cv2": {"gluon_ref/inputs/_native.py"},
    "matplotlib": {"gluon_ref/reports/drawing.py", "gluon_ref/benches/drawing.py"},
    "babel": {"gluon_ref/data/names.py"},
    "onnx": {f"gluon_ref/conversion/{path.name}" for path in (ROOT / "gluon_ref/conversion").glob("*.py")},
    "onnxruntime": {
        "gluon_ref/conversion/session.py",
        "gluon_ref/exporters/onnx_int8.py",
        "gluon_ref/exporters/ort.py",
    },
    "tensorboardX": {"gluon_ref/trackers.py"},
    "tomli_w": {"gluon_ref/recipe.py"},
    "subprocess": {
        "gluon_ref/checks/children.py",
        "gluon_ref/exports/shielding.py",
        "gluon_ref/launches/processes.py",
        "gluon_ref/exports/verifying.py",
        "gluon_ref/benches/racing.py",
    },
}
NEVER = {"pickle", "marshal", "shelve", "dill", "joblib", "torch"}
SOURCES = sorted([*(ROOT / "gluon_ref").rglob("*.py"), *(ROOT / "cli").glob("*.py")])


def imports(path: Path) -> set[str]:
    """Absolute names of what a file imports, wherever in the file it does."""
    package = path.relative_to(ROOT).parent.parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            base += (node.module or "").split(".") if node.module else []
            found |= {".".join([*base, alias.name]) for alias in node.names}
    return found


def room(dotted: str) -> str | None:
    """The room of a name of ours: the part after the package, or the package `cli`."""
    parts = dotted.split(".")
    if parts[0] in ("cli", "gluon_ref_cli"):
        return "cli"
    if parts[0] != "gluon_ref" or len(parts) < 2 or parts[1].startswith("_"):
        return None
    return parts[1]


def floor(name: str) -> int:
    """Index of the floor a room is on."""
    return next(index for index, rooms in enumerate(FLOORS) if name in rooms)


def here(path: Path) -> str:
    """The room a file is in."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return "cli" if parts[0] == "cli" else parts[1]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    """No file reaches up, and no plug-in imports another of its kind."""
    if path.name == "__init__.py":
        return
    for name in imports(path):
        other = room(name)
        if other is None or other == here(path) == "cli":
            continue
        mine, theirs = floor(here(path)), floor(other)
        if here(path) == other and here(path) in PLUGINS:
            assert name.split(".")[2].startswith("_"), f"{path.name} imports its sibling {name}"
        else:
            assert theirs >= mine, f"{here(path)} reaches up to {other}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_library_has_its_door(path: Path) -> None:
    """A foreign library is imported where the plan says, and nothing that executes files is imported at all."""
    mine = path.relative_to(ROOT).as_posix()
    for name in imports(path):
        library = name.split(".")[0]
        assert library not in NEVER, f"{mine} imports {library}"
        assert library not in DOORS or mine in DOORS[library], (
            f"{mine} imports {library}, whose door is {DOORS[library]}"
        )


def test_every_room_is_in_the_plan() -> None:
    """A new file has a floor."""
    rooms = {here(path) for path in SOURCES if path.name != "__init__.py"}
    assert rooms == {name for names in FLOORS for name in names}


def test_no_file_asks_for_a_plugin_by_name() -> None:
    """`if name == "cnn"` is nowhere: machinery and rooms know no plug-in."""
    from gluon_ref import catalog

    names = {name for kind in ("models", "tasks", "exporters") for name in catalog.names(kind)}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare):
                constants = {one.value for one in [node.left, *node.comparators] if isinstance(one, ast.Constant)}
                assert not constants & names, f"{path.name}, line {node.lineno} compares with {constants & names}"


def test_files_fit_in_the_head() -> None:
    """About 250 lines."""
    for path in SOURCES:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 280, f"{path.name} has {lines} lines"
