"""The command `gluonref`: its group, and how errors leave it."""

from __future__ import annotations

import errno
import sys

import click

from gluon_ref import __version__
from gluon_ref.errors import GluonRefError

from .benchmark import benchmark
from .doctor import doctor
from .evaluate import evaluate
from .export import export
from .find_rate import find_rate
from .inspect import inspect
from .list import list_names
from .predict import predict
from .report import report
from .show import show
from .sweep import sweep
from .train import train

INTERRUPTED = 130  # 128 + SIGINT, as shells have it
FULL = (errno.ENOSPC, errno.EIO)


class Family(click.Group):
    """A group that turns this package's errors into one line on standard error and their exit code."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except GluonRefError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(error.exit_code)
        except OSError as error:
            if error.errno not in FULL:
                raise
            click.echo(f"error: standard output: {error.strerror}; expected room for the results; free some", err=True)
            sys.exit(GluonRefError.exit_code)
        except KeyboardInterrupt:
            click.echo(
                "stopped; nothing is half-written, and a training that has a checkpoint goes on from there with "
                "`gluonref train --resume RUN`",
                err=True,
            )
            sys.exit(INTERRUPTED)


@click.group(cls=Family, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="gluonref")
def main() -> None:
    """Train, evaluate, predict with and export MXNet Gluon models.

    Start with `gluonref train cnn`: it needs no download.
    """


for command in (
    train,
    sweep,
    find_rate,
    evaluate,
    predict,
    export,
    benchmark,
    inspect,
    list_names,
    show,
    doctor,
    report,
):
    main.add_command(command)
