"""Images as raw pixels 0 to 255: (channel, height, width), one channel for grey and three for colour."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import PathError
from ..records import Facts, Field
from . import _odd, _pixels
from ._lines import paths

SUFFIX = ".png"
BATCHES = (1, 2, 7)


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


def trials(facts: Facts, random: np.random.RandomState) -> Iterator[tuple[str, np.ndarray]]:
    """Made-up images that an export is compared on: noise in several batch sizes, and the extremes of a pixel."""
    for size in BATCHES:
        yield f"random, batch {size}", imagine(facts, size, random)
    black = np.zeros(facts.shape, dtype=np.uint8)
    point, stripes = black.copy(), black.copy()
    point[:, facts.shape[1] // 2, facts.shape[2] // 2] = 255
    stripes[:, ::2] = 255
    yield "extreme values", np.stack([black, black + 255, point, stripes])


def read(requests: Iterable[str], facts: Facts) -> Iterator[tuple[str, np.ndarray]]:
    """Images from paths, or "-" for paths on standard input, one a line.

    An image of another size is resized, and one of other colours converted; a line on standard error says so.

    Yields:
        the path, and uint8 (channel, height, width).
    Raises:
        PathError: for a file that is missing or unreadable.
        DataError: for a file that is no image, a truncated one, or one with transparent pixels or 16 bits.
    """
    for path in paths(requests):
        yield path, load(path, facts)


def load(path: str, facts: Facts) -> np.ndarray:
    """One image file as uint8 (channel, height, width) of the facts' shape.

    It is turned as its EXIF says, and a palette read by its colours; transparent pixels and 16 bits are refused.
    """
    channel, height, width = facts.shape
    try:
        with _pixels.guarded():
            image = _pixels.decode(_pixels.contents(path))
    except _odd.OddError as odd:
        raise odd.error(path) from None
    except FileNotFoundError:
        raise PathError("predict", f"{path} does not exist", "the path of an image", "check the path") from None
    except ValueError:  # a null in the path
        raise _odd.damaged(_odd.NO_IMAGE).error(path) from None
    except OSError as error:
        raise PathError(
            path, f"cannot be read ({error.strerror})", "a whole, readable image file", "check the file"
        ) from None
    given = f"{image.width}x{image.height} {image.mode}"
    wanted = f"{width}x{height} {_odd.MODES[channel]}"
    if given != wanted:
        print(f"warning: {path}: {given} was made {wanted} for the network", file=sys.stderr)
    return _pixels.array(_pixels.fit(image, channel, height, width))


def write(pixels: np.ndarray, facts: Facts, path: Path) -> None:
    """An image as a PNG file, as `read` takes it."""
    array = pixels[0] if facts.shape[0] == 1 else pixels.transpose(1, 2, 0)
    Image.fromarray(np.asarray(array, dtype=np.uint8)).save(path)
