"""gluonref inspect: what a run, an artefact or a symbol file is made of."""

from __future__ import annotations

import json

import click

from .values import given


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
    for name, value in found.items():
        if isinstance(value, dict):
            click.echo(name)
            for key, inner in value.items():
                click.echo(f"    {key:<36} {inner}")
        elif isinstance(value, list):
            click.echo(f"{name:<14}{', '.join(map(str, value))}")
        else:
            click.echo(f"{name:<14}{value}")
