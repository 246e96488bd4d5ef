"""gluonref train: from a recipe to a run folder."""

from __future__ import annotations

from typing import Any

import click

from .values import asked, folder, pairs, setting, shortcuts


@click.command()
@click.argument("recipe", required=False)
@shortcuts()
@folder("--out", "New folder for the run; runs/NAME when left out.")
@folder("--resume", "Go on with the run in this folder from its last checkpoint.")
@setting("Change any key of the recipe; `gluonref show` lists them.")
def train(
    recipe: str | None,
    data: str | None,
    out: str | None,
    resume: str | None,
    settings: tuple[str, ...],
    **given: Any,
) -> None:
    """Train by RECIPE, a name from `gluonref list recipes` or a .toml file.

    A run folder's run.toml is a complete recipe too.
    """
    from gluon_ref import recipe as recipes
    from gluon_ref import training

    if not recipe and not resume:
        raise click.UsageError("give a RECIPE, for example `gluonref train cnn`, or --resume DIR")
    if resume and out:
        raise click.UsageError("--resume goes on in its own folder; leave out --out")
    changes = asked(data, given)
    changes += pairs(settings, changes)
    read = recipes.read(recipe) if recipe else None
    if resume:
        run = training.resume(resume, changes, read)
    else:
        assert read is not None
        run = training.train(read.change(changes), out)
    if run.state:
        _print(run)


def _print(run: Any) -> None:
    scores = "  ".join(f"{name} {value:.4f}" for name, value in run.state["scores"].items() if isinstance(value, float))
    click.echo(f"run         {run.folder}")
    epochs, planned = run.state["epoch"], run.recipe.settings.epochs
    early = "" if epochs >= planned else f" of {planned}, none better for {epochs - run.state['best_epoch']}"
    click.echo(f"epochs      {epochs}{early}, the best was {run.state['best_epoch']}")
    click.echo(f"held out    {scores} (last epoch); best {run.state['best']:.4f}")
    click.echo("next        " + f"gluonref evaluate {run.folder}")
    click.echo("            " + f"gluonref predict {run.folder} INPUT...")
    click.echo("            " + f"gluonref export {run.folder} --format onnx")
