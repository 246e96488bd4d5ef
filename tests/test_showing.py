"""The catalogue in words, and samples as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from gluon_ref import catalog, optimizers, showing
from gluon_ref.errors import OptionError, PathError, UnknownNameError


def test_every_name_has_a_sentence() -> None:
    for kind, names in showing.overview().items():
        assert names, kind
        for name, sentence in names.items():
            assert len(sentence) > 10, f"{kind} {name}"


EVERYTHING = [
    *((singular, name) for singular, kind in showing.KINDS.items() for name in catalog.names(kind)),
    *(("optimizer", name) for name in optimizers.names()),
    *(("schedule", name) for name in ("constant", "step", "poly", "cosine")),
]


@pytest.mark.parametrize(("kind", "name"), EVERYTHING)
def test_every_name_can_be_shown(kind: str, name: str) -> None:
    found = showing.describe(kind, name)
    assert found["about"]
    for option in found.get("options", {}).values():
        assert option["type"]


def test_options_are_those_of_the_signature() -> None:
    options = showing.describe("model", "cnn")["options"]
    assert options["filters"] == {
        "type": "whole numbers separated by commas",
        "default": "32,64,128",
        "help": "filters of each block, 1 or more; each block halves height and width.",
    }


def test_unknown_kinds_and_names_are_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"show: unknown name 'modle'.*did you mean model"):
        showing.describe("modle", "cnn")
    with pytest.raises(UnknownNameError, match=r"schedule: unknown name 'cosin'.*did you mean cosine"):
        showing.describe("schedule", "cosin")


def test_samples_are_written_as_files_named_by_their_target(tmp_path: Path) -> None:
    files = showing.write_samples("digits", "", 3, tmp_path / "digits")
    assert [file.suffix for file in files] == [".png"] * 3
    assert [file.name[:5] for file in files] == ["0000-", "0001-", "0002-"]
    assert len(showing.write_samples("diabetes", "", 2, tmp_path / "diabetes")) == 2


def test_samples_are_not_written_over_anything(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(PathError, match=r"exists; expected a new or empty folder"):
        showing.write_samples("digits", "", 3, tmp_path)
    with pytest.raises(OptionError, match=r"show data: samples=0"):
        showing.write_samples("digits", "", 0, tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
