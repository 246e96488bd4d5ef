"""What the catalogue holds, in words: names, options with types and defaults, and a data set's samples as files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import catalog, folders, options
from .errors import OptionError, PathError, UnknownNameError
from .options import Option

# What `show` is asked for -> the catalogue's kind.
KINDS = {
    "model": "models",
    "data": "data",
    "task": "tasks",
    "format": "exporters",
    "recipe": "recipes",
    "input": "inputs",
}
# What is not a file in the catalogue: read off MXNet, or a function each.
OTHER_KINDS = ("optimizer", "schedule", "section")
LISTED = {"models": "models", "data": "data", "tasks": "tasks", "formats": "exporters", "recipes": "recipes"}


def overview(kinds: tuple[str, ...] = tuple(LISTED)) -> dict[str, dict[str, str]]:
    """Kind -> name -> one sentence; imports no plug-in, and MXNet only for optimizers and schedules."""
    return {kind: _sentences(kind) for kind in kinds}


def _sentences(kind: str) -> dict[str, str]:
    if kind.rstrip("s") in OTHER_KINDS:
        return {name: _options(kind.rstrip("s"), name)[0] for name in _other_names(kind.rstrip("s"))}
    return {name: catalog.summary(LISTED[kind], name) for name in catalog.names(LISTED[kind])}


def _other_names(kind: str) -> list[str]:
    from . import optimizers, schedules

    if kind == "section":
        return list(_sections())
    return optimizers.names() if kind == "optimizer" else list(schedules.SCHEDULES)


def describe(kind: str, name: str) -> dict[str, Any]:
    """What a name is for and which options it takes.

    Args:
        kind: "model", "data", "task", "format", "recipe", "input", "optimizer", "schedule" or "section".
        name: of that kind.
    Returns:
        "kind", "name", "about", and "options" (name -> type, default, help) or, for a recipe, its "text".
    Raises:
        UnknownNameError: when there is no such kind or name.
    """
    if kind not in (*KINDS, *OTHER_KINDS):
        raise UnknownNameError("show", kind, (*KINDS, *OTHER_KINDS))
    if kind == "recipe":
        from .recipe import read, text

        read(name)
        lines = text(name)
        return {"kind": kind, "name": name, "about": lines.partition("\n")[0].lstrip("# "), "text": lines}
    about, found = _options(kind, name)
    section = kind if kind in ("model", "data", "task", "optimizer", "schedule") else name if kind == "section" else ""
    return {
        "kind": kind,
        "name": name,
        "about": about,
        "section": section,
        "options": {
            key: {
                "type": options.spell(one.type),
                "default": "required" if one.default is options.REQUIRED else options.spell_value(one.default),
                "help": one.help,
            }
            for key, one in found.items()
        },
    }


def write_samples(name: str, path: str, count: int, folder: Path) -> list[Path]:
    """The first held-out samples of a data set as files that `predict` reads.

    Args:
        name: of the data set.
        path: of a data set of one's own, else empty.
        count: samples, 1 or more.
        folder: a new or empty folder.
    Returns:
        the files, named by number and target.
    """
    if count < 1:
        raise OptionError("show data", f"samples={count}", "1 or more", "pass --samples 5")
    folders.vacant(folder)
    load = catalog.find("data", name).load
    data = load(path, **options.complete("data", load, {}))
    form = catalog.find("inputs", data.facts.takes)
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for index in range(min(count, len(data.held_out))):
            inputs, targets = data.held_out.take([index])
            target = data.facts.labels[int(targets[0])] if data.facts.labels else f"{float(targets[0]):g}"
            file = folder / f"{index:04d}-{re.sub(r'[^A-Za-z0-9.-]', '_', target)}{form.SUFFIX}"
            form.write(inputs[0], data.facts, file)
            written.append(file)
    except OSError as error:
        raise PathError(
            "show data",
            f"{folder} cannot be written ({error.strerror})",
            "a folder you may write",
            "pass another --out",
        ) from None
    return written


def _options(kind: str, name: str) -> tuple[str, Mapping[str, Option]]:
    if kind == "optimizer":
        from . import optimizers

        return f"mx.optimizer's {name}.", optimizers.schema(name)
    if kind == "schedule":
        from . import schedules

        if name not in schedules.SCHEDULES:
            raise UnknownNameError("schedule", name, schedules.SCHEDULES)
        maker = schedules.SCHEDULES[name]
        return (maker.__doc__ or "").split("\n")[0], options.schema(maker)
    if kind == "section":
        readers = _sections()
        if name not in readers:
            raise UnknownNameError("section", name, readers)
        return (readers[name].__doc__ or "").split("\n")[0], options.schema(readers[name])
    module = catalog.find(KINDS[kind], name)
    return (module.__doc__ or "").strip(), options.schema(getattr(module, catalog.MAKERS[KINDS[kind]]))


def _sections() -> dict[str, type]:
    """Sections of a recipe that name nothing, and what reads them; numpy is imported only here."""
    from .augmentation import Augmentation
    from .settings import Settings

    return {"augment": Augmentation, "train": Settings}
