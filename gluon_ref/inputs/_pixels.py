"""Encoded images decoded to grey or colour pixels by one set of rules, for data sets and for `predict` alike."""

from __future__ import annotations

import io
import os
import stat
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from ._odd import LARGEST_FILE, MODES, NO_IMAGE, PNG, OddError, chunks, damaged

# What is read, by contents, whatever the name's ending; others of Pillow's readers call programs or are seldom tried.
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")
ORIENTATION = 0x0112  # EXIF tag
# What Pillow raises where a file is damaged: its readers check little before they unpack.
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)


@contextmanager
def guarded() -> Iterator[None]:
    """Pillow's warning of a huge image is an error, and its others, of odd EXIF and the like, are not printed.

    Filters are the process's own: enter it outside of any threads that decode.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def contents(path: str | bytes) -> bytes:
    """The bytes of a file, or of a pipe.

    Raises:
        OSError: when it cannot be read.
        OddError: when it is larger than LARGEST_FILE.
    """
    with open(path, "rb", buffering=0) as file:
        told = os.fstat(file.fileno())
        if not stat.S_ISREG(told.st_mode):
            return _drain(file)
        check_size(told.st_size)
        return file.readall()


def check_size(size_bytes: int) -> None:
    """Refuse an encoded image that is larger than LARGEST_FILE.

    Raises:
        OddError: for one that is.
    """
    if size_bytes > LARGEST_FILE:
        raise _huge(f"{size_bytes:,} bytes")


def _drain(file: io.FileIO) -> bytes:
    parts, size = [], 0
    while part := file.read(1 << 20):
        parts.append(part)
        size += len(part)
        check_size(size)
    return b"".join(parts)


def decode(content: bytes, background: str = "", depth: int = 8) -> Image.Image:
    """An image of mode L or RGB, upright as EXIF says; to be called inside `guarded`.

    Grey is what its file holds as grey, or by a palette of greys only; every other image is RGB.

    Args:
        content: of the file.
        background: colour put behind transparent pixels; empty refuses them.
        depth: 16 takes the upper eight of 16 bits; 8 refuses them.
    Raises:
        OddError: for what is no whole image, or not taken as it is.
    """
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # gluoncv switches it on: half an image would pass for a whole one
    try:
        if content.startswith(PNG):
            _check_png(content)
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > (Image.MAX_IMAGE_PIXELS or float("inf")):
                raise _huge(f"{image.width}x{image.height} pixels")
            bits = _bits(image, content)
            if bits > 8 and (bits, depth) != (16, 16):
                raise _deep(bits)
            image.load()
            return _plain(_upright(_narrow(image) if bits > 8 else image), background)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _huge(str(error).partition(",")[0]) from None
    except UnidentifiedImageError:
        raise damaged(NO_IMAGE if content else "empty") from None
    except DAMAGE as error:
        raise damaged(str(error).partition("\n")[0] or type(error).__name__) from None


def fit(image: Image.Image, channels: int, height: int, width: int) -> Image.Image:
    """An image in that many channels and of that size; bilinear where it has another."""
    if image.mode != MODES[channels]:
        image = image.convert(MODES[channels])
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    return image


def array(image: Image.Image) -> np.ndarray:
    """The pixels of an image of mode L or RGB: uint8 (channel, height, width)."""
    return _upfront(np.asarray(image))


def fitted(pixels: np.ndarray, channels: int, height: int, width: int) -> np.ndarray:
    """What `fit` and `array` make of decoded pixels, (height, width) or (height, width, 3)."""
    if pixels.shape == (height, width, 3)[: 3 if channels == 3 else 2]:
        return _upfront(pixels)
    return array(fit(Image.fromarray(pixels), channels, height, width))


def _upfront(pixels: np.ndarray) -> np.ndarray:
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _huge(given: str) -> OddError:
    return OddError(given, f"{Image.MAX_IMAGE_PIXELS:,} pixels and {LARGEST_FILE:,} bytes at most", "save it smaller")


def _deep(bits: int) -> OddError:
    return OddError(
        f"{bits} bits per channel",
        "8 bits per channel",
        "save it with 8 bits",
        option="data.depth=16" if bits == 16 else "",
    )


def _check_png(content: bytes) -> None:
    """Refuse a PNG file whose chunks are cut off or altered: Pillow looks at few of their checksums."""
    for _ in chunks(content):
        pass


def _bits(image: Image.Image, content: bytes) -> int:
    """Bits per channel in the file: Pillow cuts colours of 16 down to 8 without a word."""
    if image.format == "PNG":
        return content[24]
    if image.format == "TIFF":
        told = image.tag_v2.get(258, 8)  # type: ignore[attr-defined]
        return int(max(told)) if isinstance(told, tuple) else int(told)
    return 16 if image.mode.startswith("I;16") else 32 if image.mode in ("I", "F") else 8


def _narrow(image: Image.Image) -> Image.Image:
    """The upper eight of 16 bits, which is what Pillow reads of colours."""
    if "transparency" in image.info:
        raise OddError("16 bits and a transparent colour", "8 bits per channel", "save it with 8 bits")
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).astype(np.uint8))
    return image


def _upright(image: Image.Image) -> Image.Image:
    if image.getexif().get(ORIENTATION, 1) == 1:
        return image
    return ImageOps.exif_transpose(image)


def _plain(image: Image.Image, background: str) -> Image.Image:
    """Mode L or RGB of any mode; transparent pixels on a background."""
    grey = image.mode in ("1", "L", "LA", "La")
    palette = image.mode in ("P", "PA")
    if image.mode in ALPHA or "transparency" in image.info:
        image = image.convert("RGBA")
        if int(np.asarray(image.getchannel("A")).min()) < 255:
            if not background:
                raise OddError(
                    "transparent pixels",
                    "an image without any",
                    "save it on a background",
                    option="data.background=white or black",
                )
            image = Image.alpha_composite(Image.new("RGBA", image.size, background), image)
    if grey:
        return image.getchannel(0) if image.mode == "RGBA" else image.convert("L")
    image = image if image.mode == "RGB" else image.convert("RGB")
    if palette:
        red, green, blue = image.split()
        if red.tobytes() == green.tobytes() == blue.tobytes():
            return red
    return image
