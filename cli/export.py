"""gluonref export: a verified artefact of a run."""

from __future__ import annotations

import click

from .values import folder, given


@click.command()
@click.argument("run", type=click.Path(), callback=given)
@click.option(
    "--format", "exporter", required=True, metavar="NAME", help="Format, a name from `gluonref list formats`."
)
@folder("--out", "New folder for the artefact; RUN/FORMAT when left out.")
@click.option(
    "--tolerance",
    type=float,
    help="Largest accepted difference of a score, absolute plus relative; the format's own when left out.",
)
def export(run: str, exporter: str, out: str | None, tolerance: float | None) -> None:
    """Export the best weights of RUN and prove that the artefact answers alike.

    The artefact is opened in a fresh process and compared with the network run line by line. One that differs
    is not kept.
    """
    from gluon_ref.exporting import export as write

    result = write(run, exporter, out, tolerance)
    click.echo(f"{'compared on':<22}{'samples':>8}{'largest difference':>20}{'relative':>12}{'same answer':>13}")
    for row in result.comparisons:
        click.echo(f"{row.case:<22}{row.samples:>8}{row.absolute:>20.3g}{row.relative:>12.3g}{row.agreement:>13.4f}")
    for name, pair in result.metrics.items():
        click.echo(f"{name} on these held-out samples: network {pair['network']:.4f}, artefact {pair['artefact']:.4f}")
    for note in result.notes:
        click.echo(f"warning: {note}", err=True)
    click.echo(f"artefact    {result.folder} (verified in a fresh process, tolerance {result.tolerance:g})")
    click.echo(f"next        gluonref evaluate {result.folder}")
    click.echo(f"            gluonref predict {result.folder} INPUT...")
