"""gluonref launch: a training as several processes, on this machine or on many."""

from __future__ import annotations

import sys
from typing import Any

import click

from .train import train
from .values import given


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--workers", type=click.IntRange(min=1), required=True, metavar="N", help="Processes that train.")
@click.option(
    "--servers",
    type=click.IntRange(min=1),
    default=1,
    metavar="M",
    help="Processes that add up the workers' gradients; 1 when left out.",
)
@click.option(
    "--hosts",
    type=click.Path(),
    callback=given,
    metavar="FILE",
    help="Hosts to run on, one a line: NAME [slots=K] [address=A]; this machine alone when left out.",
)
@click.option(
    "--max-restarts",
    type=click.IntRange(min=0),
    default=0,
    metavar="K",
    help="How often all may start anew, from the last checkpoint, after one has failed; 0 when left out.",
)
@click.option(
    "--rendezvous-timeout",
    type=float,
    default=60.0,
    metavar="SECONDS",
    help="Until all workers must have met; 60 when left out.",
)
@click.option(
    "--stall-timeout",
    type=float,
    default=600.0,
    metavar="SECONDS",
    help="Without progress of any worker, after which the run has failed; 600 when left out, 0 for never.",
)
@click.option(
    "--batch",
    type=click.Choice(["keep", "scale"]),
    default="keep",
    help="When a restart has fewer workers: keep the samples of an update, or scale them with the workers.",
)
@click.option("--allow-public", is_flag=True, help="Take hosts whose addresses anyone may reach.")
@click.option(
    "--shell",
    callback=given,
    metavar="TEXT",
    help="Command that leads to a host, whose name follows; ssh -o BatchMode=yes -o ConnectTimeout=10 when left out.",
)
@click.option(
    "--python",
    callback=given,
    metavar="PATH",
    help="Python that has this package, on every host; this one when left out.",
)
@click.option("--dry-run", is_flag=True, help="Print each process as a line for a shell, and start nothing.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="-- train RECIPE ...")
def launch(
    command: tuple[str, ...],
    rendezvous_timeout: float,
    stall_timeout: float,
    shell: str | None,
    python: str | None,
    dry_run: bool,
    **asked: Any,
) -> None:
    """Train as several processes, which MXNet's parameter servers keep together; see docs/launching.md.

    What stands after -- is a `gluonref train` command with its arguments. If a process fails, all are ended, and
    started anew as often as --max-restarts says.
    """
    from gluon_ref import launching
    from gluon_ref.launches.records import SHELL, Options, Timing

    options = Options(
        **asked,
        shell=SHELL if shell is None else shell,
        python=sys.executable if python is None else python,
        timing=Timing(rendezvous_s=rendezvous_timeout, stall_s=stall_timeout),
    )
    launching.check(command, options)
    train.make_context("train", list(command[1:]))  # tells a wrong option once, and before anything is started
    if dry_run:
        for line in launching.describe(command, options):
            click.echo(line)
    else:
        launching.launch(command, options)
