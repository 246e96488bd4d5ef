"""Samples of each input form as something to look at."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from gluon_ref.inputs import image, text, vector
from gluon_ref.records import Facts
from gluon_ref.reports import exhibits

from ..conftest import TEXT, VECTOR


@pytest.mark.parametrize("channel", [1, 3])
def test_an_image_is_a_png_of_its_own_pixels(channel: int) -> None:
    pixels = np.arange(channel * 8 * 9, dtype=np.uint8).reshape(channel, 8, 9)
    (found,) = exhibits.prepare([pixels], Facts("image", "label", (channel, 8, 9)), image)
    with Image.open(io.BytesIO(found.picture)) as opened:
        shown = np.asarray(opened)
    assert np.array_equal(shown if channel == 1 else shown.transpose(2, 0, 1), pixels[0] if channel == 1 else pixels)


def test_a_text_shows_what_the_network_does_not_know() -> None:
    found = exhibits.prepare([np.array([2, 1, 3, 3]), np.array([1])], TEXT, text)
    assert [one.text for one in found] == [(("a", True), ("<unk>", False), ("bb", True)), (("<unk>", False),)]


def test_words_are_parted_and_marks_of_the_border_left_out() -> None:
    facts = Facts("text", "label", (-1,), vocab=("<pad>", "<unk>", "two", "words"), split="word")
    assert exhibits.prepare([np.array([2, 3, 1])], facts, text)[0].text == (("two words ", True), ("<unk>", False))
    facts = Facts("text", "label", (-1,), vocab=("<pad>", "<unk>", "<s>", "</s>", "ü"), split="marked")
    assert exhibits.prepare([np.array([2, 4, 3])], facts, text)[0].text == (("ü", True),)


def test_a_long_text_is_cut() -> None:
    (found,) = exhibits.prepare([np.full(9999, 2)], TEXT, text)
    assert found.text == (("a" * (exhibits.LONGEST - 1) + "…", True),)


def test_a_row_has_its_columns_and_no_more_digits_than_float32_holds() -> None:
    (found,) = exhibits.prepare([np.array([5.1, 0, -1e9, 1 / 3, 7], dtype=np.float32)], VECTOR, vector)
    assert found.row == (("v", "5.1"), ("w", "0"), ("x", "-1e+09"), ("y", "0.333333"), ("z", "7"))


def test_of_a_form_for_other_senses_nothing_is_shown() -> None:
    form = SimpleNamespace(SUFFIX=".wav")
    assert exhibits.prepare([1, 2], TEXT, form) == (exhibits.Exhibit(), exhibits.Exhibit())  # type: ignore[arg-type]
