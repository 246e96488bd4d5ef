"""gluonref predict: answers for images, rows or texts."""

from __future__ import annotations

import json

import click

from .values import given


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
    from gluon_ref.answers import line
    from gluon_ref.prediction import predict as answer

    answers = list(answer(subject, inputs))  # all of them, before the first is printed
    if as_json:
        click.echo(json.dumps({"predictions": answers}))
        return
    for one in answers:
        click.echo(line(one, top if "probabilities" in one else 1))
