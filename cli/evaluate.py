"""gluonref evaluate: the metrics of a run or an artefact on held-out data."""

from __future__ import annotations

import json

import click

from .values import given

WIDEST_CONFUSION = 25  # labels that fit on a terminal


@click.command()
@click.argument("subject", metavar="RUN_OR_ARTEFACT", type=click.Path(), callback=given)
@click.option(
    "--data",
    callback=given,
    metavar="NAME[:PATH]",
    help="Measure on this data instead of the held-out part the run was trained beside.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def evaluate(subject: str, data: str | None, as_json: bool) -> None:
    """Measure a run or an exported artefact on held-out data.

    Of a table or texts of your own named by --data, all rows are measured.
    """
    from gluon_ref.evaluation import evaluate as measure

    figures = measure(subject, data)
    if as_json:
        click.echo(json.dumps(figures))
        return
    confusion, labels = figures.pop("confusion", None), figures.pop("labels")
    for name, value in figures.items():
        click.echo(f"{name:<20}{value:.4f}" if isinstance(value, float) else f"{name:<20}{value}")
    if confusion and len(confusion) <= WIDEST_CONFUSION:
        width = max(len(str(max(map(max, confusion)))) + 1, 4)
        click.echo("confusion           rows are true, columns predicted, in the same order")
        for label, row in zip(labels, confusion):
            click.echo(f"    {label:<16}" + "".join(f"{count:>{width}}" for count in row))
