"""Grey of colour, and another size: the same whole numbers that Pillow 13 gives, by numpy alone."""

from __future__ import annotations

import numpy as np

BITS = 22  # of a weight's fraction
# Shares of red, green and blue in grey (ITU-R 601-2), of 65,536.
GREY = np.array([19595, 38470, 7471], dtype=np.int64)


def grey(pixels: np.ndarray) -> np.ndarray:
    """Colours uint8 (height, width, 3) to uint8 (height, width)."""
    return ((pixels.astype(np.int64) @ GREY + (1 << 15)) >> 16).astype(np.uint8)


def resize(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """An image of another size, bilinear; over all pixels that one of a smaller image covers.

    Args:
        pixels: uint8 (height, width, channel).
        height: wanted.
        width: wanted.
    Source: Pillow's ImagingResample, src/libImaging/Resample.c, which rounds after each axis: the width comes first, or
        since Pillow 13 the height where much of it goes. Older releases then differ by 1 of 255 in some pixels.
    """
    saved = pixels.shape[0] - height
    if saved > 0 and saved > 2 * (pixels.shape[1] - width):
        pixels = _along(pixels, height)
    return _along(_along(pixels.swapaxes(0, 1), width).swapaxes(0, 1), height)


def _along(pixels: np.ndarray, size: int) -> np.ndarray:
    """Resized on axis 0."""
    if len(pixels) == size:
        return pixels
    found = np.empty((size, *pixels.shape[1:]), dtype=np.uint8)
    scale = len(pixels) / size
    reach = max(scale, 1.0)
    for at in range(size):
        center = (at + 0.5) * scale
        first, end = max(int(center - reach + 0.5), 0), min(int(center + reach + 0.5), len(pixels))
        weights = np.maximum(1 - np.abs((np.arange(first, end) - center + 0.5) / reach), 0)
        whole = (0.5 + weights / weights.sum() * (1 << BITS)).astype(np.int64)
        sums = np.tensordot(whole, pixels[first:end].astype(np.int64), 1) + (1 << (BITS - 1))
        found[at] = np.clip(sums >> BITS, 0, 255)
    return found
