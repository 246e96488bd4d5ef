"""JPEGs decoded by OpenCV, several times as fast as by Pillow; taken only where its pixels were seen to be the same.

Both bring libjpeg-turbo, and agreed wherever it was tried; but releases may differ, and OpenCV makes something of what
is damaged or has unusual colours. So it is compared with Pillow for each image, and never asked about others.
"""

from __future__ import annotations

import cv2
import numpy as np

JPEG = b"\xff\xd8\xff"


def decode(content: bytes, grey: bool) -> np.ndarray:
    """The pixels of a JPEG that was `proven`: uint8 (height, width), or (height, width, 3) as red, green, blue."""
    encoded = np.frombuffer(content, dtype=np.uint8)
    if grey:
        return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE))
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))[:, :, ::-1]


def proven(content: bytes, expected: np.ndarray) -> bool:
    """Whether a whole image is a JPEG of which OpenCV makes the very same pixels.

    Args:
        content: of the file.
        expected: uint8 (height, width) or (height, width, 3), as Pillow makes of it.
    """
    if not content.startswith(JPEG):
        return False
    try:
        found = decode(content, expected.ndim == 2)
    except (cv2.error, IndexError):  # it makes nothing of it
        return False
    return np.array_equal(found, expected)
