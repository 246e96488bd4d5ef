from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from gluon_ref.inputs import _pixels
from gluon_ref.inputs._pixels import OddError
from tests.data.images import deep, deep_tiff, encoded, noise


def decoded(content: bytes, background: str = "", depth: int = 8) -> np.ndarray:
    with _pixels.guarded():
        return _pixels.array(_pixels.decode(content, background, depth))


def refused(content: bytes, depth: int = 8) -> OddError:
    with pytest.raises(OddError) as caught:
        decoded(content, depth=depth)
    return caught.value


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3), ("1", 1)])
def test_pixels_come_out_as_they_were_put_in(mode: str, channels: int) -> None:
    image = noise(0, mode=mode)
    found = decoded(encoded(image))
    assert (found.shape, found.dtype) == ((channels, 5, 7), np.uint8)
    np.testing.assert_array_equal(found, _pixels.array(image.convert("L" if channels == 1 else "RGB")))


def test_a_palette_is_read_by_its_colours_and_one_of_greys_is_grey() -> None:
    colour = noise(0).quantize(8)
    np.testing.assert_array_equal(decoded(encoded(colour)), _pixels.array(colour.convert("RGB")))
    grey = noise(0, mode="L").convert("RGB").quantize(256)
    np.testing.assert_array_equal(decoded(encoded(grey)), _pixels.array(noise(0, mode="L")))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (1, lambda pixels: pixels),
        (2, np.fliplr),
        (3, lambda pixels: np.rot90(pixels, 2)),
        (4, np.flipud),
        (6, lambda pixels: np.rot90(pixels, -1)),
        (8, np.rot90),
    ],
)
def test_an_image_is_turned_as_its_exif_says(kind: str, orientation: int, turned: object) -> None:
    exif = Image.Exif()
    exif[_pixels.ORIENTATION] = orientation
    content = encoded(noise(0, mode="L"), kind, exif=exif)
    with Image.open(io.BytesIO(content)) as image:
        expected = turned(np.asarray(image))
    np.testing.assert_array_equal(decoded(content)[0], expected)


def test_transparent_pixels_are_refused_or_put_on_a_background() -> None:
    image = Image.new("RGBA", (7, 5), (200, 100, 0, 255))
    image.putpixel((2, 1), (200, 100, 0, 0))
    image.putpixel((3, 1), (200, 100, 0, 51))  # a fifth of the colour, four fifths of what is behind it
    odd = refused(encoded(image))
    assert (odd.given, odd.option, odd.damaged) == ("transparent pixels", "data.background=white or black", False)
    white, black = (decoded(encoded(image), background=name) for name in ("white", "black"))
    assert white[:, 1, 2].tolist() == [255, 255, 255]
    assert black[:, 1, 2].tolist() == [0, 0, 0]
    assert white[:, 1, 3].tolist() == [244, 224, 204]
    assert black[:, 1, 3].tolist() == [40, 20, 0]
    assert black[:, 0, 0].tolist() == [200, 100, 0]


def odd_alpha(kind: str) -> tuple[Image.Image, dict[str, object]]:
    """Images with a transparent pixel, by the ways PNG has to say so."""
    if kind == "LA":
        image = Image.new("LA", (7, 5), (9, 255))
        image.putpixel((0, 0), (9, 0))
        return image, {}
    image = noise(0, mode="L") if kind == "L" else noise(0)
    image = image.quantize(8) if kind == "P" else image
    return image, {"transparency": image.getpixel((0, 0))}


@pytest.mark.parametrize("kind", ["LA", "P", "L", "RGB"])
def test_transparency_is_found_however_the_file_says_it(kind: str) -> None:
    image, options = odd_alpha(kind)
    content = encoded(image, **options)
    assert refused(content).given == "transparent pixels"
    found = decoded(content, background="white")
    assert len(found) == (1 if kind in ("LA", "L") else 3)
    assert found[:, 0, 0].tolist() == [255] * len(found)


@pytest.mark.parametrize(("mode", "channels"), [("RGBA", 3), ("LA", 1)])
def test_an_opaque_alpha_channel_is_no_transparency(mode: str, channels: int) -> None:
    image = noise(0, mode="RGB" if channels == 3 else "L").convert(mode)
    assert decoded(encoded(image)).shape == (channels, 5, 7)


