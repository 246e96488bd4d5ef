from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from gluon_ref.inputs import _native, _pixels
from tests.data.images import encoded, noise


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("options", [{}, {"quality": 40}, {"progressive": True}, {"subsampling": 0}], ids=str)
def test_a_jpeg_has_the_pixels_that_pillow_makes(mode: str, options: dict[str, object]) -> None:
    content = encoded(noise(1, 19, 23, mode), "JPEG", **options)
    with _pixels.guarded():
        expected = np.asarray(_pixels.decode(content))
    assert _native.proven(content, expected)
    np.testing.assert_array_equal(_native.decode(content, mode == "L"), expected)


def test_a_jpeg_is_turned_as_its_exif_says() -> None:
    image = noise(2, 5, 7)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    content = encoded(image, "JPEG", exif=exif)
    with _pixels.guarded():
        expected = np.asarray(_pixels.decode(content))
    assert expected.shape == (7, 5, 3)
    assert _native.proven(content, expected)


@pytest.mark.parametrize("change", [(0, 0, 0), (4, 6, 2)])
def test_an_image_is_not_proven_where_one_pixel_differs(change: tuple[int, int, int]) -> None:
    content = encoded(noise(3), "JPEG")
    expected = np.asarray(Image.open(io.BytesIO(content))).copy()
    expected[change] ^= 1
    assert not _native.proven(content, expected)


def test_only_whole_jpegs_are_proven() -> None:
    image = noise(4)
    assert not _native.proven(encoded(image, "PNG"), np.asarray(image))
    assert not _native.proven(b"", np.asarray(image))
    assert not _native.proven(_native.JPEG + b"\x00" * 20, np.asarray(image))
    assert not _native.proven(_native.JPEG, np.zeros((2, 3), dtype=np.uint8))


@pytest.mark.parametrize(("height", "width", "proven"), [(256, 256, True), (256, 257, False)])
def test_large_images_are_left_to_pillow(height: int, width: int, proven: bool) -> None:
    content = encoded(noise(5, height, width, "L"), "JPEG")
    assert _native.proven(content, np.asarray(Image.open(io.BytesIO(content)))) is proven
