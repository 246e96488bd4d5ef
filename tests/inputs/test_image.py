from __future__ import annotations

import dataclasses
import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from gluon_ref.errors import DataError, PathError
from gluon_ref.inputs import image
from gluon_ref.records import Facts, Field
from tests.conftest import IMAGE

COLOUR = dataclasses.replace(IMAGE, shape=(3, 8, 9))


def pixels(facts: Facts) -> np.ndarray:
    return np.arange(np.prod(facts.shape)).reshape(facts.shape).astype(np.uint8)


def test_the_network_takes_one_array_of_raw_pixels() -> None:
    assert image.fields(COLOUR) == (Field("data", (3, 8, 9), "float32"),)
    (array,) = image.collate(np.full((2, 1, 8, 9), 255, dtype=np.uint8), IMAGE)
    assert (array.shape, array.dtype, array.max()) == ((2, 1, 8, 9), np.float32, 255)


@pytest.mark.parametrize("facts", [IMAGE, COLOUR], ids=["grey", "colour"])
def test_a_written_image_is_read_back_as_it_was(
    tmp_path: Path, facts: Facts, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"image{image.SUFFIX}"
    image.write(pixels(facts), facts, path)
    ((name, found),) = image.read([str(path)], facts)
    assert name == str(path)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, pixels(facts))
    assert capsys.readouterr() == ("", "")


def test_channels_come_first(tmp_path: Path) -> None:
    Image.new("RGB", (9, 8), (10, 20, 30)).save(tmp_path / "a.png")
    assert image.load(str(tmp_path / "a.png"), COLOUR)[:, 7, 8].tolist() == [10, 20, 30]


def test_another_size_or_colour_is_converted_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (5, 7), (50, 50, 50)).save(path)
    found = image.load(str(path), IMAGE)
    assert (found.shape, found.min(), found.max()) == ((1, 8, 9), 50, 50)
    assert capsys.readouterr().err == f"warning: {path}: 5x7 RGB was made 9x8 L for the network\n"


def test_a_dash_stands_for_paths_on_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    for path in paths:
        image.write(pixels(IMAGE), IMAGE, Path(path))
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(paths) + "\n\n"))
    assert [name for name, _ in image.read(["-", paths[0]], IMAGE)] == [*paths, paths[0]]


def test_an_image_of_more_than_8_bits_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 9), 4000, dtype=np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(DataError, match=r"deep.png: 16 bits per channel; expected 8 bits per channel; save it with 8"):
        image.load(str(tmp_path / "deep.png"), IMAGE)


def test_a_file_that_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no image")
    with pytest.raises(DataError, match=r"a.png: not an image; expected a whole, readable image file; check the file"):
        image.load(str(tmp_path / "a.png"), IMAGE)


def test_a_truncated_image_is_refused_though_gluoncv_lets_pillow_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, random: np.random.RandomState
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    path = tmp_path / "a.png"
    image.write(image.imagine(IMAGE, 2, random)[1], IMAGE, path)
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(DataError, match=r"a.png: cannot be read \(.*; expected a whole, readable image file; check"):
        image.load(str(path), IMAGE)


def test_a_path_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        PathError, match=r"predict: .*none.png does not exist; expected the path of an image; check the"
    ):
        image.load(str(tmp_path / "none.png"), IMAGE)
    with pytest.raises(PathError, match=r"cannot be read \(.*; expected a whole, readable image file"):
        image.load(str(tmp_path), IMAGE)


def test_made_up_images_are_noise_but_for_a_white_one(random: np.random.RandomState) -> None:
    images = image.imagine(COLOUR, 5, random)
    assert (images.shape, images.dtype) == ((5, 3, 8, 9), np.uint8)
    assert (images[0] == 255).all()
    assert len(np.unique(images[1:])) > 200


def test_predict_turns_an_image_as_its_exif_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    Image.fromarray(pixels(IMAGE)[0].T).save(tmp_path / "a.png", exif=exif)
    found = image.load(str(tmp_path / "a.png"), IMAGE)
    np.testing.assert_array_equal(found[0], np.rot90(pixels(IMAGE)[0].T, -1))
    assert capsys.readouterr().err == ""


def test_predict_reads_a_palette_by_its_colours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (9, 8), (10, 20, 30)).quantize(2).save(tmp_path / "a.png")
    assert image.load(str(tmp_path / "a.png"), COLOUR)[:, 7, 8].tolist() == [10, 20, 30]
    assert capsys.readouterr().err == ""


def test_predict_refuses_transparent_pixels(tmp_path: Path) -> None:
    Image.new("RGBA", (9, 8), (1, 2, 3, 0)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a.png: transparent pixels; expected an image without any; save it on a back"):
        image.load(str(tmp_path / "a.png"), COLOUR)


def test_predict_reads_a_pipe(tmp_path: Path) -> None:
    image.write(pixels(IMAGE), IMAGE, tmp_path / "a.png")
    read, write = os.pipe()
    os.write(write, (tmp_path / "a.png").read_bytes())
    os.close(write)
    np.testing.assert_array_equal(image.load(f"/dev/fd/{read}", IMAGE), pixels(IMAGE))
    os.close(read)
