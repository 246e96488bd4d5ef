"""gluonref sweep: a recipe with every combination of some values, over several seeds, and which was best."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from typing import Any

import click

from .values import asked, folder, pairs, setting, shortcuts


@click.command()
@click.argument("recipe")
@shortcuts("--seed")
@click.option("--seeds", type=click.IntRange(min=1), default=1, metavar="N", help="Runs of each: seeds 0 to N-1.")
@folder("--out", "Folder of the sweep, a new one or one to go on with; sweeps/NAME when left out.")
@setting(
    "Train with each of these values. They are separated by commas; by semicolons where one value may hold commas "
    'itself, as a text or several numbers may: --set "model.units=64,64;128".',
    "VALUE,VALUE...",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def sweep(
    recipe: str,
    data: str | None,
    seeds: int,
    out: str | None,
    settings: tuple[str, ...],
    as_json: bool,
    **given: Any,
) -> None:
    """Train by RECIPE with every combination of some values and every seed, one run after another.

    Given again, the same command goes on where it stopped, and may have more values or seeds.
    """
    from gluon_ref import recipe as recipes
    from gluon_ref import sweeping

    changes = asked(data, given)
    found = sweeping.sweep(recipes.read(recipe).change(changes), pairs(settings, changes), out, seeds=seeds)
    if as_json:
        click.echo(json.dumps(found))
    else:
        _print(found)
    if found["failed"]:
        click.echo(f"{found['failed']} of the runs failed; the lines above say why", err=True)
        sys.exit(1)


def _print(found: Mapping[str, Any]) -> None:
    keys = list(found["combinations"][0]["values"])
    rows = [[*keys, "seeds", f"best {found['watch']}", "last epoch", "time"]]
    for one in found["combinations"]:
        seeds = f"{one['seeds']} of {one['seeds'] + one['failed']}" if one["failed"] else str(one["seeds"])
        time = "none" if one["time_s"] is None else f"{one['time_s']:.1f} s"
        rows.append([*one["values"].values(), seeds, _spell(one["best"]), _spell(one["last"]), time])
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths)).rstrip())
    place = shlex.quote(found["sweep"])
    click.echo(f"table       {found['sweep']}/sweep.csv")
    click.echo(f"next        gluonref report {place}/*/seed-0")


def _spell(spread: Mapping[str, float | None]) -> str:
    if spread["mean"] is None:
        return "none"
    return f"{spread['mean']:.4f}" + ("" if spread["deviation"] is None else f" ± {spread['deviation']:.4f}")
