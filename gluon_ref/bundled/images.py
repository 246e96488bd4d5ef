"""Images as raw pixels 0 to 255, with Pillow where it is installed and without it else: the same numbers.

Without Pillow: PNG files of 8 bits. Always: .npy files, and PGM and PPM files.
"""

from __future__ import annotations

import importlib.util
import io
import re
import sys
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ..errors import PathError
from ..inputs._lines import paths
from ..inputs._odd import LARGEST_FILE, MODES, PNG, OddError, damaged
from ..records import Facts
from . import pngs, scaling
from .odd import check_pixels, pillow

NPY = b"\x93NUMPY"
# P5 is grey and P6 colour; width, height and largest value follow, with comments among them.
NETPBM = re.compile(rb"P([56])" + rb"(?:\s|#[^\n]*\n)+(\d{1,9})" * 3 + rb"\s")


def collate(images: Sequence[np.ndarray], facts: Facts) -> tuple[np.ndarray, ...]:
    """Images, stacked: float32 (batch, channel, height, width), 0 to 255."""
    return (np.stack(images).astype(np.float32),)


def read(requests: Iterable[str], facts: Facts) -> Iterator[tuple[str, np.ndarray]]:
    """Images from paths, or "-" for paths on standard input, one a line.

    An image of another size is resized, and one of other colours converted; a line on standard error says so.

    Yields:
        the path, and uint8 (channel, height, width).
    Raises:
        PathError: for a file that is missing or unreadable.
        DataError: for a file that is no image, or none that is taken.
    """
    for path in paths(requests):
        yield path, load(path, facts)


def load(path: str, facts: Facts) -> np.ndarray:
    """One image file as uint8 (channel, height, width) of the facts' shape."""
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise PathError("predict", f"{path} does not exist", "the path of an image", "check the path") from None
    except (OSError, ValueError) as error:  # a null in the path is a ValueError
        given = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        raise PathError(path, given, "a whole, readable image file", "check the file") from None
    own = content.startswith(NPY) or NETPBM.match(content)
    if not own and importlib.util.find_spec("PIL"):
        from ..inputs import image

        return image.load(path, facts)
    try:
        return _fitted(path, _decoded(content, facts), facts)
    except OddError as odd:
        raise odd.error(path) from None


def _decoded(content: bytes, facts: Facts) -> np.ndarray:
    """uint8 (height, width) of grey, or (height, width, 3)."""
    if len(content) > LARGEST_FILE:
        raise OddError(f"more than {LARGEST_FILE:,} bytes", f"{LARGEST_FILE:,} bytes at most", "save it smaller")
    if content.startswith(PNG):
        return pngs.decode(content)
    if content.startswith(NPY):
        return _array(content, facts)
    if NETPBM.match(content):
        return _netpbm(content)
    if content.startswith((b"\xff\xd8", b"GIF8", b"BM", b"RIFF", b"II*\0", b"MM\0*")):
        raise pillow("no PNG file")
    raise OddError("empty" if not content else "not an image", "a whole, readable image file", "check the file")


def _netpbm(content: bytes) -> np.ndarray:
    header = NETPBM.match(content)
    assert header is not None
    kind, width, height, largest = map(int, header.groups())
    if largest != 255:
        raise OddError(f"values up to {largest}", "values up to 255", "save it with 8 bits")
    check_pixels(width, height)
    channels = 1 if kind == 5 else 3
    pixels = np.frombuffer(content, dtype=np.uint8, offset=header.end())
    if len(pixels) < width * height * channels:
        raise damaged("truncated")
    pixels = pixels[: width * height * channels].reshape(height, width, channels)
    return pixels[:, :, 0] if channels == 1 else pixels


def _array(content: bytes, facts: Facts) -> np.ndarray:
    """The pixels of an .npy file: channels first, as the network has them, or last, or none for grey."""
    try:
        pixels: np.ndarray = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError, MemoryError) as error:
        raise damaged(str(error).partition("\n")[0]) from None
    given = f"{pixels.dtype} of shape {'x'.join(map(str, pixels.shape))}"
    if pixels.shape == facts.shape and pixels.ndim == 3:
        pixels = pixels.transpose(1, 2, 0)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    whole = pixels.dtype.kind in "biu" or (pixels.dtype.kind == "f" and bool((pixels == np.floor(pixels)).all()))
    fits = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)
    if not fits or not whole or not pixels.size or pixels.min() < 0 or pixels.max() > 255:
        raise OddError(
            given,
            f"whole numbers from 0 to 255 of shape {'x'.join(map(str, facts.shape))}, height x width x 3, "
            "or height x width",
            "save the raw pixels of one image by numpy.save",
        )
    return pixels.astype(np.uint8)


def _fitted(path: str, pixels: np.ndarray, facts: Facts) -> np.ndarray:
    """Pixels in the colours and the size that the network takes, and a warning where they had others."""
    channel, height, width = facts.shape
    given = f"{pixels.shape[1]}x{pixels.shape[0]} {MODES[1 if pixels.ndim == 2 else 3]}"
    wanted = f"{width}x{height} {MODES[channel]}"
    if given != wanted:
        print(f"warning: {path}: {given} was made {wanted} for the network", file=sys.stderr)
    if pixels.ndim == 3 and channel == 1:
        pixels = scaling.grey(pixels)
    pixels = np.broadcast_to(pixels.reshape(*pixels.shape[:2], -1), (*pixels.shape[:2], channel))
    return np.ascontiguousarray(scaling.resize(pixels, height, width).transpose(2, 0, 1))
