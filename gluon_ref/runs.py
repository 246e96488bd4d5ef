"""The run folder: its files, written so that a kill at any moment leaves the last checkpoint whole.

    run.toml              the complete recipe
    facts.json            what the data was
    state.json            where the run stands, and the checksum of every file of the checkpoint
    weights-last.params   at the last checkpoint
    weights-best.params   of the best epoch so far
    weights-mean.params   their running average, where the recipe asks for one
    statistics.params     running statistics of each device, where there are several and the weights have the means
    trainer-0.states      the optimizer's arrays, one file per objective
    log.jsonl             one record per line

A checkpoint is written beside the old one as FILE.new, then state.json is replaced, which is the moment
it counts, then the new files take their names. A kill in between leaves FILE.new, which readers take for FILE
where state.json means it, and which the run's next training gives its name.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

from . import documents, standing
from . import recipe as recipes
from .documents import checksum, replace
from .errors import AlteredError, OptionError, PathError
from .facts import fault
from .folders import vacant
from .locking import locked
from .options import convert
from .recipe import Recipe
from .records import Facts

FORMAT = 1
RECIPE, FACTS, STATE = "run.toml", "facts.json", "state.json"
LAST, BEST, MEAN = "weights-last.params", "weights-best.params", "weights-mean.params"
STATISTICS = "statistics.params"
# What a run folder holds before the first checkpoint.
BEGINNING = (RECIPE, FACTS, "log.jsonl")


@dataclass(frozen=True)
class Run:
    """An opened run folder; `state` is empty before the first checkpoint."""

    folder: Path
    recipe: Recipe
    facts: Facts
    state: Mapping[str, Any]

    def entry(self, name: str, kind: type | tuple[type, ...]) -> Any:
        """What state.json has under a name.

        Raises:
            AlteredError: when it is missing or of another type.
        """
        return _entry(self.folder, self.state, name, kind)

    def file(self, name: str) -> Path:
        """A file of the last checkpoint.

        Raises:
            PathError: when the run has no checkpoint yet, or not this file.
            AlteredError: when it is not what the checkpoint wrote.
        """
        return _file(self.folder, self.state, name)


@contextmanager
def created(folder: Path, recipe: Recipe, facts: Facts, again: bool = False) -> Iterator[Callable[[], None]]:
    """A new run folder with recipe and facts, locked while inside.

    Args:
        folder: new or empty.
        recipe: checked.
        facts: of the data.
        again: it may also be a run's that began here and has no checkpoint.
    Yields:
        as `locking.locked` does.

    Raises:
        PathError: when the folder exists and holds anything, or cannot be made, or another process makes it.
    """
    from .backend import versions  # here, so that artefacts are opened without MXNet

    again = again and begun(folder)
    if not again:
        vacant(folder)
    with _writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with locked(folder) as held:
        if again:
            for name in os.listdir(folder):
                (folder / name).unlink()
        vacant(folder)  # another process may have been quicker
        with _writable(folder):
            documents.write(folder / FACTS, {"format": FORMAT, "versions": versions(), **dataclasses.asdict(facts)})
            try:
                replace(folder / RECIPE, recipe.text().encode())
            except OSError:
                (folder / FACTS).unlink()
                raise
        yield held


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PathError(
            "--out",
            f"{folder} cannot be written ({error.strerror})",
            "a folder you may write",
            "pass another --out",
        ) from None


def begun(folder: Path) -> bool:
    """Whether a run began in a folder, and has no checkpoint yet."""
    names = set(os.listdir(folder)) if folder.is_dir() else set()
    return RECIPE in names and {name.removesuffix(".new") for name in names} <= set(BEGINNING)


def load(folder: Path) -> Run:
    """Open a run folder; nothing in it is changed.

    Raises:
        PathError: when it is no run folder.
        AlteredError: when one of its files is damaged.
        RecipeError: when a newer release wrote it.
    """
    if not os.path.isfile(folder / RECIPE):
        raise PathError(
            f"run {folder}",
            "no run.toml in it" if os.path.isdir(folder) else "no such folder",
            "a folder that `gluonref train` made",
            "check the path; `gluonref train cnn --out DIR` makes one",
        )
    state = _state(folder)
    if name := standing.fault(state):
        raise _altered(folder, name, state[name])
    facts = read_facts(documents.read(folder / FACTS, FORMAT), str(folder / FACTS))
    path = _file(folder, state, RECIPE) if state else folder / RECIPE
    return Run(folder, recipes.read(str(path)).check(), facts, state)


def finish(run: Run) -> None:
    """Give the files of a checkpoint their names, where a kill came in between; for a locked folder."""
    for name, expected in run.entry("files", dict).items() if run.state else ():
        fresh = run.folder / f"{name}.new"
        if fresh.is_file() and checksum(fresh) == expected:
            os.replace(fresh, run.folder / name)


def amend(run: Run, recipe: Recipe) -> None:
    """Give a run another recipe, beside the same checkpoint."""
    state = {key: value for key, value in run.state.items() if key not in ("format", "files")}
    text = recipe.text().encode()

    def write(path: str) -> None:
        Path(path).write_bytes(text)

    commit(run.folder, state, {RECIPE: write})


def commit(folder: Path, state: Mapping[str, Any], writers: Mapping[str, Callable[[str], None]]) -> None:
    """Write a checkpoint: all of it, or none.

    Args:
        folder: the run's.
        state: what to put in state.json beside the checksums.
        writers: file name -> function that writes it to a path. Files of the checkpoint before that are
            not written again stay part of it.
    """
    files = _state(folder).get("files", {}) or {RECIPE: checksum(folder / RECIPE)}
    fresh = {name: folder / f"{name}.new" for name in writers}
    written: dict[str, str] = {}
    try:
        for name, write in writers.items():
            write(str(fresh[name]))
            documents.sync(fresh[name])
            written[name] = checksum(fresh[name])
        documents.write(folder / STATE, {"format": FORMAT, **state, "files": {**files, **written}})
    except BaseException:
        counting = _state(folder).get("files", {}).items()
        if written.keys() != writers.keys() or not written.items() <= counting:  # none of it counts yet
            for path in fresh.values():
                with suppress(OSError):
                    path.unlink()
        raise
    for name, path in fresh.items():
        os.replace(path, folder / name)


def read_facts(document: Mapping[str, Any], where: str) -> Facts:
    """Facts from their JSON.

    Raises:
        AlteredError: when it is not what `create` wrote.
    """
    kinds = get_type_hints(Facts)
    try:
        values = {key: convert(key, document[key], kind) for key, kind in kinds.items() if key in document}
        read = Facts(**values)
        given = fault(read)
    except (TypeError, OptionError) as error:
        given = str(error)
    if given:
        raise AlteredError(where, given, "the facts of a data set", "restore it from a copy, or train again")
    return read


def _state(folder: Path) -> dict[str, Any]:
    path = folder / STATE
    return documents.read(path, FORMAT) if os.path.lexists(path) else {}


def _entry(folder: Path, state: Mapping[str, Any], name: str, kind: type | tuple[type, ...]) -> Any:
    value = state.get(name)
    if not isinstance(value, kind):
        raise _altered(folder, name, value)
    return value


def _altered(folder: Path, name: str, value: Any) -> AlteredError:
    return AlteredError(
        str(folder / STATE),
        f"{name} is {value!r}",
        "the file as the run wrote it",
        "restore it from a copy, or train again",
    )


def _file(folder: Path, state: Mapping[str, Any], name: str) -> Path:
    expected = _entry(folder, state, "files", dict).get(name) if state else None
    if expected is None:
        raise PathError(
            f"run {folder}", f"holds no {name}", "a run that has finished an epoch", "train it for at least one epoch"
        )
    found = _find(folder / name, expected)
    if found is None and (newer := _state(folder)) != state:  # a training has written one meanwhile
        found = _find(folder / name, newer["files"].get(name))
    if found is None:
        raise AlteredError(
            str(folder / name),
            "its checksum differs from state.json's" if (folder / name).is_file() else "missing",
            "the file as the run wrote it",
            "restore it from a copy, or train again",
        )
    return found


def _find(path: Path, expected: str) -> Path | None:
    for candidate in (path, path.with_name(f"{path.name}.new")):
        if candidate.is_file() and checksum(candidate) == expected:
            return candidate
    return None
