"""Several values of some options, as text, turned into every combination of them, each with a name for its folder."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import catalog, options
from ..augmentation import Augmentation
from ..errors import OptionError, RequestError, UnknownNameError
from ..options import Option
from ..recipe import NAMED, SECTIONS, Recipe
from ..settings import Settings

# One value of these may hold commas itself, so that several are told apart by this instead.
WIDE = ";"
LONGEST = 150  # bytes of a folder's name; file systems take 255
SEED = "train.seed"
FORMAT = 1
MOST = 10_000  # runs


@dataclass(frozen=True)
class Combination:
    """One value for each option, and the recipe with them.

    Args:
        name: of its folder.
        values: "section.key" -> the value as it is typed after --set, sorted by key.
        recipe: changed, not yet checked.
    """

    name: str
    values: Mapping[str, str]
    recipe: Recipe


def read(recipe: Recipe, settings: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """The values of each option, each spelled in one way.

    Args:
        recipe: what the options belong to.
        settings: ("section.key", text). Values are separated by commas; where one value may hold commas itself, as
            one of several numbers or a text may, by semicolons.
    Returns:
        "section.key" -> values as they are typed after --set, sorted by key.
    Raises:
        RequestError: for a key given twice, or values that cannot be told apart.
        OptionError: for a value of the wrong type, none at all, or the same twice.
        UnknownNameError: for a name or option that does not exist.
    """
    texts: dict[str, str] = {}
    for key, text in settings:
        if key == SEED:
            raise RequestError("sweep", f"--set {key}={text}", "seeds by their number", "pass --seeds 3")
        if key in texts:
            raise RequestError("sweep", f"--set {key} given twice", "each option once", "put all its values into one")
        texts[key] = text
    recipe.change(list(texts.items()))  # refuses what is no SECTION.KEY
    names = {key: text.split(",") for key, text in texts.items() if key.endswith(".name")}
    found = {key: _names(key, values) for key, values in names.items()}
    for key in texts.keys() - names.keys():
        found[key] = _values(recipe, found, key, texts[key])
    for key, values in found.items():
        if twice := next((value for value in values if values.count(value) > 1), None):
            raise OptionError(f"option {key}", f"{twice!r} twice", "each value once", "leave one of them out")
    return dict(sorted(found.items()))


def combine(recipe: Recipe, values: Mapping[str, Sequence[str]]) -> list[Combination]:
    """Every combination of the values, the last option's varying fastest."""
    found = []
    for chosen in itertools.product(*values.values()):
        pairs = dict(zip(values, chosen))
        found.append(Combination(name(pairs), pairs, recipe.change(list(pairs.items()))))
    return found


def request(recipe: Recipe, values: Mapping[str, Sequence[str]], seeds: int) -> dict[str, Any]:
    """What a sweep is asked, as a JSON document by which it is known again.

    Args:
        recipe: what is the same for all runs.
        values: as `read` gives them.
        seeds: runs of each combination.
    Raises:
        RequestError: when that is no run, or more than MOST.
    """
    count = seeds * math.prod(len(several) for several in values.values())
    if not 1 <= count <= MOST:
        raise RequestError("sweep", f"{count:,} runs", f"1 to {MOST:,}", "give other numbers of values and --seeds")
    if len(values.get("train.precision", ())) > 1:
        raise RequestError(
            "sweep",
            "several values of train.precision",
            "one, which MXNet keeps as long as the process lives",
            "sweep each by itself",
        )
    sections = recipe.change([(key, several[0]) for key, several in values.items()]).sections
    fixed = {f"{section}.{key}": value for section, given in sections.items() for key, value in given.items()}
    kept = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in sorted(fixed.items())
        if key not in values and key != SEED
    }
    return {"format": FORMAT, "recipe": recipe.name, "fixed": kept, "values": dict(values), "seeds": seeds}


def differences(asked: Mapping[str, Any], held: Mapping[str, Any]) -> list[str]:
    """Why a request is no continuation of another: more values and seeds are one, anything else is none."""
    found = [] if asked["recipe"] == held["recipe"] else [f"recipe {asked['recipe']}, not {held['recipe']}"]
    for kind in ("values", "fixed"):
        now, before = asked[kind], held[kind]
        for key in sorted({*now, *before}):
            if key not in now or key not in before:
                gone = key not in now
                found.append(f"{key} is no longer asked for" if gone else f"{key}={_spell(now[key])} is asked for too")
            elif kind == "values" and (lost := [one for one in before[key] if one not in now[key]]):
                found.append(f"{key} without {' and '.join(lost)}")
            elif kind == "fixed" and now[key] != before[key]:
                found.append(f"{key}={_spell(now[key])}, not {_spell(before[key])}")
    if asked["seeds"] < held["seeds"]:
        found.append(f"{asked['seeds']} seeds, not {held['seeds']}")
    return found


