"""gluonref export: a verified artefact of a run, or of anyone's symbol and params files."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .values import folder, given, setting

if TYPE_CHECKING:
    from gluon_ref.exporting import Export
    from gluon_ref.exports.verifying import Comparison

# A shell's background job ignores Ctrl-C, and so would its children, which is how they are told to stop.
AGAIN = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from gluon_ref_cli.main import main; main(prog_name='gluonref')"
)
WIDTHS = (22, 8, 20, 12, 13)


@click.command()
@click.argument("run", required=False, type=click.Path(), callback=given)
@click.option(
    "--format", "exporter", required=True, metavar="NAME", help="Format, a name from `gluonref list formats`."
)
@folder("--out", "New folder for the artefact; RUN/FORMAT, or NET-FORMAT here, when left out.")
@click.option("--symbol", type=click.Path(), callback=given, metavar="FILE", help="NET-symbol.json, in place of RUN.")
@click.option("--params", type=click.Path(), callback=given, metavar="FILE", help="NET-0000.params beside it.")
@click.option(
    "--shape",
    "shapes",
    multiple=True,
    metavar="INPUT=N,N,...",
    help="Shape of an input of --symbol, batch first, -1 where an axis varies: data=1,3,224,224.",
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="NODE",
    help="Result to keep, a node of --symbol, as often as needed; all results when left out.",
)
@click.option("--dtype", "dtypes", multiple=True, metavar="INPUT=NAME", help="Type of an input that is not float32.")
@click.option(
    "--calibration",
    type=click.Path(),
    callback=given,
    metavar="FILE",
    help="Real inputs of --symbol, .npz by name or .npy: compared too, and needed by int8 formats.",
)
@click.option(
    "--tolerance",
    type=float,
    help="Largest accepted difference of an output, absolute plus relative; the format's own when left out.",
)
@click.option(
    "--max-drop",
    type=float,
    default=0.01,
    show_default=True,
    help="What an int8 format may lose of the task's watched figure: points of a share, or a share of an error.",
)
@click.option(
    "--watch",
    type=click.Choice(["agreement", "similarity"]),
    help="That figure for --symbol: agreement of largest outputs, if left out, or similarity (cosine) of embeddings.",
)
@setting("Set an option of the format, as often as needed; `gluonref show format NAME` lists them.", key="KEY")
def export(run: str | None, exporter: str, settings: tuple[str, ...], **asked: Any) -> None:
    """Export the best weights of RUN, or any model in MXNet's files, and prove that the artefact answers alike.

    The artefact is opened in a fresh process and compared with the network run line by line. One that differs
    is not kept.
    """
    from gluon_ref.exports.shielding import INSIDE

    files = {
        name: asked.pop(name) for name in ("symbol", "params", "shapes", "outputs", "dtypes", "calibration", "watch")
    }
    common = {**asked, "settings": [_pair("--set", one) for one in settings]}
    if run is not None:
        _refuse_both(files)
    else:
        files = _files(files)
        if INSIDE not in os.environ:
            _shield(files["symbol"], exporter, asked["out"])
            return
    _export(run, exporter, files, common)


def _shield(symbol: str, exporter: str, out: str | None) -> None:
    """The same command in a process of its own, which MXNet may end: what it says, and its exit code."""
    from gluon_ref.exports.naming import place
    from gluon_ref.exports.shielding import shielded

    context = click.get_current_context()
    arguments: list[str] = []
    for parameter in context.command.params:
        value = context.params.get(str(parameter.name))
        for one in value if isinstance(value, tuple) else [value]:
            arguments += [] if one is None else [parameter.opts[0], str(one)]
    folder = Path(out) if out else place(symbol, exporter)
    found = shielded([sys.executable, "-c", AGAIN, "export", *arguments], symbol, folder)
    for note in found.notes:
        click.echo(f"warning: {note}", err=True)
    click.echo(found.output, nl=False)
    click.echo(found.errors, nl=False, err=True)
    if found.code:
        sys.exit(found.code)


def _export(run: str | None, exporter: str, files: Mapping[str, Any], common: Mapping[str, Any]) -> None:
    from gluon_ref.exporting import export as of_run
    from gluon_ref.exporting import export_files
    from gluon_ref.exports.verifying import RefusedError

    try:
        result = of_run(run, exporter, **common) if run else export_files(exporter=exporter, **files, **common)
    except RefusedError as error:
        _table(error.verdict.rows, error.verdict.metrics)
        raise
    _tell(result)


def _refuse_both(files: Mapping[str, Any]) -> None:
    flags = [f"--{name.rstrip('s')}" for name, value in files.items() if value]
    if flags:
        raise click.UsageError(f"RUN and {flags[0]} say two things; give RUN, or --symbol, --params and --shape")


def _files(files: Mapping[str, Any]) -> dict[str, Any]:
    for name in ("symbol", "params", "shapes"):
        if not files[name]:
            flag = "--shape data=1,3,224,224" if name == "shapes" else f"--{name} FILE"
            raise click.UsageError(f"give RUN, or --symbol, --params and --shape; {flag} is missing")
    shapes: dict[str, tuple[int, ...]] = {}
    for one in files["shapes"]:
        name, sizes = _pair("--shape", one, "data=1,3,224,224", last=True)
        _refuse_twice("--shape", name, shapes)
        numbers = sizes.strip("()").split(",")
        try:
            shapes[name] = tuple(int(number) for number in numbers if number.strip())
        except ValueError:
            shapes[name] = ()
        if not shapes[name] or any(size < 1 and size != -1 for size in shapes[name]):
            raise click.UsageError(
                f"--shape {one}: expected whole numbers, batch first, -1 where an axis varies; "
                f"for example --shape {name}=1,3,224,224"
            )
    dtypes: dict[str, str] = {}
    for one in files["dtypes"]:
        name, dtype = _pair("--dtype", one, "data=int32", last=True)
        _refuse_twice("--dtype", name, dtypes)
        dtypes[name] = dtype
    for at, name in enumerate(files["outputs"]):
        _refuse_twice("--output", name, files["outputs"][:at], "result")
    return {name: one for name, one in {**files, "shapes": shapes, "dtypes": dtypes}.items() if one is not None}


def _refuse_twice(flag: str, name: str, given: Collection[str], each: str = "input") -> None:
    if name in given:
        raise click.UsageError(f"{flag} {name} is given twice; give it once per {each}")


def _pair(flag: str, text: str, example: str = "opset=13", last: bool = False) -> tuple[str, str]:
    """A name and a value; the name may hold = itself where the `last` one counts."""
    name, equals, value = text.rpartition("=") if last else text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"{flag} {text}: expected NAME=VALUE, for example {flag} {example}")
    return name, value


def _table(rows: tuple[Comparison, ...], metrics: Mapping[str, Mapping[str, float]]) -> None:
    heads = ("compared on", "samples", "largest difference", "relative", "same answer")
    click.echo(f"{heads[0]:<{WIDTHS[0]}}" + "".join(f"{head:>{width}}" for head, width in zip(heads[1:], WIDTHS[1:])))
    for row in rows:
        same = "" if row.agreement is None else f"{row.agreement:.4f}"
        cells = (f"{row.samples}", f"{row.absolute:.3g}", f"{row.relative:.3g}", same)
        line = "".join(f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS[1:]))
        click.echo(f"{row.case:<{WIDTHS[0]}}{line}{'' if row.accepted else '  too much'}")
    for name, pair in metrics.items():
        click.echo(f"{name:<{WIDTHS[0]}}network {pair['network']:.4f}, artefact {pair['artefact']:.4f}")


def _tell(result: Export) -> None:
    _table(result.comparisons, result.metrics)
    for note in result.notes:
        click.echo(f"warning: {note}", err=True)
    if result.left_out:
        click.echo(f"in float32  {', '.join(result.left_out)}: rounding these cost too much")
    click.echo(f"artefact    {result.folder} (verified in a fresh process, tolerance {result.tolerance:g})")
    commands = ("evaluate", "predict", "benchmark") if result.trained else ("predict", "benchmark")
    for at, command in enumerate(commands):
        tail = " INPUT..." if command == "predict" else ""
        click.echo(f"{'next' if not at else '':<12}gluonref {command} {result.folder}{tail}")
