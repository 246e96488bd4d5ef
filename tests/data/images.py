"""Small image files in class folders."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 5, 7


def noise(seed: int, height: int = HEIGHT, width: int = WIDTH, mode: str = "RGB") -> Image.Image:
    """An image of random pixels."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    pixels = np.random.RandomState(seed).randint(0, 256, (height, width, channels)).astype(np.uint8)
    return Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels, mode=None).convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """An image as the bytes of a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def deep(values: np.ndarray, colour: int = 0) -> bytes:
    """A PNG of 16 bits: (height, width) values, or (height, width, 3) with `colour` 2, as Pillow writes none."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">2I5B", values.shape[1], values.shape[0], 16, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    )


def folders(root: Path, counts: dict[str, int], mode: str = "RGB", kind: str = "PNG") -> Path:
    """Class folders with that many images each, 0.png and so on; all different."""
    for at, (name, count) in enumerate(sorted(counts.items())):
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            image = noise(100 * at + number, mode=mode)
            (folder / f"{number}.{'png' if kind == 'PNG' else 'jpg'}").write_bytes(encoded(image, kind))
    return root
