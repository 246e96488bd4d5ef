"""Samples made for the eye: a picture, a text or a row of cells, by what the input form writes."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from ..records import Facts
from .markup import cut

# Characters of a text that are shown.
LONGEST = 1200


@dataclass(frozen=True)
class Exhibit:
    """A sample to look at; one of the three is filled, or none where its form has nothing for the eye.

    Args:
        picture: a PNG file's bytes.
        text: pieces of a text, and whether the network knows them; unknown ones stand for what it did not see.
        row: column and cell, in the table's order.
    """

    picture: bytes = b""
    text: tuple[tuple[str, bool], ...] = ()
    row: tuple[tuple[str, str], ...] = ()


def prepare(inputs: Sequence[Any], facts: Facts, form: ModuleType) -> tuple[Exhibit, ...]:
    """Samples as exhibits.

    Args:
        inputs: as `Samples.take` gives them.
        facts: of the data.
        form: input form, whose `write` makes a file of SUFFIX.
    """
    reader = READERS.get(form.SUFFIX)
    if reader is None:
        return tuple(Exhibit() for _ in inputs)
    found = []
    with tempfile.TemporaryDirectory(prefix="gluonref-") as scratch:
        path = Path(scratch, f"sample{form.SUFFIX}")
        for one in inputs:
            form.write(one, facts, path)
            found.append(reader(path, facts))
    return tuple(found)


def _picture(path: Path, facts: Facts) -> Exhibit:
    return Exhibit(picture=path.read_bytes())


def _text(path: Path, facts: Facts) -> Exhibit:
    text = cut(path.read_text(encoding="utf-8").rstrip("\n"), LONGEST)
    unknown = facts.vocab[1] if len(facts.vocab) > 1 else ""
    if not unknown:
        return Exhibit(text=((text, True),))
    pieces = []
    for at, known in enumerate(text.split(unknown)):
        pieces += [(unknown, False)] if at else []
        pieces += [(known, True)] if known else []
    return Exhibit(text=tuple(pieces))


def _row(path: Path, facts: Facts) -> Exhibit:
    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return Exhibit(row=tuple((name, _short(cell)) for name, cell in zip(header, rows[0])) if rows else ())


def _short(cell: str) -> str:
    try:
        return f"{float(cell):.6g}"
    except ValueError:
        return cell


READERS: dict[str, Callable[[Path, Facts], Exhibit]] = {".png": _picture, ".txt": _text, ".csv": _row}
