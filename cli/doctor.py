"""gluonref doctor: what is wrong with this machine, and the command that mends it."""

from __future__ import annotations

import json
import sys

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def doctor(as_json: bool) -> None:
    """Look at all that training stands on, and name the command that mends what is wrong.

    It exits with 1 when training would fail. Nothing is installed, and nothing is sent anywhere.
    """
    from gluon_ref.diagnosis import diagnose

    diagnosis = diagnose()
    for line in [json.dumps(diagnosis.document())] if as_json else diagnosis.lines():
        click.echo(line)
    if not diagnosis.ok:
        sys.exit(1)
