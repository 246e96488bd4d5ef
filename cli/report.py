"""gluonref report: curves, confusion, calibration and worst mistakes as files a browser opens."""

from __future__ import annotations

import json

import click

from .values import folder, given


@click.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path())
@folder("--out", "Folder for the report; RUN/report for one run, `report` for several when left out.")
@click.option(
    "--data",
    callback=given,
    metavar="NAME[:PATH]",
    help="Examine on this data instead of the held-out part each run was trained beside.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, the content of report.json, and no more.")
def report(runs: tuple[str, ...], out: str | None, data: str | None, as_json: bool) -> None:
    """Write a report of RUN, or of several RUNs side by side: one HTML file that needs no network, PNGs and numbers.

    A run that is still training can be reported too. An earlier report in the folder is replaced; any other folder
    that holds something is refused.
    """
    from gluon_ref.reporting import report as write

    if "" in runs:
        raise click.BadParameter("nothing given; give a run's folder", param_hint="RUN...")
    written = write(runs, out, data)
    for note in written.notes:
        click.echo(f"warning: {note}", err=True)
    if as_json:
        click.echo(json.dumps(written.numbers))
        return
    for run in written.numbers["runs"]:
        figures = dict(run.get("metrics", {}))
        if "calibration" in run:
            figures["calibration_error"] = run["calibration"]["error"]
        told = "  ".join(f"{name} {value:.4f}" for name, value in figures.items())
        click.echo(f"{run['name']:<12}{told or 'curves only: no epoch has been finished and measured yet'}")
        for note in run["notes"]:
            click.echo(f"warning: {run['name']}: {note}", err=True)
    for at, path in enumerate(written.files):
        click.echo(f"{'' if at else 'report':<12}{path}")
