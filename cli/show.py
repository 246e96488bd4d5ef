"""gluonref show: one name of the catalogue, with its options; or a data set's samples as files."""

from __future__ import annotations

from pathlib import Path

import click

from .values import folder


@click.command()
@click.argument("kind")
@click.argument("name")
@click.option(
    "--samples", type=int, metavar="N", help="For data: write the first N held-out samples as files that predict reads."
)
@folder("--out", "New folder for the samples; NAME-samples when left out.")
def show(kind: str, name: str, samples: int | None, out: str | None) -> None:
    """Show the NAME of a KIND: what it is, and its options with types and defaults.

    KIND is model, data, task, format, recipe, input, optimizer, schedule, or section: augment and train.
    """
    from gluon_ref import showing

    if samples is not None:
        if kind != "data":
            raise click.UsageError("--samples goes with data, for example `gluonref show data digits --samples 5`")
        name, _, path = name.partition(":")
        for file in showing.write_samples(name, path, samples, Path(out or f"{name}-samples")):
            click.echo(file)
        return
    if out is not None:
        raise click.UsageError("--out goes with --samples, for example `gluonref show data digits --samples 5`")
    found = showing.describe(kind, name)
    if "text" in found:
        click.echo(found["text"], nl=False)
        return
    click.echo(f"{kind} {name}: {found['about']}")
    if found["options"]:
        click.echo("\noptions")
    for key, option in found["options"].items():
        given = (
            f"--set {found['section']}.{key}={option['default']}" if found["section"] else f"{key}={option['default']}"
        )
        click.echo(f"    {given:<44}{option['type']}")
        if option["help"]:
            click.echo(f"        {option['help']}")
