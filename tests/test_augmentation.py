from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gluon_ref.augmentation import Augmentation, arrange, crop, cutout, flip, jitter, mixup
from gluon_ref.errors import FitError, OptionError
from gluon_ref.records import Facts
from tests.conftest import IMAGE, TEXT, VALUE, VECTOR

COLOUR = Facts("image", "label", (3, 8, 9), labels=("a", "b"), mean=(3.0, 4.0, 5.0), std=(1.0,) * 3, mirror=True)
Random = np.random.RandomState


def images(batch: int = 5, channel: int = 3, height: int = 8, width: int = 9) -> np.ndarray:
    return Random(1).randint(0, 256, (batch, channel, height, width)).astype(np.uint8)


def test_a_crop_is_a_window_of_the_image_with_mirrored_borders() -> None:
    given = images()
    moved = crop(given, 2, Random(0))
    assert moved.shape == given.shape
    assert moved.dtype == np.uint8
    padded = np.pad(given, ((0, 0), (0, 0), (2, 2), (2, 2)), mode="reflect")
    places = set()
    for number, image in enumerate(moved):
        found = [
            (top, left)
            for top in range(5)
            for left in range(5)
            if np.array_equal(padded[number, :, top : top + 8, left : left + 9], image)
        ]
        assert len(found) == 1
        places |= set(found)
    assert len(places) > 1


def test_about_half_of_the_images_are_mirrored() -> None:
    given = images(batch=400, height=2, width=3)
    flipped = flip(given, Random(0))
    kept = [np.array_equal(one, other) for one, other in zip(given, flipped)]
    assert 150 < sum(kept) < 250
    mirrored = [np.array_equal(one[..., ::-1], other) for one, other in zip(given, flipped)]
    assert all(one or other for one, other in zip(kept, mirrored))


@pytest.mark.parametrize("side", [1, 2, 3, 5])
def test_a_hole_is_a_square_of_the_mean_cut_off_at_the_border(side: int) -> None:
    given = np.full((300, 3, 8, 9), 9, dtype=np.uint8)
    blanked = cutout(given, side, (1.2, 2.0, 3.0), Random(0))
    assert blanked.dtype == np.uint8
    changed = (blanked != given).all(axis=1)  # (batch, height, width)
    assert (blanked.transpose(0, 2, 3, 1)[changed] == [1, 2, 3]).all()
    rows, columns = changed.any(axis=2).sum(axis=1), changed.any(axis=1).sum(axis=1)
    assert changed.sum(axis=(1, 2)).tolist() == (rows * columns).tolist()
    assert rows.max() == columns.max() == side
    assert rows.min() >= 1


def test_no_change_of_colour_leaves_an_image_as_it_is() -> None:
    given = images()
    np.testing.assert_allclose(jitter(given, 0, 0, 0, Random(0)), given, atol=1e-3)  # float32


def test_brightness_scales_and_contrast_and_saturation_keep_the_mean_grey() -> None:
    given = np.full((50, 3, 2, 3), 100, dtype=np.uint8) + images(50, 3, 2, 3) // 16
    bright = jitter(given, 0.2, 0, 0, Random(0)) / given
    assert (np.ptp(bright, axis=(1, 2, 3)) < 1e-5).all()
    assert 0.8 <= bright.min() < 0.85 < 1.15 < bright.max() <= 1.2
    luma = np.array([0.299, 0.587, 0.114]).reshape(1, 3, 1, 1)
    for contrast, saturation in ((0.5, 0), (0, 0.5)):
        changed = jitter(given, 0, contrast, saturation, Random(0))
        assert not np.allclose(changed, given)
        grey, before = ((array * luma).sum(axis=1).mean(axis=(1, 2)) for array in (changed, given))
        np.testing.assert_allclose(grey, before, rtol=1e-5)  # float32


def test_a_grey_image_is_recoloured_too_and_stays_within_its_range() -> None:
    changed = jitter(images(channel=1), 1.0, 1.0, 0, Random(0))
    assert changed.shape == (5, 1, 8, 9)
    assert changed.min() >= 0
    assert changed.max() <= 255


