"""Recipe: everything a run is asked to do, in sections of a TOML file; read, changed, checked and written here."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from . import catalog, options
from .augmentation import Augmentation
from .documents import check_format
from .errors import OptionError, PathError, RecipeError, UnknownNameError, nearest
from .settings import Settings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FORMAT = 1
# A recipe has a page. The reader of TOML takes memory by the square of the dots in a key: gigabytes for 200 kB.
LONGEST, MOST_DOTS = 2**20, 5000
# Sections that name a plug-in, and the kind of plug-in they name.
NAMED = {"task": "tasks", "model": "models", "data": "data"}
SECTIONS = ("task", "model", "data", "augment", "optimizer", "schedule", "train")


@dataclass(frozen=True)
class Recipe:
    """Sections of options; `name` is what the run is called."""

    name: str
    sections: Mapping[str, Mapping[str, Any]]

    def __getitem__(self, section: str) -> Mapping[str, Any]:
        return self.sections.get(section, {})

    def options(self, section: str) -> dict[str, Any]:
        """A section without its name, and data without its path: the options of the maker it names."""
        own = ("name", "path") if section == "data" else ("name",)
        return {key: value for key, value in self[section].items() if key not in own}

    @property
    def settings(self) -> Settings:
        """The `train` section, typed; of a checked recipe."""
        return Settings(**self["train"])

    @property
    def augmentation(self) -> Augmentation:
        """The `augment` section, typed; of a checked recipe."""
        return Augmentation(**self["augment"])

    def change(self, changes: Sequence[tuple[str, Any]]) -> Recipe:
        """A copy with other values, each given as ("section.key", value).

        A new name in a section drops that section's options first: they belonged to the old name.

        Raises:
            RecipeError: for a key that is not SECTION.KEY with a known section.
        """
        sections = {section: dict(values) for section, values in self.sections.items()}
        for key, value in sorted(changes, key=lambda change: not change[0].endswith(".name")):
            section, dot, option = key.partition(".")
            if not dot or not option or section not in SECTIONS:
                near = nearest(section, SECTIONS) or "train"
                raise RecipeError(
                    "--set",
                    f"{key!r}",
                    f"SECTION.KEY with a section among {', '.join(SECTIONS)}",
                    f"pass for example --set {near}.{option or 'KEY'}=VALUE",
                )
            if option == "name" and sections.get(section, {}).get("name") != value:
                sections[section] = {}
            sections.setdefault(section, {})[option] = value
        return Recipe(self.name, sections)

    def check(self, sections: Sequence[str] = SECTIONS) -> Recipe:
        """The complete recipe: every option of the sections named, typed; nothing is built or read.

        Args:
            sections: to check; the others stay as they are, so that an artefact needs no model's code.
        Raises:
            UnknownNameError: for a name or option that does not exist.
            OptionError: for a value of the wrong type or out of range.
            RecipeError: for a section that is missing its name.
        """
        checks = {
            "augment": self._augment,
            "optimizer": self._optimizer,
            "schedule": self._schedule,
            "train": self._train,
        }
        checked = {
            section: checks[section]() if section in checks else self._plugin(section, NAMED[section])
            for section in sections
        }
        return Recipe(self.name, {**self.sections, **checked})

    def _plugin(self, section: str, kind: str) -> dict[str, Any]:
        name = self._name(section)
        maker = getattr(catalog.find(kind, name), catalog.MAKERS[kind])
        values = {"name": name, **options.complete(section, maker, self.options(section))}
        return {**values, "path": str(self["data"].get("path", ""))} if section == "data" else values

    def _optimizer(self) -> dict[str, Any]:
        from . import optimizers  # here, so that reading a recipe does not import MXNet

        name = str(self["optimizer"].get("name", "adam"))
        return {"name": name, **optimizers.complete(name, self.options("optimizer"))}

    def _schedule(self) -> dict[str, Any]:
        from . import schedules  # likewise

        name = str(self["schedule"].get("name", "constant"))
        if name not in schedules.SCHEDULES:
            raise UnknownNameError("schedule", name, schedules.SCHEDULES)
        return {"name": name, **options.complete("schedule", schedules.SCHEDULES[name], self.options("schedule"))}

    def _augment(self) -> dict[str, Any]:
        values = options.complete("augment", Augmentation, self["augment"])
        Augmentation(**values).check()
        return values

    def _train(self) -> dict[str, Any]:
        values = options.complete("train", Settings, self["train"])
        Settings(**values).check()
        return values

    def text(self) -> str:
        """The recipe as TOML, every value as `check` reads it."""
        document: dict[str, Any] = {"format": FORMAT, "name": self.name}
        for section in SECTIONS:
            document[section] = {key: _plain(value) for key, value in self[section].items()}
        return tomli_w.dumps(document)

    def _name(self, section: str) -> str:
        name = self[section].get("name")
        if not isinstance(name, str) or not name:
            raise RecipeError(
                f"recipe {self.name}",
                f"section [{section}] has no name",
                f'[{section}] with name = "..."',
                f"pass --set {section}.name=NAME or add it to the file",
            )
        return name


def read(source: str) -> Recipe:
    """A recipe from the catalogue by name, or from a .toml file by path; not yet checked.

    Raises:
        UnknownNameError: for a name that is no recipe.
        PathError: for a file that is missing or unreadable.
        RecipeError: for a file that is not TOML or has unknown sections.
    """
    return parse(text(source), Path(source).stem, source)


def text(source: str) -> str:
    """The text of a recipe: by name, by the path of a .toml file, or of a run folder.

    Raises:
        UnknownNameError, PathError: as `read` does.
    """
    path = Path(source)
    if source in catalog.names("recipes"):
        path = catalog.PACKAGE / "recipes" / f"{source}.toml"
    elif path.suffix != ".toml" and not os.path.exists(path):
        raise UnknownNameError("recipe", source, catalog.names("recipes"), do="or give the path of a .toml file")
    elif os.path.isdir(path):
        path = path / "run.toml"
    try:
        with open(path, encoding="utf-8-sig") as file:
            return file.read(LONGEST + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise PathError(
            "recipe",
            f"{source} cannot be read ({error})",
            "a TOML file in UTF-8",
            "give a readable file, or a name from `gluonref list recipes`",
        ) from None


def parse(text: str, name: str, source: str) -> Recipe:
    """A recipe from TOML text; `name` is used when the text holds none, `source` in messages."""
    try:
        if len(text) > LONGEST or text.count(".") > MOST_DOTS:
            raise ValueError(f"more than {LONGEST:,} characters or {MOST_DOTS:,} dots")
        document = tomllib.loads(text)
    # Not TOMLDecodeError only: numbers of thousands of digits, and brackets as deep.
    except (ValueError, RecursionError) as error:
        raise RecipeError(
            f"recipe {source}",
            f"not TOML ({error})",
            "a TOML file with each key once",
            "mend that line; `gluonref show recipe cnn` prints one that works",
        ) from None
    check_format(document.pop("format", FORMAT), FORMAT, f"recipe {source}")
    name = document.pop("name", name)
    if not isinstance(name, str):
        raise OptionError(f"recipe {source}", f"name = {name!r}", "text", 'write name = "..."')
    # The run's folder is called after it.
    if not name.isprintable() or name in ("", ".", "..") or "/" in name:
        raise OptionError(f"recipe {source}", f"name = {name!r}", "the name of a folder", 'write name = "my-run"')
    for section, values in document.items():
        if section not in SECTIONS:
            raise UnknownNameError(f"recipe {source}: section", section, SECTIONS)
        if not isinstance(values, dict):
            raise RecipeError(
                f"recipe {source}",
                f"{section} = {values!r}",
                f"a section [{section}]",
                f"write [{section}] on a line of its own",
            )
    return Recipe(name, document)


def data_changes(data: str) -> list[tuple[str, str]]:
    """The changes of a recipe that "NAME" or "NAME:PATH" asks for."""
    name, _, path = data.partition(":")
    return [("data.name", name), ("data.path", path)]


def _plain(value: Any) -> Any:
    if value is None:
        return "none"
    return list(value) if isinstance(value, tuple) else value
