"""predict(subject, requests): answers for images, rows or texts, in batches, in order."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from . import catalog
from .answering import open_subject
from .errors import DataError

BATCH = 256


def predict(subject: str | Path, requests: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Answer requests by a run or an artefact.

    Args:
        subject: folder of either.
        requests: what the network's input form reads: image files; CSV files or rows; texts; "-" for standard input.
    Yields:
        "input", and what the task answers: "label", "probability", "probabilities"; or "value".
    Raises:
        DataError: when the requests hold no image, row or text.
    """
    artefact = open_subject(subject)
    facts = artefact.facts
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
