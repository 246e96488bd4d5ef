"""The page: well-formed, whole in itself, and no place for what strangers write."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref.recipe import Recipe
from gluon_ref.records import Facts
from gluon_ref.reports import page
from gluon_ref.reports.charts import ON_DARK, PALETTE
from gluon_ref.reports.examining import Calibration, Findings, Mistake, Values
from gluon_ref.reports.exhibits import Exhibit
from gluon_ref.reports.history import History, Points
from gluon_ref.reports.reviewing import Review

VOID = {"meta", "img", "br", "hr", "input", "link"}
HOSTILE = (
    """</style></title><script src="http://example.invalid/x.js">alert('1')</script>"><img src=x onerror=alert(2)>"""
)


class Reader(HTMLParser):
    """Reads a page strictly: each element is closed where it was opened, each attribute given once."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[tuple[str, str]] = []

    @classmethod
    def of(cls, text: str) -> Reader:
        reader = cls()
        reader.feed(text)
        reader.close()
        assert reader.open == []
        return reader

    @property
    def text(self) -> str:
        return " ".join(text for _, text in self.texts) + " ".join(
            value for _, name, value in self.attributes if name in ("title", "alt", "aria-label")
        )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"{tag} {names}"
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", data))


def check(text: str) -> Reader:
    """Refuse a page that is not well-formed, or that asks for anything outside itself."""
    found = Reader.of(text)
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & set(found.tags)
    for tag, name, value in found.attributes:
        assert not name.startswith("on"), f"{tag} {name}"
        if name in ("src", "href", "xlink:href", "action", "srcset", "data", "poster"):
            assert value.startswith(("data:image/png;base64,", "#")), f"{tag} {name}={value}"
    (style,) = re.findall(r"<style>(.*?)</style>", text, flags=re.DOTALL)
    assert "url(" not in style and "@import" not in style
    anchors = {value for _, name, value in found.attributes if name == "id"}
    assert {value[1:] for _, name, value in found.attributes if name == "href"} <= anchors
    return found


def made(name: str = "run", word: str = "plain", **changes: Any) -> Review:
    """A review of a classifier of three labels, with `word` wherever a stranger's text may stand."""
    labels = (f"a {word}", f"b {word}", "悪い")
    sections = {
        "task": {"name": "classify"},
        "model": {"name": "mlp", "units": (3,)},
        "data": {"name": "table", "path": f"/somewhere/{word}"},
        "optimizer": {"name": "adam", "learning_rate": 0.5},
        "schedule": {"name": "constant"},
        "train": {"epochs": 2},
    }
    told = History(
        losses={"cross_entropy": Points({4: 2.0, 8: 1.0})},
        scores={"accuracy": Points({4: 0.5, 8: 0.75}), word: Points({4: 1.0})},
        others={"rate": Points({4: 0.1}), f"norm {word}": Points({4: 0.1, 8: 0.3})},
        ends={4: 1, 8: 2},
        time_s=61.0,
    )
    mistakes = (
        Mistake(3, None, labels[0], labels[1], False, 0.9, 0.05, 3.0),
        Mistake(5, None, labels[2], labels[2], True, 0.4, 0.4, 0.9),
    )
    bins = Calibration(np.array([0, 4, 0, 2]), np.array([0, 1.6, 0, 1.8]), np.array([0, 1, 0, 2]))
    findings = Findings(
        6, {"accuracy": 0.75, word: 1234.5}, np.array([[3, 1, 0], [0, 0, 0], [0, 0, 2]]), bins, None, mistakes
    )
    review = Review(
        name,
        Path("/runs") / name,
        Recipe(word, sections),
        Facts("text", "label", (-1,), labels=labels),
        told,
        {"python": "3.11", word: word},
        2,
        f"table:/somewhere/{word}",
        parameters=12345,
        best_epoch=2,
        watch=("accuracy", "max"),
        findings=findings,
        exhibits=(Exhibit(text=((f"text {word} ", True), ("<unk>", False))), Exhibit(text=(("漢字", True),))),
        notes=(f"note {word}",),
    )
    return replace(review, **changes)


def regression(word: str = "plain") -> Review:
    values = Values(np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.0, 3.0]))
    mistakes = (Mistake(2, None, "4", "3", False, None, None, 1.0),)
    return made(
        facts=Facts("vector", "value", (2,), columns=("x", f"y {word}"), column=f"price {word}"),
        findings=Findings(3, {"mean_squared_error": 0.4}, values=values, mistakes=mistakes),
        exhibits=(Exhibit(row=(("x", "5"), (f"y {word}", f"cell {word}"))),),
    )


