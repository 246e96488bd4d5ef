"""gluonref inspect: what a run, an artefact or a symbol file is made of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from .values import given

WIDTH = 40
SHOWN = 12  # of a long list


@click.command()
@click.argument("path", type=click.Path(), callback=given)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def inspect(path: str, as_json: bool) -> None:
    """Tell what PATH holds: a run folder, an artefact's folder, or a NET-symbol.json; nothing is run."""
    from gluon_ref.inspection import inspect as look

    found = look(path)
    if as_json:
        click.echo(json.dumps(found))
        return
    for line in _lines(found, ""):
        click.echo(line)


def _lines(found: dict[str, Any], margin: str) -> Iterator[str]:
    """A line per figure, nested ones below their name."""
    for name, value in found.items():
        nested = value if isinstance(value, list) and value and isinstance(value[0], dict) else [value]
        for one in nested:
            if isinstance(one, dict):
                yield f"{margin}{name}"
                yield from _lines(one, margin + "    ")
            else:
                yield f"{margin}{name:<{WIDTH - len(margin)}} {_plain(one) if isinstance(one, list) else one}"


def _plain(values: list[Any]) -> str:
    rest = len(values) - SHOWN
    return ", ".join(map(str, values[:SHOWN])) + (f" and {rest} more (--json names all)" if rest > 0 else "")
