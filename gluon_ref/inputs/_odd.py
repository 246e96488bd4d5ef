"""What is wrong with an image, before it is known which file it came from; needs neither Pillow nor MXNet."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from ..errors import DataError

MODES = {1: "L", 3: "RGB"}
LARGEST_FILE = 256 * 1024 * 1024
PNG = b"\x89PNG\r\n\x1a\n"
NO_IMAGE = "not an image"


class OddError(Exception):
    """An image that is not taken as it is.

    Args:
        given: what it is, after its name in a message ("16 bits per channel").
        expected: what is taken.
        mend: what to do with the file.
        option: of a data set that takes it, "KEY=VALUE"; empty where there is none.
        damaged: it is no whole image at all.
    """

    def __init__(self, given: str, expected: str, mend: str, option: str = "", damaged: bool = False) -> None:
        super().__init__(given)
        self.given, self.expected, self.mend, self.option, self.damaged = given, expected, mend, option, damaged

    def error(self, where: str) -> DataError:
        """The error of this one image, for where no option can be given."""
        given = f"cannot be read ({self.given})" if self.damaged and self.given != NO_IMAGE else self.given
        return DataError(where, given, self.expected, self.mend)


def damaged(given: str) -> OddError:
    """What is no whole image, in the same words everywhere."""
    return OddError(
        given, "a whole, readable image file", "check the file", option="data.skip_corrupt=true", damaged=True
    )


def chunks(content: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Kind and data of each chunk of a PNG file before its last.

    Raises:
        OddError: when one is cut off or altered.
    """
    view, at = memoryview(content), len(PNG)
    while at + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        end = at + 8 + length
        if end + 4 > len(content):
            break
        if zlib.crc32(view[at + 4 : end]) != struct.unpack_from(">I", content, end)[0]:
            raise damaged(f"altered: the checksum of {kind.decode('ascii', 'backslashreplace')} does not fit")
        if kind == b"IEND":
            return
        yield kind, view[at + 8 : end]
        at = end + 4
    raise damaged("truncated")
