"""PNG files: of the promised size, with what they show, and without empty boxes for letters."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from matplotlib import font_manager
from PIL import Image

from gluon_ref.reports import drawing, matrix, plots
from gluon_ref.reports.charts import Chart, Series
from gluon_ref.reports.drawing import Pen
from gluon_ref.reports.examining import Mistake
from gluon_ref.reports.exhibits import Exhibit

HIT, MISS = (0, 114, 178), (213, 94, 0)
NOBODYS = "\U0010fffd"  # of the private use area: in no font


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB")).astype(int)


def near(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    """How many pixels have about that colour."""
    return int((np.abs(picture - np.array(colour)).max(axis=2) < 12).sum())


@pytest.mark.parametrize("form", ["line", "dashed", "faint", "dots", "ring", "bars"])
def test_each_form_is_drawn(tmp_path: Path, form: str) -> None:
    series = Series("name", np.array([1.0, 2.0, 3.0]), np.array([0.1, 5.0, 2.0]), form, width=0.9)  # type: ignore[arg-type]
    blank = Series("", np.array([1.0, 3.0]), np.array([-9.0, -9.0]))
    for name, shown in (("full", (series,)), ("empty", (blank,))):
        drawing.draw_charts(Pen(), [Chart("title", "x", shown, y_range=(0, 6))], tmp_path / f"{name}.png")
    assert np.abs(pixels(tmp_path / "full.png")).sum() < np.abs(pixels(tmp_path / "empty.png")).sum()


def test_charts_stand_in_rows(tmp_path: Path) -> None:
    chart = Chart("title", "epoch", (Series("", np.array([1.0]), np.array([2.0])),))
    sizes = []
    for count in (1, 3, 4):
        drawing.draw_charts(Pen(), [chart] * count, tmp_path / "charts.png")
        sizes.append(pixels(tmp_path / "charts.png").shape[:2])
    (one, _), (three, wide), (four, _) = sizes
    assert abs(one - three) < 60 and four > 1.7 * three and wide > 1500


def test_logarithmic_axes_are_drawn(tmp_path: Path) -> None:
    chart = Chart("loss", "epoch", (Series("", np.arange(1.0, 5), 10.0 ** -np.arange(4)),), logarithmic=True)
    drawing.draw_charts(Pen(), [chart], tmp_path / "charts.png")
    assert near(pixels(tmp_path / "charts.png"), HIT) > 100


@pytest.mark.parametrize("count", [2, 21, 101])
def test_a_confusion_matrix_shows_hits_and_mistakes_in_two_colours(tmp_path: Path, count: int) -> None:
    confusion = np.diag(np.full(count, 7))
    confusion[0] = 0
    confusion[0, 1] = 7
    labels = [f"label {at}" for at in range(count)]
    drawing.draw_confusions(Pen(), [("run", confusion, labels)], tmp_path / "confusion.png")
    picture = pixels(tmp_path / "confusion.png")
    shown = len(matrix.crowd(confusion))
    assert near(picture, HIT) > 0.5 * (shown - 1) * near(picture, MISS)
    assert near(picture, MISS) > 100


def test_pictures_keep_their_pixels(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.array([[[255, 0, 0], [0, 255, 0]]], dtype=np.uint8)).save(buffer, "PNG")
    mistake = Mistake(1, None, "a", "b", False, 0.9, 0.1, 2.3)
    drawing.draw_mistakes(Pen(), [("run", [mistake], [Exhibit(picture=buffer.getvalue())])], tmp_path / "m.png")
    picture = pixels(tmp_path / "m.png")
    assert near(picture, (255, 0, 0)) == pytest.approx(near(picture, (0, 255, 0)), rel=0.1)
    assert near(picture, (255, 0, 0)) > 1000


def test_texts_and_rows_are_lines(tmp_path: Path) -> None:
    mistake = Mistake(1, None, "4", "3", False, None, None, 1.0)
    for exhibit in (Exhibit(text=(("a text", True),)), Exhibit(row=(("x", "1"),)), Exhibit()):
        drawing.draw_mistakes(Pen(), [("one", [mistake] * 20, [exhibit] * 20)] * 2, tmp_path / "m.png")
        assert pixels(tmp_path / "m.png").shape[0] > 800


def test_mathematics_in_a_label_is_drawn_as_it_is_written(tmp_path: Path) -> None:
    chart = Chart("$\\frac{", "$x^", (Series("_$y$", np.array([1.0, 2.0]), np.array([2.0, 3.0])),))
    drawing.draw_charts(Pen(), [chart], tmp_path / "charts.png")
    drawing.draw_confusions(Pen(), [("$\\a$", np.eye(2, dtype=int), ("$\\b$", "$"))], tmp_path / "confusion.png")


def test_letters_that_no_font_has_are_replaced_and_told() -> None:
    pen = Pen([NOBODYS])
    assert pen.text(f"a{NOBODYS}", "label 3") == "label 3"
    assert pen.labels(["good", NOBODYS]) == ["good", "label 1"]
    assert pen.missing == {f"a{NOBODYS}", NOBODYS}


def test_line_ends_and_tabs_are_spaces() -> None:
    pen = Pen()
    assert pen.text("a\n\tb", "?") == "a b"
    assert pen.missing == set()


def test_a_font_of_this_machine_is_taken_for_letters_that_matplotlibs_own_lacks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = font_manager.findfont("DejaVu Sans")
    wider = font_manager.findfont("STIXGeneral")  # comes with matplotlib, and has letters of its own
    letter = chr(min(drawing._letters(wider) - drawing._letters(own) - set(range(0xE000, 0xF900))))
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [own, wider])
    assert Pen([letter]).text(letter, "?") == letter
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [own])
    assert Pen([letter]).text(letter, "?") == "?"


def test_a_file_that_is_no_font_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.ttf").write_bytes(b"not a font")
    monkeypatch.setattr(
        font_manager, "findSystemFonts", lambda: [str(tmp_path / "broken.ttf"), str(tmp_path / "no.ttf")]
    )
    assert Pen([NOBODYS]).text(NOBODYS, "?") == "?"


def test_the_same_report_is_the_same_file(tmp_path: Path) -> None:
    bins = plots.reliability(plots.Calibration(np.array([3, 4]), np.array([0.9, 3.2]), np.array([1, 3])))
    for name in ("one", "two"):
        drawing.draw_charts(Pen(), bins, tmp_path / f"{name}.png", 2)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
