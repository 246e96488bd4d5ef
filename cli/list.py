"""gluonref list: the names in the catalogue."""

from __future__ import annotations

import click


@click.command()
@click.argument(
    "kind",
    required=False,
    type=click.Choice(["models", "data", "tasks", "formats", "recipes", "optimizers", "schedules"]),
)
def list(kind: str | None) -> None:
    """List the names of one KIND with a sentence each; without KIND, all but MXNet's optimizers and the schedules."""
    from gluon_ref.showing import LISTED, overview

    for group, names in overview((kind,) if kind else tuple(LISTED)).items():
        click.echo(group)
        for name, sentence in names.items():
            click.echo(f"    {name:<16}{sentence}")
