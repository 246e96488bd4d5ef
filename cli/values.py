"""What options and arguments of several commands have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def given(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Refuse an empty text, which a script's unset variable leaves; nothing else is meant by it."""
    if value == "":
        raise click.BadParameter("nothing given; give a value or leave it out")
    return value


def folder(flag: str, told: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option that names a folder; `told` is its help."""
    return click.option(flag, type=click.Path(), callback=given, metavar="DIR", help=told)
