"""gluonref find-rate: the learning rate at which the loss falls fastest."""

from __future__ import annotations

import json
import shlex
from typing import Any

import click

from .values import asked, pairs, setting, shortcuts

BAR = 40  # characters of the longest


@click.command("find-rate")
@click.argument("recipe")
@shortcuts("--epochs", "--lr")
@click.option("--low", type=float, default=1e-6, show_default=True, help="Rate of the first update.")
@click.option("--high", type=float, default=10.0, show_default=True, help="Rate of the last update.")
@click.option(
    "--steps", type=int, metavar="N", help="Updates; one pass over the training part, within 200 to 500, when left out."
)
@setting("Change any key of the recipe; `gluonref show` lists them.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def find_rate(
    recipe: str,
    data: str | None,
    low: float,
    high: float,
    steps: int | None,
    settings: tuple[str, ...],
    as_json: bool,
    **given: Any,
) -> None:
    """Suggest a learning rate for RECIPE: train for a few updates with a rising one, and see where the loss falls.

    It writes nothing. The rate is a start: `gluonref sweep` compares some around it.
    """
    from gluon_ref import rating
    from gluon_ref import recipe as recipes

    changes = asked(data, given)
    changes += pairs(settings, changes)
    found = rating.find_rate(recipes.read(recipe).change(changes), low=low, high=high, steps=steps)
    if as_json:
        told = {"rate": found.rate, "lowest": found.lowest, "lowest_tenth": found.lowest / 10}
        curve = {"rates": found.rates, "losses": found.losses, "smoothed": found.smoothed}
        click.echo(json.dumps({**told, **curve}))
        return
    table = rating.rows(found)
    top = max(loss for _, loss in table)
    click.echo(f"{'rate':<12}{'loss':<12}smoothed over about ten updates")
    for rate, loss in table:
        click.echo(f"{rate:<12.3g}{loss:<12.4g}{'#' * round(BAR * loss / top)}".rstrip())
    click.echo(f"suggestion  {found.rate:.2g}, where the loss falls fastest")
    click.echo(f"beside it   {found.lowest / 10:.2g}, a tenth of where it was lowest")
    click.echo(f"next        {_command(recipe, data, settings, given)} --lr {found.rate:.2g}")


def _command(recipe: str, data: str | None, settings: tuple[str, ...], given: dict[str, Any]) -> str:
    """The command that trains with the same options."""
    words = ["gluonref", "train", recipe, *(["--data", data] if data is not None else [])]
    for name, value in given.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{'' if value else 'no-'}{flag}")
        elif value is not None:
            words += [f"--{flag}", str(value)]
    for one in settings:
        words += ["--set", one] if not one.startswith("optimizer.learning_rate=") else []
    return shlex.join(words)
