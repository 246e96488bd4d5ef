"""The readers of data: for each, whole files to begin with, and how altered ones are read."""

from __future__ import annotations

import io
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from gluon_ref.records import Data, Facts
from tests.data import idx, images

TABLE = "age,sex,fare,port,label\n" + "".join(
    f"{'' if at % 5 == 2 else 20 + at},{'mf'[at % 2]}x,{at * 1.25},{'SCQ'[at % 3]},{'ab'[at // 2 % 2]}\n"
    for at in range(12)
)
TEXTS = "label,text\n" + "".join(f'{"ud"[at % 2]}p,"gut, schön {at}"\n' for at in range(8))
# As tests/conftest.py has them, which imports MXNet.
VECTOR = Facts("vector", "label", (5,), labels=("a", "b"), columns=tuple("vwxyz"), mean=(1.0,) * 5, std=(2.0,) * 5)
TEXT = Facts("text", "label", (-1,), labels=("up", "dp"), vocab=("<pad>", "<unk>", *"gutschön"), split="character")
# Columns of numbers with gaps, of categories, and of numbers: age, whether it is missing, fx, mx, fare.
MIXED = Facts(
    *("vector", "label", (5,)),
    labels=("a", "b"),
    columns=("age", "sex", "fare"),
    categories=((), ("fx", "mx"), ()),
    gaps=("age",),
    mean=(1.0,) * 5,
    std=(1.0,) * 5,
)
IMAGE_OPTIONS: dict[str, list[Any]] = {
    "background": ["white", "white", "refuse"],
    "depth": [16, 16, 8],
    "skip_corrupt": [True, False],
    "channels": [0, 1, 3],
    "size": [(), (5, 7), (6, 4)],
}
ROW_OPTIONS: dict[str, list[Any]] = {
    "header": [True, True, True, False],
    "quoting": [True, True, False],
    "separator": ["auto", "auto", "auto", "auto", "space", "semicolon"],
}
TABLE_OPTIONS = {"target": ["label", "label", "value"], "label": ["", "label", "1"], "known": [None, None, MIXED]}
TEXT_OPTIONS: dict[str, list[Any]] = {
    "tokens": ["word", "character", "marked"],
    "label": ["label", "1"],
    "text": ["text", "2"],
    "known": [None, None, TEXT],
}


@dataclass(frozen=True)
class Reader:
    """One kind of file.

    Args:
        name: of the reader.
        write: writes whole files into a folder.
        read: (folder, name of an altered file in it, generator that makes its choices) -> anything.
        sealed: the files know each other's checksums.
        left: endings of files that stay as they are.
    """

    name: str
    write: Callable[[Path], None]
    read: Callable[[Path, str, Random], Any]
    sealed: bool = False
    left: tuple[str, ...] = ()


def _choose(options: dict[str, list[Any]], random: Random) -> dict[str, Any]:
    return {name: random.choice(values) for name, values in options.items()}


def _use(data: Data) -> None:
    """Have every sample, as training would."""
    for part in (data.train, data.held_out):
        part.take(np.arange(len(part)))
        _ = part.targets, part.lengths


def _write_idx(folder: Path) -> None:
    idx.write(folder)


def _read_idx(folder: Path, name: str, random: Random) -> None:
    from gluon_ref.data import mnist

    _use(mnist.load(str(folder)))


def _write_cifar(folder: Path) -> None:
    for name, first in (("data_batch_1.bin", 0), ("test_batch.bin", 5)):
        pixels = np.random.RandomState(first).bytes(3 * 3072)
        records = [bytes([first + at]) + pixels[at * 3072 : (at + 1) * 3072] for at in range(3)]
        (folder / name).write_bytes(b"".join(records))
    (folder / "batches.meta.txt").write_text("\n".join("abcdefghij") + "\n")


def _read_cifar(folder: Path, name: str, random: Random) -> None:
    from gluon_ref.data import cifar10

    known = Facts("image", "label", (3, 32, 32), labels=tuple("abcdefghij"), mean=(1.0,) * 3, std=(1.0,) * 3)
    _use(cifar10.load(str(folder), random.choice([None, known]), train=("data_batch_1.bin",)))


def _encoded() -> list[bytes]:
    """Images of each kind that is read."""
    grey, colour, clear = (images.noise(0, mode=mode) for mode in ("L", "RGB", "RGBA"))
    exif = colour.getexif()
    exif[0x0112] = 6
    return [
        images.encoded(grey),
        images.encoded(colour),
        images.encoded(colour, "JPEG", exif=exif),
        images.encoded(grey, "JPEG"),
        images.encoded(colour, "JPEG", progressive=True),
        images.encoded(colour.convert("P"), "GIF"),
        images.encoded(colour.convert("P"), exif=exif),
        images.encoded(colour, "BMP"),
        images.encoded(colour, "WEBP", lossless=True),
        images.encoded(colour, "WEBP"),
        images.encoded(colour, "TIFF"),
        images.encoded(colour, "TIFF", compression="tiff_lzw"),
        images.encoded(clear),
        images.deep(np.arange(35, dtype=np.uint16).reshape(5, 7) * 999),
    ]


