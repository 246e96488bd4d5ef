"""gluonref train: from a recipe to a run folder."""

from __future__ import annotations

from typing import Any

import click

from .values import folder, given

# Options that are short for a recipe's key.
SHORTCUTS = {
    "epochs": "train.epochs",
    "batch_size": "train.batch_size",
    "lr": "optimizer.learning_rate",
    "seed": "train.seed",
    "device": "train.device",
    "kvstore": "train.kvstore",
    "hybridize": "train.hybridize",
}


@click.command()
@click.argument("recipe", required=False)
@click.option(
    "--data",
    callback=given,
    metavar="NAME[:PATH]",
    help="Data set or format to train on, with the path of your own files after a colon.",
)
@click.option("--epochs", type=int, help="Passes over the training part.")
@click.option("--batch-size", type=int, help="Samples per update.")
@click.option("--lr", type=float, help="Peak learning rate: optimizer.learning_rate.")
@click.option("--seed", type=int, help="Seed of weights, order and dropout: the same seed gives the same weights.")
@click.option("--device", metavar="NAME", help="Where to compute: cpu, cpu:N or gpu:0,1.")
@click.option("--kvstore", metavar="NAME", help="How several devices add their gradients: local or device.")
@click.option(
    "--hybridize/--no-hybridize",
    default=None,
    help="Compile the network (the default), or run it line by line for debugging.",
)
@folder("--out", "New folder for the run; runs/NAME when left out.")
@folder("--resume", "Go on with the run in this folder from its last checkpoint.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="SECTION.KEY=VALUE",
    help="Change any key of the recipe; `gluonref show` lists them.",
)
def train(
    recipe: str | None,
    data: str | None,
    out: str | None,
    resume: str | None,
    settings: tuple[str, ...],
    **shortcuts: Any,
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
    changes: list[tuple[str, Any]] = [
        (SHORTCUTS[name], value) for name, value in shortcuts.items() if value is not None
    ]
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise click.UsageError(f"--set {setting}: expected SECTION.KEY=VALUE, for example --set model.units=128")
        if shortcut := next(
            (name for name, its in SHORTCUTS.items() if its == key and shortcuts[name] is not None), ""
        ):
            raise click.UsageError(f"--set {setting} and --{shortcut.replace('_', '-')} say the same; give one of them")
        changes.append((key, value))
    if data is not None:
        changes = [*recipes.data_changes(data), *changes]
    read = recipes.read(recipe) if recipe else None
    if resume:
        run = training.resume(resume, changes, read)
    else:
        assert read is not None
        run = training.train(read.change(changes), out)
    _print(run)


def _print(run: Any) -> None:
    scores = "  ".join(f"{name} {value:.4f}" for name, value in run.state["scores"].items() if isinstance(value, float))
    click.echo(f"run         {run.folder}")
    click.echo(f"epochs      {run.state['epoch']}, the best was {run.state['best_epoch']}")
    click.echo(f"held out    {scores} (last epoch); best {run.state['best']:.4f}")
    click.echo("next        " + f"gluonref evaluate {run.folder}")
    click.echo("            " + f"gluonref predict {run.folder} INPUT...")
    click.echo("            " + f"gluonref export {run.folder} --format symbol")
