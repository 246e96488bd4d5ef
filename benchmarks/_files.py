"""Files of made-up samples for benchmarks/growth.py: images in a folder or a RecordIO file, and tables."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from gluon_ref.backend import mx

SIDE, CLASSES, COLUMNS = 16, 10, 20


def write(kind: str, count: int, folder: Path) -> Path:
    """Files with that many samples of ten classes.

    Args:
        kind: image_folder, recordio or table.
        count: of the samples.
        folder: where to.
    Returns:
        what to give as the data's path.
    """
    place = folder / f"{kind}-{count}"
    writers = {"image_folder": _folder, "recordio": _records, "table": _table}
    return writers[kind](place, count)


def _images(count: int) -> Iterator[tuple[int, bytes]]:
    """Labels, and PNGs of noise with a tint of their class."""
    random = np.random.RandomState(0)
    for number in range(count):
        label, stream = number % CLASSES, io.BytesIO()
        pixels = random.randint(0, 200, (SIDE, SIDE, 3)).astype(np.uint8) + np.uint8(5 * label)
        Image.fromarray(pixels).save(stream, "PNG", compress_level=1)
        yield label, stream.getvalue()


def _folder(place: Path, count: int) -> Path:
    for label in range(CLASSES):
        (place / f"class-{label}").mkdir(parents=True)
    for number, (label, content) in enumerate(_images(count)):
        (place / f"class-{label}" / f"{number:06}.png").write_bytes(content)
    return place


def _records(place: Path, count: int) -> Path:
    file = mx.recordio.MXRecordIO(str(place.with_suffix(".rec")), "w")
    for number, (label, content) in enumerate(_images(count)):
        file.write(mx.recordio.pack(mx.recordio.IRHeader(0, label, number, 0), content))
    file.close()
    return place.with_suffix(".rec")


def _table(place: Path, count: int) -> Path:
    rows = np.column_stack([np.random.RandomState(0).normal(size=(count, COLUMNS)), np.arange(count) % CLASSES])
    names = ",".join([*(f"x{at}" for at in range(COLUMNS)), "label"])
    formats = ["%.5f"] * COLUMNS + ["c%d"]
    np.savetxt(place.with_suffix(".csv"), rows, fmt=formats, delimiter=",", header=names, comments="")
    return place.with_suffix(".csv")
