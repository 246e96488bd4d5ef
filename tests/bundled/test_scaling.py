"""Colours and sizes: the same whole numbers as Pillow's."""

from __future__ import annotations

import numpy as np
import PIL
import pytest
from PIL import Image

from gluon_ref.bundled import scaling

# Pillow before 13 rounds the width first, always.
SLACK = 0 if int(PIL.__version__.split(".")[0]) >= 13 else 1


def test_grey_is_that_of_pillow_for_all_kinds_of_colours() -> None:
    colours = np.random.RandomState(0).randint(0, 256, (50, 70, 3)).astype(np.uint8)
    colours[0, :3] = [[255, 255, 255], [0, 0, 0], [255, 0, 0]]
    np.testing.assert_array_equal(scaling.grey(colours), np.asarray(Image.fromarray(colours).convert("L")))


@pytest.mark.parametrize("given", [(5, 7), (28, 28), (1, 1), (300, 41), (2, 90)])
@pytest.mark.parametrize("wanted", [(8, 9), (28, 28), (3, 1), (64, 200)])
@pytest.mark.parametrize("channels", [1, 3])
def test_another_size_is_that_of_pillow(given: tuple[int, int], wanted: tuple[int, int], channels: int) -> None:
    pixels = np.random.RandomState(0).randint(0, 256, (*given, channels)).astype(np.uint8)
    image = Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels)
    expected = np.asarray(image.resize(wanted[::-1], Image.Resampling.BILINEAR)).reshape(*wanted, channels)
    difference = np.abs(scaling.resize(pixels, *wanted).astype(int) - expected)
    assert difference.max() <= SLACK