def _write_folders(folder: Path) -> None:
    for at, content in enumerate(_encoded()):
        ending = "jpg" if content.startswith(b"\xff") else "png"
        (folder / "ab"[at % 2]).mkdir(exist_ok=True)
        (folder / "ab"[at % 2] / f"{at}.{ending}").write_bytes(content)


def _read_folders(folder: Path, name: str, random: Random) -> None:
    from gluon_ref.data import image_folder

    _use(image_folder.load(str(folder), **_choose(IMAGE_OPTIONS, random)))


def _write_records(folder: Path) -> None:
    content = b""
    for at, image in enumerate(_encoded()):
        head = struct.pack("<IfQQ", 0, float(at % 2), at, 0)
        if at == 3:  # one label behind the header
            head = struct.pack("<IfQQf", 1, 0.0, at, 0, 1.0)
        body = head + image
        content += struct.pack("<II", 0xCED7230A, len(body)) + body + bytes(-len(body) % 4)
    (folder / "images.rec").write_bytes(content)


def _read_records(folder: Path, name: str, random: Random) -> None:
    from gluon_ref.data import recordio

    _use(recordio.load(str(folder / name), **_choose(IMAGE_OPTIONS, random)))


def _write_images(folder: Path) -> None:
    for at, content in enumerate(_encoded()):
        (folder / f"{at}.png").write_bytes(content)


def _read_images(folder: Path, name: str, random: Random) -> None:
    from gluon_ref.inputs import image

    facts = Facts("image", "label", (random.choice([1, 3]), 5, 7), labels=("a", "b"))
    list(image.read([str(folder / name)], facts))


def _write_table(folder: Path) -> None:
    _write_rows(folder, TABLE)


def _write_texts(folder: Path) -> None:
    _write_rows(folder, TEXTS)


def _write_requests(folder: Path) -> None:
    _write_rows(folder, TABLE)
    (folder / "plain.csv").write_text("1,2,3,4,5\n" * 3)


def _write_rows(folder: Path, text: str) -> None:
    (folder / "rows.csv").write_text(text, encoding="utf-8")
    (folder / "rows.tsv").write_text(text.replace(",", "\t"), encoding="utf-8-sig", newline="\r\n")


def _read_table(folder: Path, name: str, random: Random) -> None:
    from gluon_ref.data import table

    test = random.choice(["", "", str(folder / "rows.csv")])
    _use(table.load(str(folder / name), test=test, **_choose({**ROW_OPTIONS, **TABLE_OPTIONS}, random)))


def _read_texts(folder: Path, name: str, random: Random) -> None:
    from gluon_ref.data import text_table

    test = random.choice(["", "", str(folder / "rows.csv")])
    _use(text_table.load(str(folder / name), test=test, **_choose({**ROW_OPTIONS, **TEXT_OPTIONS}, random)))


def _read_requests(folder: Path, name: str, random: Random) -> None:
    """Rows and texts to predict, from a file and from standard input."""
    from gluon_ref.inputs import text, vector

    form, facts = random.choice([(text, TEXT), (vector, VECTOR), (vector, MIXED), (vector, MIXED)])
    if form is vector and random.random() < 0.6:
        list(vector.read([str(folder / name)], facts))
        return
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO((folder / name).read_bytes()), encoding="utf-8")
    try:
        list(form.read(["-"], facts))
    finally:
        sys.stdin = before


def _write_recipes(folder: Path) -> None:
    from gluon_ref import catalog

    for name in catalog.names("recipes"):
        (folder / f"{name}.toml").write_bytes((catalog.PACKAGE / "recipes" / f"{name}.toml").read_bytes())


def _read_recipes(folder: Path, name: str, random: Random) -> None:
    from gluon_ref import recipe as recipes

    checked = recipes.read(str(folder / name)).check()
    assert recipes.parse(checked.text(), "x", name).check() == checked


DATA = [
    Reader("idx", _write_idx, _read_idx),
    Reader("cifar10", _write_cifar, _read_cifar),
    Reader("recordio", _write_records, _read_records),
    Reader("image_folder", _write_folders, _read_folders),
    Reader("image", _write_images, _read_images),
    Reader("table", _write_table, _read_table),
    Reader("text_table", _write_texts, _read_texts),
    Reader("requests", _write_requests, _read_requests),
    Reader("recipe", _write_recipes, _read_recipes),
]
