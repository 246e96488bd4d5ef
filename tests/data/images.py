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


def deep(values: np.ndarray, colour: int = 0, clear: bytes = b"") -> bytes:
    """A PNG of 16 bits: (height, width) values, or (height, width, 3) with `colour` 2, as Pillow writes none.

    Args:
        values: whole numbers to 65535.
        colour: PNG's colour type.
        clear: the value that is transparent, as its tRNS chunk holds it.
    """
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">2I5B", values.shape[1], values.shape[0], 16, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in (
            (b"IHDR", header),
            *([(b"tRNS", clear)] if clear else []),
            (b"IDAT", zlib.compress(rows)),
            (b"IEND", b""),
        )
    )


def deep_tiff(values: np.ndarray) -> bytes:
    """A TIFF of 16 bits: (height, width, 3) values, as Pillow writes none."""
    height, width, _ = values.shape
    body = values.astype("<u2").tobytes()
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 3, 8 + len(body)),  # bits of each channel, which stand behind the pixels
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 8),
        (277, 3, 1, 3),
        (278, 4, 1, height),
        (279, 4, 1, len(body)),
    ]
    bits = struct.pack("<3H", 16, 16, 16)
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<2H2I", *tag) for tag in tags) + b"\0" * 4
    return b"II*\0" + struct.pack("<I", 8 + len(body) + len(bits)) + body + bits + directory


def folders(root: Path, counts: dict[str, int], mode: str = "RGB", kind: str = "PNG") -> Path:
    """Class folders with that many images each, 0.png and so on; all different."""
    for at, (name, count) in enumerate(sorted(counts.items())):
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            image = noise(100 * at + number, mode=mode)
            (folder / f"{number}.{'png' if kind == 'PNG' else 'jpg'}").write_bytes(encoded(image, kind))
    return root
