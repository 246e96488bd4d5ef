"""The command `gluonref`: its group, and how errors leave it."""

from __future__ import annotations

import errno
import importlib
import sys
import traceback
from collections import UserDict
from typing import Any

import click

from gluon_ref import __version__, beats
from gluon_ref.errors import DivergedError, GluonRefError, Interrupted, RequestError

# Each is a file of the same name, - as _, with a function called alike; read when it is asked for.
COMMANDS = (
    "train",
    "sweep",
    "find-rate",
    "launch",
    "evaluate",
    "predict",
    "export",
    "benchmark",
    "inspect",
    "list",
    "show",
    "doctor",
    "report",
)
INTERRUPTED = 130  # 128 + SIGINT, as shells have it
# Errors that come again when a distributed run is started anew.
FINAL = (RequestError, DivergedError, Interrupted)
FULL = (errno.ENOSPC, errno.EIO)


class Commands(UserDict[str, Any]):
    """Commands by name; the file of one is imported when it is taken out."""

    def __getitem__(self, name: str) -> click.Command:
        if name not in self.data:
            raise KeyError(name)
        own = name.replace("-", "_")
        command: click.Command = getattr(importlib.import_module(f".{own}", __package__), own)
        return command


class Family(click.Group):
    """A group that turns this package's errors into one line on standard error and their exit code."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; a process of a distributed run that fails leaves at once, as others wait for it."""
        if not beats.launched():
            return self._invoke(ctx)
        try:
            return self._invoke(ctx)
        except SystemExit as end:
            beats.leave(end.code if isinstance(end.code, int) else 1)
        except Exception as error:
            traceback.print_exception(error)
            beats.tell(failed=repr(error), again=True)
            beats.leave(GluonRefError.exit_code)

    def _invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except GluonRefError as error:
            click.echo(f"error: {error}", err=True)
            beats.tell(failed=str(error), again=not isinstance(error, FINAL))
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


@click.group(
    cls=Family,
    commands=Commands(dict.fromkeys(COMMANDS)),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="gluonref")
def main() -> None:
    """Train, evaluate, predict with and export MXNet Gluon models.

    Start with `gluonref train cnn`: it needs no download.
    """
