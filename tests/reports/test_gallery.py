"""Mistakes as cards, as a list and as a table."""

from __future__ import annotations

import base64
from dataclasses import replace

import numpy as np

from gluon_ref.reports import gallery
from gluon_ref.reports.examining import Findings, Mistake
from gluon_ref.reports.exhibits import Exhibit

from .test_page import Reader

WRONG = Mistake(7, None, "cat", "dog", False, 0.9, 0.05, 3.0)
RIGHT = Mistake(2, None, "dog", "dog", True, 0.6, 0.6, 0.5)
FINDINGS = Findings(5, {}, np.array([[2, 1], [0, 2]]), mistakes=(WRONG, RIGHT))


def texts(findings: Findings, *exhibits: Exhibit) -> list[str]:
    return [text for _, text in Reader.of(gallery.render(findings, exhibits)).texts]


def test_a_picture_is_shown_with_both_labels_and_their_probabilities() -> None:
    html = gallery.render(FINDINGS, [Exhibit(picture=b"png"), Exhibit(picture=b"png")])
    assert f'src="data:image/png;base64,{base64.b64encode(b"png").decode()}"' in html
    assert 'alt="sample 7: true cat, predicted dog"' in html
    found = texts(FINDINGS, Exhibit(picture=b"png"), Exhibit(picture=b"png"))
    assert found == [
        "1 mistake among 5 samples; here are the 2 of highest loss, 1 of them answered right.",
        *("dog", " 0.90", "not ", "cat", " 0.05", "no. 7, loss 3.00"),
        *("dog", " 0.60 ", "no. 2, loss 0.50"),
    ]


def test_a_row_is_shown_by_its_columns() -> None:
    found = texts(FINDINGS, Exhibit(row=(("age", "5"),)), Exhibit(row=(("age", "6"), ("sex", "f"))))
    assert found[1:9] == ["no.", "true", "predicted", "probability", "of the true", "loss", "age", "sex"]
    assert found[9:] == [
        "7",
        "cat",
        "dog",
        "0.900",
        "0.050",
        "3.000",
        "5",
        *("2", "dog", "dog", "0.600", "0.600", "0.500", "6", "f"),
    ]


def test_without_mistakes_it_says_so() -> None:
    found = texts(replace(FINDINGS, confusion=np.diag([2, 3]), mistakes=(RIGHT,)), Exhibit(text=(("wow", True),)))
    assert found[0] == "No mistake among 5 samples; here are the 1 of highest loss, 1 of them answered right."


def test_values_are_shown_with_their_error() -> None:
    value = Mistake(1, None, "4", "3.5", False, None, None, 0.5)
    for exhibit, expected in (
        (Exhibit(row=(("x", "9"),)), ["no.", "true", "predicted", "error", "x", "1", "4", "3.5", "0.5", "9"]),
        (Exhibit(text=(("wow", True),)), ["wow", "true 4, predicted 3.5, error 0.5 ", "no. 1"]),
        (Exhibit(), ["no.", "true", "predicted", "error", "1", "4", "3.5", "0.5"]),
    ):
        found = texts(Findings(3, {}, mistakes=(value,)), exhibit)
        assert found == ["The 1 of 3 samples with the largest error.", *expected]


def test_nothing_is_shown_where_nothing_was_kept() -> None:
    assert gallery.render(Findings(3, {}), ()) == ""
