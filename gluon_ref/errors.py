"""The error family: every message says where, what was given, what is expected and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class GluonRefError(Exception):
    """Base of every error this package raises on purpose.

    Args:
        where: the place the value was used, in the user's words ("model lstm").
        given: what was found there ("units=0").
        expected: what is accepted ("1 or more").
        do: the next step that mends it ("pass --set model.units=128").
    """

    exit_code = 1

    def __init__(self, where: str, given: str, expected: str, do: str) -> None:
        super().__init__(where, given, expected, do)
        self.where, self.given, self.expected, self.do = where, given, expected, do

    def __str__(self) -> str:
        return f"{self.where}: {self.given}; expected {self.expected}; {self.do}"


class RequestError(GluonRefError):
    """What was asked cannot be done as asked; nothing was started."""

    exit_code = 2


class OptionError(RequestError):
    """An option's value has the wrong type or lies out of range."""


class RecipeError(RequestError):
    """A recipe is not readable, or holds keys that nothing reads."""


class UnknownNameError(RequestError):
    """A name that is in no catalogue; lists the known ones and suggests the nearest."""

    def __init__(self, where: str, name: str, known: Iterable[str], do: str = "") -> None:
        known = sorted(known)
        near = nearest(name, known)
        hint = f"did you mean {near}?" if near else do or "choose one of these"
        expected = f"one of {', '.join(known)}" if known else "no option here"
        super().__init__(where, f"unknown name {name!r}", expected, hint)


class FitError(RequestError):
    """Data, task and model do not fit together."""


class PathError(RequestError):
    """A path is missing, unreadable, or would be overwritten."""


class DataError(GluonRefError):
    """The contents of a file are not what its format promises."""


class AlteredError(GluonRefError):
    """A file of a run or an artefact no longer has the checksum it was written with."""


class DivergedError(GluonRefError):
    """The loss became NaN or infinite."""


class Interrupted(GluonRefError):
    """A signal asked to stop; what was done is saved.

    Args:
        signal: its number; the exit code is 128 more, as shells have it.
        where: what was stopped.
        do: how to go on.
    """

    def __init__(self, signal: int, where: str, do: str) -> None:
        super().__init__(where, f"stopped by signal {signal}", "to go on later", do)
        self.exit_code = 128 + signal

    def __str__(self) -> str:
        return f"{self.where}: {self.given}; {self.do}"


class VerificationError(GluonRefError):
    """An exported model does not answer like the network it was made from."""


class ConversionError(GluonRefError):
    """A network holds something that the asked format cannot carry."""


class MachineError(GluonRefError):
    """This machine lacks something that the work needs."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`, or None when nothing is near."""
    by_lower = {word.lower(): word for word in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def reason(error: Exception) -> str:
    """What went wrong, in one line: MXNet puts a trace before its last one."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]


def require(ok: bool, where: str, name: str, value: object, expected: str, example: object) -> None:
    """Refuse an option's value that lies out of range.

    Args:
        ok: whether the value is accepted.
        where: section and name that read it ("model lstm"); its first word is the recipe's section.
        name: the option.
        value: what was given.
        expected: what is accepted.
        example: a value that would be.
    Raises:
        OptionError: when not `ok`.
    """
    if not ok:
        raise OptionError(where, f"{name}={value}", expected, f"pass --set {where.split()[0]}.{name}={example}")
