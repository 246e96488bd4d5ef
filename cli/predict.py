"""gluonref predict: answers for images, rows or texts."""

from __future__ import annotations

import json
from typing import Any

import click

from .values import given

SHOWN = 10  # numbers of an output that fit on a line


@click.command()
@click.argument("subject", metavar="RUN_OR_ARTEFACT", type=click.Path(), callback=given)
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with all probabilities and nothing else.")
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Labels to print per input, likeliest first.",
)
def predict(subject: str, inputs: tuple[str, ...], as_json: bool, top: int) -> None:
    """Answer INPUTs by a run or an exported artefact: labels with probabilities, or values.

    An INPUT is what the network reads: an image file; a CSV file with a header, or one row like 5.1,3.5,1.4,0.2;
    a text. - stands for lines on standard input: image paths, rows or texts. Of a model whose task is not known:
    an .npz file with its inputs by name, or an .npy file of the only one; --top does not apply.
    """
    from gluon_ref.prediction import predict as answer

    answers = list(answer(subject, inputs))  # all of them, before the first is printed
    if as_json:
        click.echo(json.dumps({"predictions": answers}))
        return
    for one in answers:
        if "outputs" in one:
            click.echo(
                "\t".join([one["input"], *(f"{name} {_short(value)}" for name, value in one["outputs"].items())])
            )
            continue
        if "value" in one:
            click.echo(f"{one['input']}\t{one['value']:.6g}")
            continue
        best = sorted(one["probabilities"].items(), key=lambda pair: -pair[1])[:top]
        click.echo("\t".join([one["input"], *(f"{label} {probability:.4f}" for label, probability in best)]))


def _short(value: Any) -> str:
    """An output: its numbers, or how many there are and where the largest is."""
    from itertools import chain

    flat, shape = (value if isinstance(value, list) else [value]), []
    deep = value
    while isinstance(deep, list):
        shape.append(len(deep))
        deep = deep[0] if deep else None
    for _ in shape[1:]:
        flat = list(chain.from_iterable(flat))
    if len(flat) <= SHOWN:
        return " ".join(f"{number:.6g}" for number in flat)
    best = max(range(len(flat)), key=lambda at: flat[at])
    return f"{'x'.join(map(str, shape))}, largest {flat[best]:.6g} at {best}"
