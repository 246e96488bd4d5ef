"""Images of a bundle: arrays, PGM and PPM files, and what is said where one is not taken."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gluon_ref.bundled import images
from gluon_ref.errors import DataError, PathError
from gluon_ref.records import Facts

from .test_scaling import SLACK

GREY = Facts("image", "label", (1, 5, 7), labels=("a", "b"))
COLOUR = Facts("image", "label", (3, 5, 7), labels=("a", "b"))
PIXELS = np.random.RandomState(0).randint(0, 256, (5, 7, 3)).astype(np.uint8)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where Pillow is not installed."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


@pytest.mark.parametrize("array", [PIXELS, PIXELS.transpose(2, 0, 1), PIXELS.astype(np.float32), PIXELS.astype(int)])
def test_an_array_is_an_image_channels_first_or_last(array: np.ndarray, capsys: pytest.CaptureFixture[str]) -> None:
    np.save("image.npy", array)
    np.testing.assert_array_equal(images.load("image.npy", COLOUR), PIXELS.transpose(2, 0, 1))
    assert capsys.readouterr().err == ""


def test_a_grey_array_may_leave_out_its_channel() -> None:
    for array in (PIXELS[:, :, 0], PIXELS[:, :, :1], PIXELS[None, :, :, 0]):
        np.save("image.npy", array)
        np.testing.assert_array_equal(images.load("image.npy", GREY), PIXELS[None, :, :, 0])


@pytest.mark.parametrize(("facts", "channels"), [(GREY, 1), (GREY, 3), (COLOUR, 1), (COLOUR, 3)])
@pytest.mark.parametrize("size", [(5, 7), (11, 9)])
@pytest.mark.parametrize("suffix", ["npy", "png", "netpbm"])
def test_every_file_gives_the_pixels_that_pillow_gives(
    facts: Facts, channels: int, size: tuple[int, int], suffix: str, bare: None, capsys: pytest.CaptureFixture[str]
) -> None:
    pixels = np.random.RandomState(0).randint(0, 256, (*size, channels)).astype(np.uint8)
    image = Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels)
    if suffix == "npy":
        np.save("image.npy", pixels)
    else:
        image.save(f"image.{suffix}", "PNG" if suffix == "png" else "PPM")
    expected = image.convert("L" if facts is GREY else "RGB").resize((7, 5), Image.Resampling.BILINEAR)
    given = images.load(f"image.{suffix}", facts)
    assert given.dtype == np.uint8
    difference = np.abs(given.transpose(1, 2, 0).reshape(np.asarray(expected).shape).astype(int) - np.asarray(expected))
    assert difference.max() <= SLACK
    wanted = f"{size[1]}x{size[0]} {image.mode} was made 7x5 {'L' if facts is GREY else 'RGB'} for the network"
    assert (wanted in capsys.readouterr().err) == (size != (5, 7) or facts.shape[0] != channels)


def test_comments_of_a_pgm_file_are_passed_over() -> None:
    Path("image.pgm").write_bytes(b"P5\n# made by hand 9 9\n7 5\n#\n255\n" + PIXELS[:, :, 0].tobytes())
    np.testing.assert_array_equal(images.load("image.pgm", GREY), PIXELS[None, :, :, 0])


def test_paths_come_from_standard_input_too(monkeypatch: pytest.MonkeyPatch) -> None:
    np.save("a b.npy", PIXELS)
    monkeypatch.setattr("sys.stdin", io.StringIO("\na b.npy\n"))
    assert [name for name, _ in images.read(["-", "a b.npy"], COLOUR)] == ["a b.npy", "a b.npy"]


def saved(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "image: empty; expected a whole, readable image file; check the file"),
        (b"text", "image: not an image; expected a whole"),
        (b"\xff\xd8\xff\xe0", "image: no PNG file; expected without Pillow a PNG file of 8 bits a channel"),
        (b"P5 7 5 255\n", "image: cannot be read (truncated)"),
        (b"P5 7 5 65535\n" + bytes(70), "image: values up to 65535; expected values up to 255"),
        (b"P6 0 5 255\n", "image: 0x5 pixels; expected"),
        (b"P6 99999999 99999999 255\n", "image: 99999999x99999999 pixels; expected"),
        (saved(PIXELS)[:-1], "image: cannot be read ("),
        (saved(PIXELS).replace(b"5, 7", b"5, 70000000000"), "image: cannot be read ("),
        (saved(PIXELS + 0.5), "image: float64 of shape 5x7x3; expected whole numbers from 0 to 255 of shape 1x5x7"),
        (saved(PIXELS.astype(int) - 99), "image: int64 of shape 5x7x3; expected"),
        (saved(PIXELS.astype(int) + 99), "image: int64 of shape 5x7x3; expected"),
        (saved(PIXELS[None]), "image: uint8 of shape 1x5x7x3; expected"),
        (saved(PIXELS[:, :, :2]), "image: uint8 of shape 5x7x2; expected"),
        (saved(PIXELS[:0]), "image: uint8 of shape 0x7x3; expected"),
        (saved(PIXELS * np.float32("nan")), "image: float32 of shape 5x7x3; expected"),
        (saved(np.array(["a"])), "image: <U1 of shape 1; expected"),
        (saved(np.array(3)), "image: int64 of shape ; expected"),
    ],
)
def test_what_is_not_taken_is_refused_in_a_line(content: bytes, told: str, bare: None) -> None:
    Path("image").write_bytes(content)
    with pytest.raises(DataError) as caught:
        images.load("image", GREY)
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)


def test_a_pickled_array_is_not_loaded() -> None:
    np.save("image.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="cannot be read"):
        images.load("image.npy", GREY)


@pytest.mark.parametrize("path", ["none.png", ".", "a\0b"])
def test_a_file_that_cannot_be_opened_is_named(path: str) -> None:
    with pytest.raises(PathError, match=r"does not exist|cannot be read"):
        images.load(path, GREY)


def test_other_formats_are_left_to_pillow() -> None:
    Image.fromarray(PIXELS).save("image.bmp")
    np.testing.assert_array_equal(images.load("image.bmp", COLOUR), PIXELS.transpose(2, 0, 1))
    Path("image.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(DataError, match=r"image.jpg: not an image"):  # in the words of gluonref
        images.load("image.jpg", COLOUR)