def test_a_mixture_has_the_shares_of_its_parts() -> None:
    inputs = np.eye(7, dtype=np.uint8)[:, :, None, None] * 200  # the sample's number is told by its channel
    targets = np.array([0, 1, 2, 0, 1, 2, 0], dtype=np.int32)
    mixed, shares = mixup(inputs, targets, 1.0, 3, Random(0))
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)  # float32
    for part, share in zip(mixed[:, :, 0, 0] / 200, shares):
        expected = np.zeros(3)
        for number, weight in enumerate(part):
            expected[targets[number]] += weight
        np.testing.assert_allclose(share, expected, atol=1e-6)
    assert len(np.unique(shares)) > 3


def test_values_are_mixed_like_their_inputs() -> None:
    inputs = np.arange(7, dtype=np.float32)[:, None]
    mixed, targets = mixup(inputs, inputs[:, 0] * 10, 0.4, 0, Random(0))
    np.testing.assert_allclose(targets, mixed[:, 0] * 10, rtol=1e-5)  # float32


def test_the_same_generator_alters_alike_and_nothing_asked_is_nothing_done() -> None:
    asked = Augmentation(crop=0.25, flip=True, brightness=0.2, contrast=0.2, saturation=0.2, cutout=0.25, mixup=0.2)
    altered = arrange(asked, COLOUR)
    assert altered is not None
    given, targets = images(), np.array([0, 1, 0, 1, 0], dtype=np.int32)
    before = given.copy()
    for one, other in zip(altered(given, targets, Random(3)), altered(given, targets, Random(3))):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(altered(given, targets, Random(3))[0], altered(given, targets, Random(4))[0])
    np.testing.assert_array_equal(given, before)
    assert arrange(Augmentation(), VECTOR) is None


@pytest.mark.parametrize(("facts", "flips"), [(COLOUR, True), (IMAGE, False), (VECTOR, False), (TEXT, False)])
def test_auto_mirrors_where_the_data_says_that_it_may(facts: Facts, flips: bool) -> None:
    assert (arrange(Augmentation(flip="auto"), facts) is not None) == flips


def test_a_share_is_of_the_shorter_side() -> None:
    altered = arrange(Augmentation(cutout=0.25), COLOUR)
    assert altered is not None
    changed = altered(np.full((50, 3, 8, 9), 99, dtype=np.uint8), np.zeros(50, dtype=np.int32), Random(0))[0] != 99
    assert changed.any(axis=(1, 3)).sum(axis=1).max() == 2


@pytest.mark.parametrize(
    ("options", "facts", "words"),
    [
        (
            {"crop": 0.1},
            VECTOR,
            "augment crop: samples are vector; expected images, or rows for mixup; pass --set augment.c",
        ),
        ({"flip": True}, TEXT, "augment flip: samples are text; expected images; pass --set augment.flip=false"),
        ({"mixup": 0.2}, TEXT, "augment mixup: samples are text"),
        ({"saturation": 0.2}, IMAGE, "augment: saturation=0.2 for 1 channel; expected colour images, of 3 channels"),
    ],
)
def test_what_the_data_cannot_take_is_refused(options: dict[str, Any], facts: Facts, words: str) -> None:
    with pytest.raises(FitError) as caught:
        arrange(Augmentation(**options), facts)
    assert words in str(caught.value)


def test_rows_and_values_can_be_mixed() -> None:
    altered = arrange(Augmentation(mixup=0.2), VALUE)
    assert altered is not None
    rows, values = altered(np.ones((4, 5), np.float32), np.arange(4, dtype=np.float32), Random(0))
    assert rows.shape == (4, 5)
    assert values.shape == (4,)


@pytest.mark.parametrize(
    ("name", "value"),
    [("crop", 0.6), ("crop", -0.1), ("cutout", 1.1), ("brightness", 1.5), ("contrast", -1), ("mixup", -0.1)],
)
def test_options_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(OptionError, match=rf"augment: {name}={value}; expected .*; pass --set augment.{name}="):
        Augmentation(**{name: value}).check()
