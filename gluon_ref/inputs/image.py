"""Images as raw pixels 0 to 255: (channel, height, width), one channel for grey and three for colour."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from ..errors import DataError, PathError
from ..records import Facts, Field
from ._lines import standard_input

SUFFIX = ".png"
MODES = {1: "L", 3: "RGB"}


def fields(facts: Facts) -> tuple[Field, ...]:
    """One float32 array (batch, channel, height, width) of raw pixels."""
    return (Field("data", facts.shape),)


def collate(inputs: np.ndarray, facts: Facts) -> tuple[np.ndarray, ...]:
    """Images, stacked: float32 (batch, channel, height, width), 0 to 255."""
    return (np.asarray(inputs, dtype=np.float32),)


def imagine(facts: Facts, count: int, random: np.random.RandomState) -> np.ndarray:
    """Made-up images for checks that need no data: noise, the first one white."""
    images = random.randint(0, 256, (count, *facts.shape)).astype(np.uint8)
    images[0] = 255
    return images


def read(requests: Iterable[str], facts: Facts) -> Iterator[tuple[str, np.ndarray]]:
    """Images from paths, or "-" for paths on standard input, one a line.

    An image of another size is resized, and one of other colours converted; a line on standard error says so.

    Yields:
        the path, and uint8 (channel, height, width).
    Raises:
        PathError: for a file that is missing or unreadable.
        DataError: for a file that is no image, or a truncated one.
    """
    for request in requests:
        if request == "-":
            yield from read((line.strip() for line in standard_input() if line.strip()), facts)
        else:
            yield request, load(request, facts)


def load(path: str, facts: Facts) -> np.ndarray:
    """One image file as uint8 (channel, height, width) of the facts' shape."""
    channel, height, width = facts.shape
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # gluoncv switches it on: half an image would pass for a whole one
    try:
        with Image.open(path) as image:
            image.load()
            if image.mode.startswith(("I", "F")):  # Pillow would cut these off at 255, not scale them
                raise DataError(path, f"pixels of mode {image.mode}", "8 bits per channel", "save it with 8 bits")
            given = f"{image.width}x{image.height} {image.mode}"
            fitted = image if image.mode == MODES[channel] else image.convert(MODES[channel])
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        raise DataError(path, f"not an image ({error})", "a PNG, JPEG or other image file", "check the file") from None
    except FileNotFoundError:
        raise PathError("predict", f"{path} does not exist", "the path of an image", "check the path") from None
    except OSError as error:  # Pillow raises it for truncated files as well
        kind = DataError if os.path.isfile(path) else PathError
        raise kind(path, f"cannot be read ({error})", "a whole, readable image file", "check the file") from None
    if (fitted.height, fitted.width) != (height, width):
        fitted = fitted.resize((width, height), Image.Resampling.BILINEAR)
    if given != f"{width}x{height} {MODES[channel]}":
        print(f"warning: {path}: {given} was made {width}x{height} {MODES[channel]} for the network", file=sys.stderr)
    pixels = np.asarray(fitted, dtype=np.uint8)  # (height, width) or (height, width, channel)
    return pixels[None] if channel == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def write(pixels: np.ndarray, facts: Facts, path: Path) -> None:
    """An image as a PNG file, as `read` takes it."""
    array = pixels[0] if facts.shape[0] == 1 else pixels.transpose(1, 2, 0)
    Image.fromarray(np.asarray(array, dtype=np.uint8)).save(path)
