from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gluon_ref.data import image_folder
from gluon_ref.errors import DataError, FitError, GluonRefError, OptionError, PathError, RequestError
from gluon_ref.inputs import _pixels

from .images import deep, encoded, folders, noise


def pixels(data: Any) -> np.ndarray:
    images: np.ndarray = data.train.take(np.arange(len(data.train)))[0]
    return images


def load(root: Path, **options: Any) -> Any:
    return image_folder.load(str(root), **options)


def refused(kind: type[GluonRefError], root: Path, **options: Any) -> str:
    with pytest.raises(kind) as caught:
        load(root, **options)
    return str(caught.value).replace(str(root), "DIR")


def test_folders_are_classes_and_their_images_samples(tmp_path: Path) -> None:
    data = load(folders(tmp_path, {"cat": 4, "dog": 6}), held_out=0.5)
    assert (len(data.train), len(data.held_out)) == (5, 5)
    assert data.train.targets.tolist() == [0, 0, 1, 1, 1]
    assert data.train.targets.dtype == np.int32
    assert data.train.lengths is None
    facts = data.facts
    assert (facts.takes, facts.target, facts.shape, facts.labels) == ("image", "label", (3, 5, 7), ("cat", "dog"))
    images, targets = data.train.take(np.array([4, 0]))
    assert (images.shape, images.dtype, targets.tolist()) == ((2, 3, 5, 7), np.uint8, [1, 0])
    everything = [_pixels.array(noise(at)) for at in (*range(4), *range(100, 106))]
    seen = [*pixels(data), *data.held_out.take(np.arange(5))[0]]
    assert {one.tobytes() for one in seen} == {one.tobytes() for one in everything}


def test_the_pixels_are_those_of_the_files(tmp_path: Path) -> None:
    data = load(folders(tmp_path, {"train/a": 3, "train/b": 2, "test/b": 1}))
    expected = [_pixels.array(noise(at)) for at in (100, 101, 102, 200, 201)]
    np.testing.assert_array_equal(pixels(data), expected)
    np.testing.assert_array_equal(data.held_out.take(np.arange(1))[0], [_pixels.array(noise(0))])
    assert data.held_out.targets.tolist() == [1]


def test_mean_and_deviation_are_exact_and_of_the_training_part(tmp_path: Path) -> None:
    data = load(folders(tmp_path, {"a": 5, "b": 5}))
    images = pixels(data).astype(np.float64)
    np.testing.assert_allclose(data.facts.mean, images.mean(axis=(0, 2, 3)), rtol=1e-14)
    np.testing.assert_allclose(data.facts.std, images.std(axis=(0, 2, 3)), rtol=1e-14)


