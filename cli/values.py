"""What options and arguments of several commands have in common."""

from __future__ import annotations

import click


def given(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Refuse an empty text, which a script's unset variable leaves; nothing else is meant by it."""
    if value == "":
        raise click.BadParameter("nothing given; give a value or leave it out")
    return value
