"""predict(subject, requests): answers for images, rows or texts, in batches, in order."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from . import catalog
from .answering import open_subject
from .errors import DataError
from .inputs._arrays import load
from .records import Artefact

Arrays = tuple[np.ndarray, ...]

BATCH = 256


def predict(subject: str | Path, requests: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Answer requests by a run or an artefact.

    Args:
        subject: folder of either.
        requests: what the network's input form reads: image files; CSV files or rows; texts; "-" for standard input.
            For a model of anyone's: .npz files of its inputs by name, or .npy of the only one.
    Yields:
        "input", and what the task answers: "label", "probability", "probabilities"; or "value"; for a model of anyone's
        "outputs", numbers by name, for each row of the file.
    Raises:
        DataError: when the requests hold no image, row or text.
    """
    artefact = open_subject(subject)
    facts = artefact.facts
    if facts is None:
        yield from _plain(artefact, requests)
        return
    task = catalog.find("tasks", artefact.recipe["task"]["name"]).build(facts, **artefact.recipe.options("task"))
    form = catalog.find("inputs", facts.takes)
    samples = form.read(requests, facts)
    answered = 0
    while group := list(itertools.islice(samples, BATCH)):
        inputs = form.collate([sample for _, sample in group], facts)
        for (name, _), answer in zip(group, task.decode(artefact.answer(*inputs)[0])):
            yield {"input": name, **answer}
        answered += len(group)
    if not answered:
        raise DataError("predict", "nothing to answer", "at least one image, row or text", "check the input")


def _plain(artefact: Artefact, requests: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Outputs as they are, for each row of each file; for the file as a whole where outputs differ in their rows."""
    for request in requests:
        row = 0
        for group in _groups(load(request, artefact.inputs, "predict"), artefact, request):
            outputs = artefact.answer(*group)
            if len({output.shape[:1] for output in outputs}) > 1:
                found = {name: output.tolist() for name, output in zip(artefact.outputs, outputs)}
                yield {"input": request, "outputs": found}
                continue
            for at in range(len(outputs[0])):
                row += 1
                found = {name: output[at].tolist() for name, output in zip(artefact.outputs, outputs)}
                yield {"input": f"{request}, row {row}", "outputs": found}


def _groups(inputs: Arrays, artefact: Artefact, request: str) -> Iterator[Arrays]:
    """Inputs in groups that the network takes."""
    sizes = {field.batch for field in artefact.inputs}
    if len(sizes) > 1:  # some inputs have rows of their own, such as states: they belong to all samples
        yield inputs
        return
    size = sizes.pop() or BATCH
    if size != BATCH and len(inputs[0]) % size:
        raise DataError(
            request, f"{len(inputs[0])} rows", f"a multiple of {size}, the batch that the network takes", "add rows"
        )
    for start in range(0, len(inputs[0]), size):
        yield tuple(array[start : start + size] for array in inputs)
