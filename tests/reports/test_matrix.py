"""Confusion matrices of two labels, of a hundred, and of more than are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from gluon_ref.reports import matrix

from .test_page import Reader

CONFUSION = np.array([[3, 1, 0], [0, 0, 0], [2, 0, 5]])
LABELS = ("a", "<b>", "悪い")


def test_shares_are_of_the_row_and_a_label_without_samples_has_none() -> None:
    assert matrix.shares(CONFUSION).tolist() == [
        [0.75, 0.25, 0],
        [0, 0, 0],
        [pytest.approx(2 / 7), 0, pytest.approx(5 / 7)],
    ]


def test_the_smallest_share_is_seen_and_nothing_is_not() -> None:
    strong = matrix.strength(np.array([0.0, 1e-6, 1.0]))
    assert strong[0] == 0 and strong[1] >= matrix.FAINTEST and strong[2] == 1


def test_the_most_frequent_mistakes_come_first() -> None:
    assert matrix.pairs(CONFUSION) == [(2, 0, 2), (0, 1, 1)]
    assert matrix.pairs(np.diag([4, 5])) == []


def test_cells_hold_counts_and_shares() -> None:
    found = Reader.of(matrix.render(CONFUSION, LABELS, "caption"))
    cells = [text for tag, text in found.texts if tag in ("td", "small")]
    assert cells[:7] == ["3", "0.75", "1", "0.25", "0", "0", "0"]
    assert "悪い" in found.text and "<b>" in found.text
    assert "b" not in found.tags


@pytest.mark.parametrize("count", [2, 20, 21, 45, 46, 100])
def test_every_label_and_every_count_can_be_read(count: int) -> None:
    random = np.random.RandomState(0)
    confusion = random.randint(0, 3, (count, count))
    labels = tuple(f"label-{at}" for at in range(count))
    found = Reader.of(matrix.render(confusion, labels, "caption"))
    assert all(found.text.count(label) >= 3 for label in labels)  # row, column, and its own figures
    told = found.text.count("true label-") if count > matrix.TABULAR else found.tags.count("small")
    assert told == np.count_nonzero(confusion)


def test_of_more_labels_those_with_the_most_mistakes_are_drawn() -> None:
    confusion = np.diag(np.full(150, 9))
    confusion[149, 148] = 5
    assert {148, 149} <= set(matrix.crowd(confusion).tolist())
    found = Reader.of(matrix.render(confusion, [f"<{at}>" for at in range(150)], "caption"))
    assert "the 100 of 150 labels that take part in the most mistakes" in found.text


def test_without_a_mistake_it_says_so() -> None:
    assert "No sample was given another label" in matrix.render(np.diag([4, 5]), ("a", "b"), "caption")


def test_a_label_that_never_occurs_has_no_recall() -> None:
    found = Reader.of(matrix.render(CONFUSION, LABELS, "caption"))
    rows = [text for tag, text in found.texts if tag == "td"]
    assert rows[-10:-5] == ["0", "1", "-", "0.000", "0.000"]
