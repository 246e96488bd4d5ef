"""Who is timed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gluon_ref.benches import entrants
from gluon_ref.errors import PathError, RequestError

from ..exports.files import classifier, write


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artefact of a model of anyone's."""
    from gluon_ref.exporting import export_files

    folder = tmp_path_factory.mktemp("stranger")
    files = write(classifier(), folder, data=(1, 3, 6, 7))
    return export_files(*files, {"data": (1, 3, 6, 7)}, "symbol", folder / "out").folder


def test_a_run_stands_for_its_ways_and_the_artefacts_in_it(run: Path) -> None:
    labels = [label for label, _, _ in entrants.entrants(run)]
    assert labels == ["imperative", "hybridized", "static", "bfloat16"]


def test_an_artefact_stands_for_itself(stranger: Path) -> None:
    assert list(entrants.entrants(stranger)) == [("symbol", str(stranger), "artefact")]


def test_a_folder_that_is_neither_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PathError, match=r"neither a run nor an artefact"):
        list(entrants.entrants(tmp_path))


def test_inputs_look_like_the_data(run: Path, stranger: Path) -> None:
    assert [one.shape for one in entrants.inputs(run, 5)] == [(5, 4)]
    assert [one.shape for one in entrants.inputs(stranger, 5)] == [(5, 3, 6, 7)]
    np.testing.assert_array_equal(entrants.inputs(run, 5)[0], entrants.inputs(run, 5)[0])


@pytest.mark.parametrize("way", ["imperative", "hybridized", "static"])
def test_every_way_answers_alike(run: Path, way: str) -> None:
    example = entrants.inputs(run, 5)
    answer = entrants.open_entrant(str(run), way, example)
    expected = entrants.open_entrant(str(run), "imperative", example)(*example)[0]
    np.testing.assert_allclose(answer(*example)[0], expected, rtol=1e-5, atol=1e-4)


def test_bfloat16_rounds_or_says_that_the_processor_cannot(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = entrants.inputs(run, 5)
    expected = entrants.open_entrant(str(run), "imperative", example)(*example)[0]
    monkeypatch.setattr(entrants, "fast", lambda: True)  # any processor computes it, if slowly
    given = entrants.open_entrant(str(run), "bfloat16", example)(*example)[0]
    assert 0 < np.abs(given - expected).max() < 0.05 * np.abs(expected).max()  # eight bits of mantissa
    monkeypatch.setattr(entrants, "fast", lambda: False)
    with pytest.raises(RequestError, match=r"a processor that multiplies it"):
        entrants.open_entrant(str(run), "bfloat16", example)
