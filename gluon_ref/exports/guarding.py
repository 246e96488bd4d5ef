"""What rounding may cost: a lossy format that loses too much is tried again with layers left in float32."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from ..progress import counted
from .subjects import Subject
from .verifying import Verdict, drop, judge

# Layers beyond the first and the last that are left out, most sensitive first.
MORE = (1, 2, 4, 8, 16)


def attempts(
    module: ModuleType, subject: Subject, parent: Path, **options: Any
) -> Iterator[tuple[tuple[str, ...], Path, dict[str, Any], Verdict]]:
    """Artefacts with more and more layers left in float32, until no more than half of them are rounded.

    Args:
        module: a lossy exporter.
        subject: what is exported.
        parent: where to write; each attempt is gone when the next begins.
        options: of the exporter.
    Yields:
        the layers left out, the folder, what the exporter says, and the verdict as this process finds it.
    """
    for left_out in _choices(module, subject, parent, options):
        with tempfile.TemporaryDirectory(prefix=".attempt-", dir=parent) as scratch:
            folder = Path(scratch, "artefact")
            written, verdict = _try(module, subject, folder, {**options, "leave_out": left_out})
            yield left_out, folder, written, verdict


def _choices(module: ModuleType, subject: Subject, parent: Path, options: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    asked = tuple(options.pop("leave_out", ()))
    yield asked
    every = module.layers(subject.source)
    layers = [name for name in every if name not in asked]
    ends = {layers[0], layers[-1]} if layers else set()
    if len(layers) > len(ends):
        yield tuple(name for name in every if name in ends | set(asked))
    ranked = _ranked(module, subject, parent, options, layers, asked)
    done: set[frozenset[str]] = {frozenset(asked), frozenset(ends) | frozenset(asked)}
    for count in MORE:
        chosen = ends | set(ranked[:count]) | set(asked)
        if len(chosen) >= len(layers) or frozenset(chosen) in done:
            return
        done.add(frozenset(chosen))
        yield tuple(name for name in every if name in chosen)


def _ranked(
    module: ModuleType,
    subject: Subject,
    parent: Path,
    options: dict[str, Any],
    layers: list[str],
    asked: tuple[str, ...],
) -> list[str]:
    """Layers, those that alone cost most when rounded first; with a bar on a terminal, for it takes minutes."""
    costs = {}
    for name in counted(layers, "rounding layers one by one", "layers"):
        others = (*asked, *(one for one in layers if one != name))
        with tempfile.TemporaryDirectory(prefix=".attempt-", dir=parent) as scratch:
            _, verdict = _try(module, subject, Path(scratch, "artefact"), {**options, "leave_out": others})
            costs[name] = (drop(subject, verdict), verdict.rows[-1].relative)
    return sorted(costs, key=lambda one: costs[one], reverse=True)


def _try(module: ModuleType, subject: Subject, folder: Path, options: dict[str, Any]) -> tuple[dict[str, Any], Verdict]:
    folder.mkdir()
    written: dict[str, Any] = module.write(subject.source, folder, **options)
    answer: Callable[..., Any] = module.open(folder, subject.source.inputs)
    last = subject.cases[-1]
    real = Subject(subject.source, [last], subject.document, subject.measure, subject.watch)
    return written, judge(real, [[answer(*arrays) for arrays in last.groups]], module.TOLERANCE, lossy=True)


def move(source: Path, target: Path) -> None:
    """Put an attempt's files where the artefact is made."""
    for path in source.iterdir():
        shutil.move(path, target / path.name)
