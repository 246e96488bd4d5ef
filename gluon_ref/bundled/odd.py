"""What of images is refused without Pillow, in the words of gluonref."""

from __future__ import annotations

from ..inputs._odd import OddError

MOST_PIXELS = 89_478_485  # as Pillow has it


def pillow(given: str) -> OddError:
    """One that Pillow would read."""
    return OddError(
        given,
        "without Pillow a PNG file of 8 bits a channel, not interlaced, a PGM, PPM or .npy file",
        "install Pillow (pip install pillow), or save it as one of these",
    )


def check_pixels(width: int, height: int) -> None:
    """Refuse an image of no or of too many pixels.

    Raises:
        OddError: for one that is.
    """
    if not 1 <= width * height <= MOST_PIXELS:
        raise OddError(f"{width}x{height} pixels", f"{MOST_PIXELS:,} pixels at most", "save it smaller")
