"""What is wrong with an image, before it is known which file it came from; in the words of gluonref."""

from __future__ import annotations

from ..errors import DataError

MOST_PIXELS = 89_478_485  # as Pillow has it
LARGEST_FILE = 256 * 1024 * 1024


class OddError(Exception):
    """An image that is not taken as it is.

    Args:
        given: what it is, after its name in a message.
        expected: what is taken.
        mend: what to do with the file.
    """

    def __init__(self, given: str, expected: str, mend: str) -> None:
        super().__init__(given)
        self.given, self.expected, self.mend = given, expected, mend

    @classmethod
    def pillow(cls, given: str) -> OddError:
        """One that Pillow would read."""
        return cls(
            given,
            "without Pillow a PNG file of 8 bits a channel, not interlaced, a PGM, PPM or .npy file",
            "install Pillow (pip install pillow), or save it as one of these",
        )

    def error(self, where: str) -> DataError:
        """The error of the image in the file `where`."""
        return DataError(where, self.given, self.expected, self.mend)


def damaged(given: str) -> OddError:
    """What is no whole image."""
    return OddError(f"cannot be read ({given})", "a whole, readable image file", "check the file")


def check_pixels(width: int, height: int) -> None:
    """Refuse an image of no or of too many pixels.

    Raises:
        OddError: for one that is.
    """
    if not 1 <= width * height <= MOST_PIXELS:
        raise OddError(f"{width}x{height} pixels", f"{MOST_PIXELS:,} pixels at most", "save it smaller")
