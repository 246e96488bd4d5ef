"""Options read off a maker's own signature: names, types, defaults and help, and text turned into typed values."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import OptionError, UnknownNameError

REQUIRED = inspect.Parameter.empty
# Sizes of numbers that a float32 holds in full.
SMALLEST, LARGEST = 1e-37, 1e38


@dataclass(frozen=True)
class Option:
    """One keyword-only argument of a maker."""

    name: str
    type: Any
    default: Any
    help: str = ""


def schema(maker: Callable[..., Any]) -> dict[str, Option]:
    """The options of a maker: its keyword-only arguments, described by its docstring's Args."""
    hints = typing.get_type_hints(maker)
    told = arguments(maker.__doc__ or "")
    return {
        p.name: Option(p.name, hints.get(p.name, str), p.default, told.get(p.name, ""))
        for p in inspect.signature(maker).parameters.values()
        if p.kind is p.KEYWORD_ONLY
    }


def arguments(doc: str) -> dict[str, str]:
    """The `Args:` section of a docstring, as one line of text per argument."""
    found: dict[str, str] = {}
    name, margin, inside = "", 0, False
    for line in inspect.cleandoc(doc).splitlines():
        if not inside:
            inside = line.strip() == "Args:"
            continue
        if line and not line.startswith(" "):
            break
        entry = re.match(r"(\s+)(\w+):\s*(.*)", line)
        if entry and (not found or len(entry.group(1)) == margin):
            margin, name = len(entry.group(1)), entry.group(2)
            found[name] = entry.group(3)
        elif name and line.strip():
            found[name] += " " + line.strip()
    return found


def complete(where: str, maker: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Every option of a maker with its typed value: `fill` with the maker's own schema."""
    return fill(where, schema(maker), given)


def fill(where: str, known: Mapping[str, Option], given: Mapping[str, Any]) -> dict[str, Any]:
    """Every known option with its typed value: what was given, else the default.

    Args:
        where: section of the recipe, for messages ("model").
        known: name -> option.
        given: values as text or as TOML gave them.
    Raises:
        UnknownNameError: for a key that is no option.
        OptionError: for a value of the wrong type, a number that float32 does not hold, or an option that needs a value
            and has none.
    """
    for name in given:
        if name not in known:
            raise UnknownNameError(f"option {where}.{name}", name, known, do=f"leave out {where}.{name}")
    values = {}
    for name, option in known.items():
        if name in given:
            values[name] = _held(f"option {where}.{name}", convert(f"option {where}.{name}", given[name], option.type))
        elif option.default is REQUIRED:
            raise OptionError(
                f"option {where}.{name}", "nothing given", spell(option.type), f"pass --set {where}.{name}=VALUE"
            )
        else:
            values[name] = option.default
    return values


def _held(where: str, value: Any) -> Any:
    """A value whose numbers are such as MXNet's operators take, which end at the next update otherwise."""
    for one in value if isinstance(value, tuple) else (value,):
        if isinstance(one, float) and one and not SMALLEST <= abs(one) <= LARGEST:
            raise OptionError(where, repr(value), "0, or a size from 1e-37 to 1e38", "give a number of a usual size")
    return value


def convert(where: str, value: Any, kind: Any) -> Any:
    """A value of the type `kind`, from text or from TOML; nothing is rounded, cut or guessed.

    Raises:
        OptionError: when the value is not of that type.
    """
    try:
        return _convert(value, kind)
    except (ValueError, TypeError, OverflowError):
        name = where.split()[-1]
        raise OptionError(where, f"{value!r}", spell(kind), f"pass --set {name}={example(kind)}") from None


def _convert(value: Any, kind: Any) -> Any:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if type(None) in inner and (value is None or value in ("none", "")):
            return None
        return _first(value, [one for one in inner if one is not type(None)])
    if origin is typing.Literal:
        if value not in inner:
            raise ValueError(value)
        return value
    if origin is tuple:
        parts = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        if not isinstance(parts, (list, tuple)):
            parts = [parts]
        return tuple(_convert(part, inner[0]) for part in parts)
    if kind is Any:
        return literal(value) if isinstance(value, str) else value
    if kind is bool:
        words = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False}
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in words:
            return words[value.lower()]
        raise ValueError(value)
    if isinstance(value, bool):
        raise ValueError(value)
    if kind is int:
        if isinstance(value, float) and not value.is_integer():
            raise ValueError(value)
        return int(value)
    if kind is float:
        number = float(value)
        if number != number or number in (float("inf"), float("-inf")):
            raise ValueError(value)
        return number
    if kind is str:
        if not isinstance(value, (str, int, float)):
            raise ValueError(value)
        return str(value)
    raise TypeError(kind)


def _first(value: Any, kinds: list[Any]) -> Any:
    for kind in kinds:
        try:
            return _convert(value, kind)
        except (ValueError, TypeError):
            continue
    raise ValueError(value)


def literal(text: str) -> Any:
    """The plainest reading of a text: a truth value, a whole number, a number, or the text itself."""
    for kind in (bool, int, float):
        try:
            return _convert(text, kind)
        except (ValueError, TypeError):
            continue
    return text


def spell(kind: Any) -> str:
    """A type in the user's words."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return " or ".join("none" if one is type(None) else spell(one) for one in inner)
    if origin is typing.Literal:
        return "one of " + ", ".join(str(one) for one in inner)
    if origin is tuple:
        return f"{spell(inner[0])}s separated by commas"
    words = {int: "whole number", float: "number", bool: "true or false", str: "text"}
    return words.get(kind, "value")


def example(kind: Any) -> str:
    """A value that the type accepts, for the last part of a message."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return example(inner[0])
    if origin is typing.Literal:
        return str(inner[0])
    if origin is tuple:
        return f"{example(inner[0])},{example(inner[0])}"
    return {int: "1", float: "0.5", bool: "true", str: "NAME"}.get(kind, "VALUE")


def spell_value(value: Any) -> str:
    """A value as it is typed after --set."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(spell_value(one) for one in value)
    return str(value)