def test_an_image_that_never_varies_has_a_deviation_of_one(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for number in range(2):
            path = tmp_path / name / f"{number}.png"
            path.parent.mkdir(exist_ok=True)
            Image.new("L", (7, 5), 9).save(path)
    assert (load(tmp_path).facts.mean, load(tmp_path).facts.std) == ((9.0,), (1.0,))


@pytest.mark.parametrize("name", ["test", "val", "valid", "held_out"])
def test_a_held_out_part_is_known_by_its_name(tmp_path: Path, name: str) -> None:
    data = load(folders(tmp_path, {"train/a": 2, "train/b": 2, f"{name}/a": 1}))
    assert (len(data.train), len(data.held_out)) == (4, 1)


def test_parts_of_other_names_are_named(tmp_path: Path) -> None:
    folders(tmp_path / "data", {"fit/a": 2, "fit/b": 3, "look/a": 1})
    folders(tmp_path / "away", {"b": 7})
    assert len(load(tmp_path / "data", train="fit", test="look").held_out) == 1
    assert len(load(tmp_path / "data", train="fit", test=str(tmp_path / "away")).held_out) == 7
    assert len(load(tmp_path / "data", train="fit", held_out=0.5).held_out) == 3
    assert "option data.test: DIR/none is no folder" in refused(PathError, tmp_path / "data", train="fit", test="none")


def test_a_held_out_part_within_the_classes_is_no_class(tmp_path: Path) -> None:
    data = load(folders(tmp_path, {"a": 2, "b": 2, "look/a": 1}), test="look")
    assert (data.facts.labels, len(data.train), len(data.held_out)) == (("a", "b"), 4, 1)


def test_what_is_beside_the_parts_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders(tmp_path, {"train/a": 2, "train/b": 2, "test/a": 1, "val/a": 1, "more/a": 1})
    assert len(load(tmp_path).held_out) == 1
    assert capsys.readouterr().err == (
        f"warning: {tmp_path}: {tmp_path}/train is trained on and {tmp_path}/test held out; not read: more, val\n"
    )


def test_parts_without_class_folders_are_not_taken_for_classes(tmp_path: Path) -> None:
    folders(tmp_path, {"train": 2, "test": 2})
    message = refused(FitError, tmp_path)
    assert message.startswith("DIR/train: images outside of class folders, 0.png first; expected a folder per class")


def test_names_that_are_numbers_are_sorted_as_numbers(tmp_path: Path) -> None:
    assert load(folders(tmp_path, {"10": 2, "9": 2, "-1": 2})).facts.labels == ("-1", "9", "10")
    folders(tmp_path, {"a": 2})
    assert load(tmp_path).facts.labels == ("-1", "10", "9", "a")


def test_images_in_folders_of_a_class_folder_belong_to_it(tmp_path: Path) -> None:
    data = load(folders(tmp_path, {"a": 2, "a/more": 3, "b": 2}), held_out=0.5)
    assert (len(data.train) + len(data.held_out), data.facts.labels) == (7, ("a", "b"))


def test_upper_case_endings_and_wrong_ones_of_images_are_read(tmp_path: Path) -> None:
    folders(tmp_path, {"a": 2, "b": 2})
    (tmp_path / "a" / "0.png").rename(tmp_path / "a" / "0.JPG")
    (tmp_path / "a" / "1.png").rename(tmp_path / "a" / "1.JPEG")
    assert len(load(tmp_path).train) == 2


def test_names_of_any_bytes_are_read_and_printable(tmp_path: Path) -> None:
    folders(tmp_path, {"two words": 2, "großes Ж": 2})
    odd = os.path.join(os.fsencode(tmp_path), b"b\xff\n")
    os.mkdir(odd)
    for number in (1, 2):
        with open(os.path.join(odd, b"\xe9%d .png" % number), "wb") as file:
            file.write(encoded(noise(number)))
    data = load(tmp_path)
    assert data.facts.labels == ("b\\udcff\\n", "großes Ж", "two words")
    with open(os.path.join(odd, b"\xe9%d .png" % 1), "wb") as file:
        file.write(b"")
    message = refused(DataError, tmp_path)
    assert "1 of 6 images damaged: DIR/b\\udcff\\n/\\udce91 .png (empty)" in message
    message.encode()


# What is left out, and what is said of it.


def test_litter_is_left_out_in_silence_and_other_files_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders(tmp_path, {"a": 2, "b": 2, ".git": 1, "__MACOSX": 1, "a/.thumbs": 1})
    for name in (".DS_Store", "Thumbs.db", "a/desktop.ini", "a/._0.png"):
        (tmp_path / name).write_text("")
    load(tmp_path)
    assert capsys.readouterr().err == ""
    for name in ("list.txt", "a/x.webp", "a/y.gif", "b/z"):
        (tmp_path / name).write_text("")
    os.mkfifo(tmp_path / "b" / "pipe.png")  # reading it would hang
    load(tmp_path)
    assert capsys.readouterr().err == (
        f"warning: {tmp_path}: left out 5 files not named .png, .jpg or .jpeg: {tmp_path}/list.txt, "
        f"{tmp_path}/a/x.webp, {tmp_path}/a/y.gif and 2 more\n"
    )


# Folders that are not as described.


@pytest.mark.parametrize(
    ("counts", "kind", "message"),
    [
        ({}, DataError, "DIR: no image and no class folder; expected a folder per class; check the path"),
        ({"": 2}, DataError, "DIR: 2 images outside of class folders, 0.png first; expected a folder per class"),
        ({"a": 2, "b": 2, "": 1}, DataError, "DIR: 1 image outside of class folders, 0.png first; expected a fol"),
        ({"a": 2}, FitError, "DIR: one class only, a; expected at least two class folders; add another class"),
        ({"in/a": 1, "in/b": 1}, FitError, "one class only, in; expected at least two class folders; name the folder"),
        ({"a": 2, "b": 0, "c": 0}, DataError, "DIR: no .png, .jpg or .jpeg for DIR/b, DIR/c; expected images in the"),
        (dict.fromkeys("abcde", 0), DataError, "DIR: no .png, .jpg or .jpeg for DIR/a, DIR/b, DIR/c and 2 more;"),
        ({"train/a": 2, "train/b": 2, "test/a": 0}, DataError, "DIR: no .png, .jpg or .jpeg for DIR/test/a; expec"),
        ({"train/a": 2, "train/b": 2, "test/c": 2}, DataError, "DIR: a folder c; expected classes of the training"),
        ({"a": 1, "b": 1}, DataError, "2 samples; expected enough for a training and a held-out part"),
    ],
)
def test_a_folder_that_is_not_as_described_is_refused(
    tmp_path: Path, counts: dict[str, int], kind: type[GluonRefError], message: str
) -> None:
    assert message in refused(kind, folders(tmp_path, counts))


def test_a_folder_must_be_named_and_be_there(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"data image_folder: no folder; .*; pass --data image_folder:DIR"):
        image_folder.load("")
    assert "DIR/none does not exist" in refused(PathError, tmp_path / "none").replace("DIR", "DIR/none", 1)
    (tmp_path / "file").write_text("")
    assert "file is no folder" in refused(PathError, tmp_path / "file").replace("DIR", "file")


def denied(target: str, real: Callable[..., Any]) -> Callable[..., Any]:
    """A function of paths that may not read one of them: tests may run as root, who may read everything."""

    def call(path: Any, *args: Any, **options: Any) -> Any:
        if os.fsdecode(path).endswith(target):
            raise PermissionError(13, "Permission denied", path)
        return real(path, *args, **options)

    return call


def test_unreadable_images_and_folders_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders(tmp_path, {"a": 2, "b": 2})
    with monkeypatch.context() as patch:
        patch.setattr(_pixels, "contents", denied("1.png", _pixels.contents))
        message = refused(PathError, tmp_path)
    assert "DIR: 2 images cannot be read: DIR/a/1.png (Permission denied), DIR/b/1.png (Permission denied); " in message
    monkeypatch.setattr(os, "scandir", denied("b", os.scandir))
    assert "DIR/b: cannot be read (Permission denied); expected a readable folder" in refused(PathError, tmp_path)


# Symbolic links.


def test_links_within_the_folder_are_followed(tmp_path: Path) -> None:
    folders(tmp_path, {"a": 2, "b": 2})
    (tmp_path / "b" / "link.png").symlink_to(tmp_path / "a" / "0.png")
    (tmp_path / "c").symlink_to(tmp_path / "a")
    data = load(tmp_path, held_out=0.5)
    assert (data.facts.labels, len(data.train) + len(data.held_out)) == (("a", "b", "c"), 7)


def test_links_from_one_part_to_the_other_stay_within_the_folder(tmp_path: Path) -> None:
    folders(tmp_path, {"train/a": 2, "train/b": 2, "test/a": 1})
    (tmp_path / "test" / "a" / "link.png").symlink_to(tmp_path / "train" / "a" / "0.png")
    assert len(load(tmp_path).held_out) == 2


@pytest.mark.parametrize("link", ["a/link.png", "a/link", "c", "a/link.txt"])
def test_links_out_of_the_folder_are_refused_unless_asked_for(tmp_path: Path, link: str) -> None:
    root = folders(tmp_path / "data", {"a": 2, "b": 2})
    folders(tmp_path / "away", {"in": 2})
    (root / link).symlink_to(tmp_path / "away" / "in" / ("0.png" if "." in link else ""))
    message = refused(PathError, root)
    assert message.startswith(f"DIR/{link}: a link out of DIR, to {tmp_path}/away/in")
    assert message.endswith("pass --set data.follow_links=true if that is meant")
    assert len(load(root, follow_links=True).train) >= 2


def test_a_part_that_is_a_link_is_no_way_out(tmp_path: Path) -> None:
    root = folders(tmp_path / "data", {"train/a": 2, "train/b": 2})
    folders(tmp_path / "away", {"a": 1})
    (root / "test").symlink_to(tmp_path / "away")
    assert refused(PathError, root).startswith("DIR/test: a link out of DIR, to ")
    assert len(load(root, test="test", train="train").held_out) == 1  # named by the person


def test_a_link_to_a_folder_around_it_does_not_hang(tmp_path: Path) -> None:
    folders(tmp_path, {"a": 2, "b": 2})
    (tmp_path / "a" / "loop").symlink_to(tmp_path / "a")
    assert "DIR/a/loop: a link to a folder of the same class; expected each folder once" in refused(PathError, tmp_path)


def test_a_link_to_itself_or_to_nothing_is_refused(tmp_path: Path) -> None:
    folders(tmp_path, {"a": 2, "b": 2})
    (tmp_path / "a" / "x.png").symlink_to(tmp_path / "a" / "x.png")
    assert "DIR/a/x.png: a link that leads nowhere" in refused(PathError, tmp_path)


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    folders(tmp_path / "data", {"a": 2, "b": 2})
    (tmp_path / "link").symlink_to(tmp_path / "data")
    assert len(load(tmp_path / "link").train) == 2


# Images that are not as described.


def put(root: Path, name: str, content: bytes) -> Path:
    (root / name).write_bytes(content)
    return root


def test_sizes_that_differ_are_refused_and_resized_when_asked(tmp_path: Path) -> None:
    folders(tmp_path, {"a": 3, "b": 3})
    put(tmp_path, "b/1.png", encoded(noise(1, 6, 7)))
    put(tmp_path, "b/2.png", encoded(noise(1, 60, 70)))
    message = refused(FitError, tmp_path)
    assert "images of different sizes, height x width: DIR/a/0.png is 5x7, DIR/b/1.png is 6x7 (2 of 6 diff" in message
    assert message.endswith("have them resized: --set data.size=5,7")
    data = load(tmp_path, size=(3, 4))
    assert data.facts.shape == (3, 3, 4)
    expected = noise(0).resize((4, 3), Image.Resampling.BILINEAR)
    assert _pixels.array(expected).tobytes() in {one.tobytes() for one in pixels(data)}
    np.testing.assert_allclose(data.facts.mean, pixels(data).mean(axis=(0, 2, 3)), rtol=1e-14)


@pytest.mark.parametrize(
    ("modes", "asked", "channels"),
    [
        (("L", "L"), 0, 1),
        (("L", "RGB"), 0, 3),
        (("L", "L"), 3, 3),
        (("RGB", "RGB"), 1, 1),
        (("L", "RGB"), 1, 1),
        (("RGB", "RGB"), 0, 3),
    ],
)
def test_channels_are_one_for_grey_alone_or_as_asked(
    tmp_path: Path, modes: tuple[str, str], asked: int, channels: int
) -> None:
    for name, mode in zip("ab", modes):
        folders(tmp_path / name, {"": 2}, mode=mode)
    data = load(tmp_path, channels=asked)
    assert data.facts.shape == (channels, 5, 7)
    images = pixels(data)
    assert images.shape[1] == channels
    np.testing.assert_allclose(data.facts.mean, images.mean(axis=(0, 2, 3)), rtol=1e-14)
    np.testing.assert_allclose(data.facts.std, images.std(axis=(0, 2, 3)), rtol=1e-14)


def test_odd_images_are_named_with_the_options_that_take_them(tmp_path: Path) -> None:
    folders(tmp_path, {"a": 3, "b": 3})
    put(tmp_path, "a/1.png", deep(np.full((5, 7, 3), 65535), 2))
    put(tmp_path, "b/1.png", encoded(Image.new("RGBA", (7, 5), (0, 0, 0, 0))))
    message = refused(DataError, tmp_path)
    assert (
        "DIR: 2 images that cannot be taken as they are: DIR/a/1.png (16 bits per channel), DIR/b/1.png (transpar"
        in message
    )
    assert "--set data.background=white or black" in message
    assert "--set data.depth=16" in message
    data = load(tmp_path, depth=16, background="white")
    assert len(data.train) == 4


def test_a_huge_image_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders(tmp_path, {"a": 2, "b": 2})
    put(tmp_path, "b/1.png", encoded(noise(0, 40, 40)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert "1 image that cannot be taken as they are: DIR/b/1.png (" in refused(DataError, tmp_path)


def test_damaged_images_are_counted_and_named_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders(tmp_path, {"a": 6, "b": 4})
    put(tmp_path, "a/1.png", b"not an image at all")
    put(tmp_path, "a/2.png", b"")
    put(tmp_path, "a/3.png", encoded(noise(3))[:-20])
    put(tmp_path, "b/1.png", encoded(noise(3))[:40])
    told = "4 of 10 images damaged: DIR/a/1.png (not an image), DIR/a/2.png (empty), DIR/a/3.png (truncated) and 1 more"
    assert refused(DataError, tmp_path) == (
        f"DIR: {told}; expected whole images, PNG or JPEG; "
        "mend or remove them, or leave them out with --set data.skip_corrupt=true"
    )
    data = load(tmp_path, skip_corrupt=True)
    assert len(data.train) + len(data.held_out) == 6
    assert capsys.readouterr().err.replace(str(tmp_path), "DIR") == f"warning: DIR: {told}; left out\n"
    np.testing.assert_allclose(data.facts.mean, pixels(data).mean(axis=(0, 2, 3)), rtol=1e-14)


def test_more_damaged_images_than_whole_ones_are_not_skipped(tmp_path: Path) -> None:
    folders(tmp_path, {"a": 2, "b": 3})
    for name in ("a/0.png", "b/0.png"):
        put(tmp_path, name, b"x")
    load(tmp_path, skip_corrupt=True, held_out=0.4)
    put(tmp_path, "b/1.png", b"x")
    message = refused(DataError, tmp_path, skip_corrupt=True)
    assert "3 of 5 images damaged" in message
    assert "expected at least half of them whole" in message


def test_a_class_that_loses_all_images_is_refused(tmp_path: Path) -> None:
    folders(tmp_path, {"a": 1, "b": 3})
    put(tmp_path, "a/0.png", b"x")
    assert "DIR: no image to train on for a; expected images of each class" in refused(
        DataError, tmp_path, skip_corrupt=True
    )


@pytest.mark.parametrize("change", ["gone", "other", "folder", "huge"])
def test_an_image_that_changes_after_loading_is_named(
    tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = load(folders(tmp_path, {"train/a": 2, "train/b": 2, "test/a": 1}))
    path = tmp_path / "train" / "b" / "1.png"
    path.unlink()
    if change == "other":
        path.write_bytes(encoded(noise(5)))
    if change == "folder":
        path.mkdir()
    if change == "huge":
        path.write_bytes(b"x" * 1000)
        monkeypatch.setattr(_pixels, "LARGEST_FILE", 999)
    data.train.take(np.arange(3))
    with pytest.raises(DataError) as caught:
        data.train.take(np.arange(4))
    assert str(caught.value).startswith(f"{path}: ")
    assert "the image that was there; put it back, or start again" in str(caught.value)


# Other data for a network that is trained.


def test_all_images_are_held_out_for_a_trained_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = load(folders(tmp_path / "one", {"a": 2, "b": 2, "c": 2})).facts
    other = folders(tmp_path / "two", {"c": 2, "b": 1}, mode="L")
    put(other, "b/big.png", encoded(noise(9, 50, 70)))
    data = load(other, known=facts)
    assert data.facts is facts
    assert (len(data.train), len(data.held_out)) == (0, 4)
    assert data.held_out.targets.tolist() == [1, 1, 2, 2]
    images, _ = data.held_out.take(np.arange(4))
    assert images.shape == (4, 3, 5, 7)
    np.testing.assert_array_equal(images[0], _pixels.array(noise(0, mode="L").convert("RGB")))
    assert capsys.readouterr().err == (
        f"warning: {other}: of 4 images, 1 resized to 5x7 and 3 made colour for the network\n"
    )


def test_both_parts_of_other_data_are_held_out(tmp_path: Path) -> None:
    facts = load(folders(tmp_path / "one", {"a": 2, "b": 2})).facts
    other = folders(tmp_path / "two", {"train/a": 2, "train/b": 3, "test/a": 1})
    assert len(load(other, known=facts).held_out) == 6
    # Options that came with the run are read where the other data has such folders.
    assert len(load(other, known=facts, train="train", test="gone").held_out) == 5
    assert len(load(other, known=facts, train=str(tmp_path / "one")).held_out) == 6


def test_a_class_the_training_part_does_not_have_is_refused(tmp_path: Path) -> None:
    facts = load(folders(tmp_path / "one", {"a": 2, "b": 2})).facts
    other = folders(tmp_path / "two", {"a": 1, "x": 1, "y": 1})
    with pytest.raises(DataError, match=r"a folder x and 1 more; expected classes of the training part: a, b; rename"):
        load(other, known=facts)
    assert len(load(folders(tmp_path / "three", {"a": 1}), known=facts).held_out) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": (5,)}, "size=5; expected height,width, each from 1 to 8192; pass --set data.size=32,32"),
        ({"size": (0, 5)}, "size=0,5; expected height,width"),
        ({"size": (5, 9000)}, "size=5,9000; expected height,width"),
        ({"channels": 2}, "channels=2; expected 1 or 3, or 0 for what fits; pass --set data.channels=3"),
        ({"depth": 12}, "depth=12; expected 8 or 16; pass --set data.depth=16"),
        ({"held_out": 1.0}, "held_out=1.0; expected a share above 0 and below 1"),
    ],
)
def test_options_out_of_range_are_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    assert message in refused(OptionError, tmp_path, **options)


def test_images_of_every_kind_are_taken_as_they_were_seen(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[_pixels.ORIENTATION] = 6  # a quarter turn
    for name in ("a", "b"):
        folders(tmp_path, {name: 2}, kind="JPEG")
        put(tmp_path, f"{name}/turned.jpg", encoded(noise(5, 7, 5), "JPEG", exif=exif))
        put(tmp_path, f"{name}/palette.png", encoded(noise(6).quantize(8)))
        put(tmp_path, f"{name}/grey.png", encoded(noise(7, mode="L")))
        put(tmp_path, f"{name}/alpha.png", encoded(noise(8).convert("RGBA")))
    data = load(tmp_path, held_out=0.4)
    images, _ = data.train.take(np.arange(len(data.train)))
    for row, image in zip(data.train.rows, images):
        np.testing.assert_array_equal(
            image, _pixels.array(_pixels.fit(data.train.look.decode(data.train.source.read(row)), 3, 5, 7))
        )


@pytest.mark.parametrize("options", [{}, {"size": (3, 4)}, {"channels": 1}, {"size": (9, 8), "channels": 1}], ids=str)
def test_jpegs_are_decoded_natively_and_come_out_as_by_pillow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    for name in ("a", "b"):
        folders(tmp_path, {name: 3}, kind="JPEG")
        put(tmp_path, f"{name}/grey.jpg", encoded(noise(7, mode="L"), "JPEG"))
        put(tmp_path, f"{name}/print.jpg", encoded(noise(9).convert("CMYK"), "JPEG"))
        put(tmp_path, f"{name}/whole.png", encoded(noise(8)))
    train = load(tmp_path, **options).train
    slow = []
    decode = _pixels.decode
    monkeypatch.setattr(_pixels, "decode", lambda content, *more: slow.append(content[:4]) or decode(content, *more))
    found, _ = train.take(np.arange(len(train)))
    names = [os.path.basename(train.source.name(row)) for row in train.rows.tolist()]
    assert len(slow) == sum(name in ("print.jpg", "whole.png") for name in names)
    train.survey.native[:] = False
    np.testing.assert_array_equal(found, train.take(np.arange(len(train)))[0])


def test_threads_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders(tmp_path, {"a": 80, "b": 80})
    put(tmp_path, "b/3.png", b"x")
    put(tmp_path, "a/70.png", b"x")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    one = load(tmp_path, skip_corrupt=True)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setattr(image_folder._images, "LARGE", 0)
    three = load(tmp_path, skip_corrupt=True)
    assert one.facts == three.facts
    np.testing.assert_array_equal(pixels(one), pixels(three))