@pytest.mark.parametrize("colour", [0, 2])
def test_16_bits_are_refused_or_scaled_to_8(colour: int) -> None:
    values = np.arange(0, 65536, 65535 // 34).reshape(5, 7)[..., None].repeat(3 if colour else 1, axis=2)
    content = deep(values, colour)
    odd = refused(content)
    assert (odd.given, odd.option) == ("16 bits per channel", "data.depth=16")
    found = decoded(content, depth=16)
    assert (found.min(), found.max()) == (0, 255)
    np.testing.assert_array_equal(found, values.transpose(2, 0, 1) >> 8)


def test_16_bits_with_a_transparent_colour_are_refused_at_any_depth() -> None:
    content = deep(np.full((5, 7), 9), clear=b"\0\x09")
    assert refused(content, depth=16).given == "16 bits and a transparent colour"


def test_16_bits_of_colour_in_a_tiff_are_found() -> None:
    values = np.random.RandomState(0).randint(0, 65536, (5, 7, 3))
    assert refused(deep_tiff(values)).given == "16 bits per channel"
    np.testing.assert_array_equal(decoded(deep_tiff(values), depth=16), values.transpose(2, 0, 1) >> 8)


def test_32_bits_are_refused_at_any_depth() -> None:
    odd = refused(encoded(Image.new("F", (7, 5)), "TIFF"), depth=16)
    assert (odd.given, odd.option) == ("32 bits per channel", "")


def test_cmyk_is_made_colour() -> None:
    found = decoded(encoded(Image.new("CMYK", (7, 5), (0, 255, 255, 0)), "JPEG"))
    assert found.shape == (3, 5, 7)
    np.testing.assert_allclose(found[:, 2, 3], [255, 0, 0], atol=3)  # JPEG is lossy


def test_a_huge_image_is_refused_by_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 34)
    odd = refused(encoded(noise(0)))
    assert (odd.damaged, odd.expected) == (False, "34 pixels and 268,435,456 bytes at most")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 17)  # twice as many: Pillow's own error
    assert refused(encoded(noise(0))).expected == "17 pixels and 268,435,456 bytes at most"


def test_a_huge_image_is_refused_even_where_pillow_is_told_not_to_warn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 34)
    with warnings.catch_warnings(), pytest.raises(OddError, match="7x5 pixels"):
        warnings.simplefilter("ignore")
        _pixels.decode(encoded(noise(0)))


def test_a_huge_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(b"x" * 100)
    monkeypatch.setattr(_pixels, "LARGEST_FILE", 99)
    with pytest.raises(OddError, match=r"^100 bytes"):
        _pixels.contents(str(tmp_path / "a.png"))


WHOLE = encoded(noise(0, 20, 20))


@pytest.mark.parametrize(
    ("content", "given"),
    [
        (b"", "empty"),
        (b"no image", "not an image"),
        (WHOLE[:-1], "truncated"),
        (WHOLE[:60], "truncated"),
        (WHOLE[:100] + bytes([WHOLE[100] ^ 1]) + WHOLE[101:], "altered: the checksum of IDAT does not fit"),
        (encoded(noise(0, 20, 20), "JPEG")[:-40], "image file is truncated"),
        (encoded(noise(0, 20, 20), "JPEG")[:40], ""),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 5 7\n", "not an image"),
    ],
)
def test_what_is_no_whole_image_is_damaged(content: bytes, given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # as gluoncv leaves it
    odd = refused(content)
    assert odd.damaged
    assert given in odd.given


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "TIFF"])
def test_a_file_with_flipped_bytes_is_pixels_or_our_own_error(kind: str, random: np.random.RandomState) -> None:
    whole = np.frombuffer(encoded(noise(0, 20, 20), kind), dtype=np.uint8)
    for _ in range(60):
        content = whole.copy()
        content[random.randint(0, len(whole), 3)] = random.randint(0, 256, 3)
        try:
            assert decoded(content.tobytes()).dtype == np.uint8
        except OddError as odd:
            assert odd.given