def pictures(word: str = "plain") -> Review:
    png = b"\x89PNG\r\n\x1a\nnot looked at"
    return made(word=word, exhibits=(Exhibit(picture=png), Exhibit(picture=png)))


CASES = {
    "texts": made(),
    "values": regression(),
    "pictures": pictures(),
    "curves only": made(findings=None, exhibits=(), best_epoch=None, watch=("", ""), parameters=None),
    "no log": made(history=History()),
    "nothing for the eye": made(exhibits=(Exhibit(), Exhibit())),
}


@pytest.mark.parametrize("review", CASES.values(), ids=CASES)
def test_each_kind_of_run_gives_a_page_that_is_whole_in_itself(review: Review) -> None:
    found = check(page.render([review]))
    assert found.tags.count("h1") == 1 and "main" in found.tags


@pytest.mark.parametrize(
    "reviews",
    [
        [made(word=HOSTILE)],
        [regression(HOSTILE)],
        [pictures(HOSTILE)],
        [made("a", HOSTILE), made("b")],
        [made(HOSTILE)],
    ],
    ids=["texts", "values", "pictures", "two", "name"],
)
def test_what_strangers_write_stays_text(reviews: list[Review]) -> None:
    found = check(page.render(reviews))
    assert "alert('1')" in found.text
    assert ("img" in found.tags) == bool(reviews[0].exhibits[0].picture)


def test_the_browser_is_told_to_load_nothing() -> None:
    text = page.render([made()])
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in text
    assert text.index("Content-Security-Policy") < text.index("<title>")


def test_every_picture_has_words_and_every_table_heads() -> None:
    for text in (page.render([pictures()]), page.render([regression()]), page.render([made("a"), made("b")])):
        found = check(text)
        images = found.tags.count("img")
        assert sum(tag == "img" and name == "alt" and bool(value) for tag, name, value in found.attributes) == images
        drawn = [value for tag, name, value in found.attributes if (tag, name) == ("svg", "aria-label")]
        assert len(drawn) == found.tags.count("svg") and all(drawn)
        assert found.tags.count("th") == sum((tag, name) == ("th", "scope") for tag, name, _ in found.attributes)


def test_summary_figures_and_notes_are_told() -> None:
    text = check(page.render([made()])).text
    for expected in ("12,345", "1 min 01 s", "0.7500", "1,234.5", "note plain", "which these same held-out samples"):
        assert expected in text


def test_other_data_is_not_said_to_have_chosen_the_weights() -> None:
    assert "which these same held-out samples" not in page.render([made(elsewhere=True)])


def test_runs_stand_side_by_side_with_the_options_that_differ() -> None:
    other = made("b")
    sections = {**other.recipe.sections, "optimizer": {"name": "adam", "learning_rate": 0.25}}
    found = check(page.render([made("a"), replace(other, recipe=Recipe("b", sections))]))
    cells = [text for _, text in found.texts]
    at = cells.index("optimizer.learning_rate")
    assert cells[at : at + 3] == ["optimizer.learning_rate", "0.5", "0.25"]
    assert "model.units" not in cells
    assert found.text.count("Expected calibration error 0.1333") == 2


def test_runs_with_other_labels_or_other_data_are_told_apart() -> None:
    other = made("b", facts=Facts("text", "label", (-1,), labels=("x", "y", "z")))
    assert "the runs have different labels" in page.render([made("a"), other])
    assert "examined on different data" in page.render([made("a"), made("b", data="iris")])
    assert "different" not in page.render([made("a"), made("b")])


def test_unknown_tokens_are_marked() -> None:
    assert '<mark title="not in the vocabulary">&lt;unk&gt;</mark>' in page.render([made()])


def test_small_pictures_are_scaled_without_blur() -> None:
    text = page.render([pictures()])
    assert "image-rendering:pixelated" in text and "data:image/png;base64,iVBOR" in text


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("palette", "ground"), [(PALETTE, "#ffffff"), (ON_DARK, "#161615")], ids=["light", "dark"])
def test_lines_stand_out_from_the_ground(palette: tuple[str, ...], ground: str) -> None:
    """WCAG asks for a contrast of 3 of what must be seen to understand a picture."""
    for colour in palette:
        high, low = sorted((luminance(colour), luminance(ground)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 3, colour
