"""PNG files without Pillow: the same pixels as with it, for each colour type and each filter."""

from __future__ import annotations

import io
import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from gluon_ref.bundled import pngs
from gluon_ref.inputs._odd import PNG, OddError

HEIGHT, WIDTH = 5, 7
KINDS = {"L": 1, "RGB": 3, "LA": 2, "RGBA": 4}


def pixels(channels: int) -> np.ndarray:
    found = np.random.RandomState(channels).randint(0, 256, (HEIGHT, WIDTH, channels)).astype(np.uint8)
    if channels in (2, 4):
        found[:, :, -1] = 255
    return found


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(rows: bytes, colour: int, depth: int = 8, interlaced: int = 0, extra: bytes = b"", size: int = WIDTH) -> bytes:
    header = struct.pack(">IIBBBBB", size, HEIGHT, depth, colour, 0, 0, interlaced)
    return PNG + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def saved(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


@pytest.mark.parametrize("mode", KINDS)
def test_each_colour_type_has_the_pixels_that_were_saved(mode: str) -> None:
    array = pixels(KINDS[mode])
    image = Image.fromarray(array[:, :, 0] if mode == "L" else array, mode=None)
    expected = array[:, :, :1] if mode in ("L", "LA") else array[:, :, :3]
    decoded = pngs.decode(saved(image))
    np.testing.assert_array_equal(decoded.reshape(HEIGHT, WIDTH, -1), expected)
    assert decoded.ndim == (2 if mode in ("L", "LA") else 3)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("kind", range(5))
def test_each_filter_is_undone_as_pillow_undoes_it(kind: int, mode: str) -> None:
    array = pixels(KINDS[mode])
    array[:, :, -1] = 255 if mode == "RGBA" else array[:, :, -1]
    # Any bytes are some image when read by a filter; alpha of 255 is kept by the first row's filter alone.
    rows = array.reshape(HEIGHT, -1)
    if mode == "RGBA":
        rows = encoded(rows, kind, 4)
    colour = {"L": 0, "RGB": 2, "RGBA": 6}[mode]
    content = png(b"".join(bytes([kind]) + row.tobytes() for row in rows), colour)
    with Image.open(io.BytesIO(content)) as image:
        expected = np.asarray(image)
    np.testing.assert_array_equal(pngs.decode(content), expected[..., :3] if mode == "RGBA" else expected)


def encoded(rows: np.ndarray, kind: int, step: int) -> np.ndarray:
    """Rows, filtered: what `kind` foretells of each byte is taken from it."""
    wide = np.zeros((len(rows) + 1, rows.shape[1] + step), dtype=np.int64)
    wide[1:, step:] = rows
    left, up, corner = wide[1:, :-step], wide[:-1, step:], wide[:-1, :-step]
    near = np.abs(up - corner), np.abs(left - corner), np.abs(left + up - 2 * corner)
    paeth = np.where((near[0] <= near[1]) & (near[0] <= near[2]), left, np.where(near[1] <= near[2], up, corner))
    return (rows - [left * 0, left, up, (left + up) // 2, paeth][kind]).astype(np.uint8)


@pytest.mark.parametrize("greys", [False, True], ids=["colours", "greys"])
def test_a_palette_is_read_by_its_colours(greys: bool) -> None:
    image = Image.fromarray(pixels(1)[:, :, 0] if greys else pixels(3)).convert("P")
    decoded = pngs.decode(saved(image, bits=8))
    np.testing.assert_array_equal(decoded, np.asarray(image.convert("L" if greys else "RGB")))


def note(key: str, text: str) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_itxt(key, text)
    return info


ROWS = b"\0" * (WIDTH + 1) * HEIGHT
GREY = Image.fromarray(pixels(1)[:, :, 0])
EXIF = Image.Exif()
EXIF[0x0112] = 6


@pytest.mark.parametrize(
    ("content", "given"),
    [
        (saved(GREY)[:-20], r"cannot be read \(truncated\)"),
        (PNG, r"cannot be read \(truncated\)"),
        (saved(GREY).replace(b"IDAT", b"IDAS"), r"the checksum of IDAS does not fit"),
        (png(ROWS[:-1], 0), r"cannot be read \(truncated\)"),
        (png(b"\5" + ROWS[1:], 0), r"cannot be read \(filter 5\)"),
        (png(ROWS, 3), r"a palette that lacks colours"),
        (png(ROWS, 3, extra=chunk(b"PLTE", b"\1\2")), r"a palette that lacks colours"),
        (png(ROWS, 0, depth=16), r"16 bits per channel"),
        (png(ROWS, 0, depth=4), r"a 4-bit PNG file"),
        (png(ROWS, 0, interlaced=1), r"an interlaced PNG file"),
        (png(ROWS, 5), r"a 8-bit PNG file"),
        (png(ROWS, 0, size=0), r"0x5 pixels"),
        (png(ROWS, 0, size=2**30), r"1073741824x5 pixels"),
        (png(ROWS, 0, extra=chunk(b"tRNS", b"\0\0")), r"a PNG file with tRNS"),
        (saved(GREY, exif=EXIF), r"a PNG file with eXIf"),
        (saved(GREY, pnginfo=note("XML:com.adobe.xmp", "<x/>")), r"a PNG file with iTXt"),
        (saved(Image.fromarray(np.zeros((2, 3, 4), np.uint8))), r"transparent pixels"),
    ],
)
def test_what_is_not_taken_is_refused(content: bytes, given: str) -> None:
    with pytest.raises(OddError) as caught:
        pngs.decode(content)
    assert re.search(given, str(caught.value.error("image")))


def test_other_notes_do_not_matter() -> None:
    np.testing.assert_array_equal(pngs.decode(saved(GREY, pnginfo=note("Title", "a b"))), np.asarray(GREY))