def name(values: Mapping[str, str]) -> str:
    """A folder's name that tells the values: it depends on nothing else, so that more values may come later."""
    if not values:
        return "as-it-is"
    short = [key.partition(".")[2] for key in values]
    keys = [one if short.count(one) == 1 else key for one, key in zip(short, values)]
    exact = "__".join(f"{key}={value}" for key, value in zip(keys, values.values()))
    plain = re.sub(r"[^\w.+,=-]", "-", exact)
    while len(plain.encode()) > LONGEST:
        plain = plain[:-1]
    digest = hashlib.sha256(exact.encode()).hexdigest()[:8]
    return plain if plain == exact else f"{plain}-{digest}"


def _spell(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _names(key: str, values: list[str]) -> list[str]:
    if "" in values:
        raise OptionError(f"option {key}", "an empty name", "names separated by commas", f"pass --set {key}=NAME,NAME")
    return values


def _values(recipe: Recipe, names: Mapping[str, Sequence[str]], key: str, text: str) -> list[str]:
    """The values of one option, whose type may depend on the names that are chosen beside it."""
    section, _, option = key.partition(".")
    kinds: dict[str, Any] = {}
    for chosen in itertools.product(*names.values()):
        changed = recipe.change(list(zip(names, chosen)))
        known = _schema(changed, section)
        if option not in known:
            raise UnknownNameError(f"option {key}", option, known, do=f"leave out --set {key}")
        kinds[str(changed[section].get("name", section))] = known[option].type
    wide = {one: _wide(kind) for one, kind in kinds.items()}
    if len(set(wide.values())) > 1:
        one, other = (next(name for name in wide if wide[name] is said) for said in (True, False))
        raise RequestError(
            "sweep",
            f"--set {key}={text}, which is {options.spell(kinds[one])} for {one} and "
            f"{options.spell(kinds[other])} for {other}",
            "an option that all names read alike",
            "sweep each name by itself",
        )
    several = any(wide.values())
    parts = [part.strip() for part in text.split(WIDE if several else ",")]
    if not several and len(parts) > 1 and "" in parts:
        raise OptionError(
            f"option {key}", f"{text!r} with an empty value", "values separated by commas", "leave the comma out"
        )
    # A value is spelled as the first of the names has it; each combination's own check reads it again.
    kind = next(iter(kinds.values()))
    return [options.spell_value(_convert(key, part, kind, several)) for part in parts]


def _convert(key: str, part: str, kind: Any, several: bool) -> Any:
    try:
        return options.convert(f"option {key}", part, kind)
    except OptionError as error:
        if several or WIDE not in part:
            raise
        raise OptionError(
            error.where, error.given, f"{error.expected}; several values separated by commas", error.do
        ) from None


def _wide(kind: Any) -> bool:
    """Whether one value of a type may hold commas: several of something, or any text."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return any(_wide(one) for one in inner)
    return origin is tuple or kind is str


def _schema(recipe: Recipe, section: str) -> Mapping[str, Option]:
    """The options of a section, by the name it has."""
    named = str(recipe[section].get("name", ""))
    if section in NAMED:
        if not named:
            recipe.check((section,))  # says so
        kind = NAMED[section]
        found = options.schema(getattr(catalog.find(kind, named), catalog.MAKERS[kind]))
        return {**found, "path": Option("path", str, "")} if section == "data" else found
    if section == "optimizer":
        from .. import optimizers  # here, as in recipe.py

        return optimizers.schema(named or "adam")
    if section == "schedule":
        from .. import schedules  # likewise

        if (named or "constant") not in schedules.SCHEDULES:
            raise UnknownNameError("schedule", named, schedules.SCHEDULES)
        return options.schema(schedules.SCHEDULES[named or "constant"])
    assert section in SECTIONS
    return options.schema({"augment": Augmentation, "train": Settings}[section])
