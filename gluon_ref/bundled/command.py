"""The command line of a bundle: inputs to answers, as lines or as JSON, and errors in one line each."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .. import answers
from ..conversion.session import open_model
from ..errors import DataError, GluonRefError
from ..inputs import _arrays, _tokens, vector
from ..inputs._lines import paths
from . import box, images
from .box import Bundle

BATCH = 256
INTERRUPTED = 130  # 128 + SIGINT, as shells have it
# Form of the inputs -> how requests are read, and how samples become arrays.
FORMS: dict[str, tuple[Callable[..., Iterator[tuple[str, np.ndarray]]], Callable[..., tuple[np.ndarray, ...]]]] = {
    "image": (images.read, images.collate),
    "vector": (vector.read, vector.collate),
    "text": (_tokens.read, _tokens.collate),
}
HELP = {
    "image": "an image file: PNG, PGM, PPM or .npy, others where Pillow is installed; - for paths on standard input",
    "vector": "a CSV file (.tsv: TSV), or one row with commas; - for rows on standard input",
    "text": "a text; - for lines on standard input",
    "arrays": "an .npz file with the model's inputs by name, or an .npy file of the only one; a row per sample",
}


def main(arguments: Sequence[str], where: str) -> int:
    """Answer a command line by the bundle in `where`; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):  # a file's name may hold any bytes
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        bundle = box.load(where)
        given = _parsed(bundle, list(arguments))
        found = list(answering(bundle)(given.inputs))  # all of them, before the first is printed
        if given.json:
            print(json.dumps({"predictions": found}))
        else:
            print("\n".join(answers.line(one, given.top) for one in found))
        sys.stdout.flush()
    except GluonRefError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python tells of it once more at its end
        if not isinstance(error, BrokenPipeError):  # whoever read the answers has seen enough
            print(
                f"error: standard output: {error.strerror}; expected room for the answers; free some", file=sys.stderr
            )
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def answering(bundle: Bundle) -> Callable[[Iterable[str]], Iterator[dict[str, Any]]]:
    """A bundle as a function of requests; its answers, in order: "input", and what the outputs are turned into.

    Raises:
        DataError: when its model is none; and from the function, as GluonRefError, when a request cannot be read, and
            when there is none.
    """
    model = open_model(bundle.where, bundle.fields, bundle.model)

    def answer(requests: Iterable[str]) -> Iterator[dict[str, Any]]:
        count = 0
        for names, arrays in _groups(bundle, requests):
            for name, one in zip(names, _told(bundle, model(*arrays))):
                count += 1
                yield {"input": name, **one}
        if not count:
            raise DataError("predict", "nothing to answer", "at least one image, row or text", "check the input")

    return answer


def _told(bundle: Bundle, outputs: Sequence[np.ndarray]) -> list[dict[str, Any]]:
    if bundle.answers == "labels":
        return answers.labels(outputs, bundle.facts.labels)
    if bundle.answers == "value":
        return answers.value(outputs)
    return answers.plain(outputs, bundle.outputs)


def _groups(bundle: Bundle, requests: Iterable[str]) -> Iterator[tuple[list[str], tuple[np.ndarray, ...]]]:
    """Names of some samples, and the arrays that the model takes of them."""
    if bundle.takes in FORMS:
        read, collate = FORMS[bundle.takes]
        samples = read(requests, bundle.facts)
        while group := list(itertools.islice(samples, BATCH)):
            yield [name for name, _ in group], collate([one for _, one in group], bundle.facts)
        return
    for path in paths(requests):
        arrays = _arrays.load(path, bundle.fields, "predict")
        size = bundle.fields[0].batch or BATCH
        for start in range(0, len(arrays[0]), size):
            part = tuple(one[start : start + size] for one in arrays)
            yield [f"{path}, row {start + at + 1}" for at in range(len(part[0]))], part


def _parsed(bundle: Bundle, arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        usage="predict.py [-h] [--json] [--top N] INPUT...",
        description="Answer by the model of this bundle.",
        allow_abbrev=False,
    )
    parser.add_argument("inputs", metavar="INPUT", nargs="*", help=HELP.get(bundle.takes, HELP["arrays"]))
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object with all probabilities, nothing else"
    )
    parser.add_argument("--top", type=_count, default=1, metavar="N", help="labels to print per input, likeliest first")
    # What follows a "--" is no option, such as a row that begins with a negative number; intermixed, argparse drops it.
    at = arguments.index("--") if "--" in arguments else len(arguments)
    given = parser.parse_intermixed_args(arguments[:at])
    given.inputs += arguments[at + 1 :]
    if not given.inputs:
        parser.error("the following arguments are required: INPUT")
    return given


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}; expected a whole number, 1 or more")
    return int(text)
