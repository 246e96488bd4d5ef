"""Open a run or an artefact as something that answers: arrays in, arrays out, with no case per format.

As a program it answers for another process: `python -m gluon_ref.answering ARTEFACT IN.npz OUT.npz`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import groups, runs
from .artefacts import MANIFEST, open_artefact
from .errors import PathError
from .records import Artefact

if TYPE_CHECKING:
    from .assembly import Assembly

SCORES = "scores"


@dataclass(frozen=True)
class Opened:
    """A run's network, imperative, beside what it was assembled from."""

    run: runs.Run
    assembly: Assembly


def open_subject(path: str | Path) -> Artefact:
    """A run folder (its best weights, hybridized) or an artefact's folder.

    Raises:
        PathError: when it is neither.
        AlteredError: when a file does not have the checksum it was written with.
    """
    folder = Path(path)
    if os.path.isfile(folder / MANIFEST):
        return open_artefact(folder)
    if not os.path.isfile(folder / runs.RECIPE):
        raise PathError(
            str(path),
            "neither a run nor an artefact" if os.path.exists(folder) else "no such folder",
            f"a folder with {runs.RECIPE} or {MANIFEST}",
            "check the path; `gluonref train` makes runs, `gluonref export` artefacts",
        )
    from .backend import mx  # here, as in `open_run`: most artefacts answer without MXNet
    from .loop import answering

    opened = open_run(folder)
    opened.assembly.net.hybridize(static_alloc=True)
    answer = answering(opened.assembly.net, mx.cpu())
    return Artefact(str(path), "run", answer, opened.run.facts, opened.run.recipe, opened.assembly.fields, (SCORES,))


def open_run(folder: str | Path) -> Opened:
    """A run's network with its best weights, on the CPU, not hybridized."""
    from .assembly import assemble, fill
    from .backend import mx

    run = runs.load(Path(folder))
    assembly = assemble(run.recipe, run.facts, fresh=False)
    fill(assembly.net, run.file(runs.BEST), [mx.cpu()])
    return Opened(run, assembly)


def main(arguments: Sequence[str]) -> None:
    """Answer each group of arrays in IN.npz, and write OUT.npz alike."""
    path, source, target = arguments
    subject = open_subject(path)
    groups.save(target, [subject.answer(*inputs) for inputs in groups.load(source)])


if __name__ == "__main__":
    main(sys.argv[1:])
