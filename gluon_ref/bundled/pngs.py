"""PNG files read with zlib and numpy: 8 bits, grey, colour or palette, as Pillow reads them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import numpy as np

from ..inputs._odd import OddError, chunks, damaged
from .odd import check_pixels, pillow

GREY, COLOUR, PALETTE, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, COLOUR: 3, PALETTE: 1, GREY_ALPHA: 2, COLOUR_ALPHA: 4}
# Chunks that say how an image lies, or what is seen of it: Pillow heeds them.
HEEDED = (b"tRNS", b"eXIf", b"acTL")
NOTES = (b"XML:com.adobe.xmp", b"Raw profile type exif", b"Raw profile type APP1")


def decode(content: bytes) -> np.ndarray:
    """The pixels of a PNG file: uint8 (height, width) of grey, or (height, width, 3).

    Args:
        content: of the file.
    Raises:
        OddError: for a damaged file, transparent pixels, 16 bits, and what only Pillow reads.
    """
    header, palette, packed = b"", b"", []
    for kind, data in chunks(content):
        if kind == b"IHDR":
            header = bytes(data)
        elif kind == b"PLTE":
            palette = bytes(data)
        elif kind == b"IDAT":
            packed.append(data)
        elif kind in HEEDED or (kind in (b"iTXt", b"zTXt", b"tEXt") and bytes(data).startswith(NOTES)):
            raise pillow(f"a PNG file with {kind.decode('ascii')}")
    if len(header) != 13 or not packed:
        raise damaged("truncated")
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    if depth == 16:
        raise OddError("16 bits per channel", "8 bits per channel", "save it with 8 bits")
    if depth != 8 or colour not in CHANNELS or interlaced:
        raise pillow(f"{'an interlaced' if interlaced else f'a {depth}-bit'} PNG file")
    check_pixels(width, height)
    pixels = _unfiltered(_inflated(b"".join(packed), height * (width * CHANNELS[colour] + 1)), height, CHANNELS[colour])
    return _coloured(pixels.reshape(height, width, CHANNELS[colour]), colour, palette)


def _inflated(packed: bytes, size: int) -> bytes:
    """Unpacked, no more than that many bytes: a few may unpack to as many as there is memory."""
    try:
        content = zlib.decompressobj().decompress(packed, size)
    except zlib.error as error:
        raise damaged(str(error)) from None
    if len(content) < size:
        raise damaged("truncated")
    return content


def _unfiltered(content: bytes, height: int, step: int) -> np.ndarray:
    """uint8 (height, bytes) of rows that are each told by the one before.

    Args:
        content: of each row a byte that says how, and its bytes.
        height: rows.
        step: bytes of a pixel.
    """
    rows = np.frombuffer(content, dtype=np.uint8).reshape(height, -1)
    found = np.empty((height, rows.shape[1] - 1), dtype=np.uint8)
    above = np.zeros(rows.shape[1] - 1, dtype=np.uint8)
    for at, row in enumerate(rows):
        if row[0] >= len(FILTERS):
            raise damaged(f"filter {row[0]}")
        above = found[at] = FILTERS[row[0]](row[1:], above, step)
    return found


def _sub(row: np.ndarray, above: np.ndarray, step: int) -> np.ndarray:
    return np.cumsum(row.reshape(-1, step), axis=0, dtype=np.uint8).reshape(-1)


def _average(row: np.ndarray, above: np.ndarray, step: int) -> np.ndarray:
    found = [0] * step
    for at, (byte, up) in enumerate(zip(row.tolist(), above.tolist())):
        found.append((byte + (found[at] + up) // 2) & 255)
    return np.array(found[step:], dtype=np.uint8)


def _paeth(row: np.ndarray, above: np.ndarray, step: int) -> np.ndarray:
    found = [0] * step
    corners = [0] * step + above.tolist()
    for at, (byte, up) in enumerate(zip(row.tolist(), above.tolist())):
        left, corner = found[at], corners[at]
        by_left, by_up, by_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
        near = left if by_left <= by_up and by_left <= by_corner else up if by_up <= by_corner else corner
        found.append((byte + near) & 255)
    return np.array(found[step:], dtype=np.uint8)


FILTERS: tuple[Callable[[np.ndarray, np.ndarray, int], np.ndarray], ...] = (
    lambda row, above, step: row,
    _sub,
    lambda row, above, step: row + above,
    _average,
    _paeth,
)


def _coloured(pixels: np.ndarray, colour: int, palette: bytes) -> np.ndarray:
    """Grey or colour of raw pixels (height, width, channel)."""
    if colour in (GREY_ALPHA, COLOUR_ALPHA):
        if pixels[:, :, -1].min() < 255:
            raise OddError("transparent pixels", "an image without any", "save it on a background")
        pixels = pixels[:, :, :-1]
    if colour == PALETTE:
        colours = np.frombuffer(palette, dtype=np.uint8)
        if len(colours) % 3 or not len(colours) or pixels.max() >= len(colours) // 3:
            raise damaged("a palette that lacks colours")
        pixels = colours.reshape(-1, 3)[pixels[:, :, 0]]
        if (pixels == pixels[:, :, :1]).all():
            pixels = pixels[:, :, :1]  # a palette of greys only is grey
    return pixels[:, :, 0] if pixels.shape[2] == 1 else pixels
