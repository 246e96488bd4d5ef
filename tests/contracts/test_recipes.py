"""What every recipe promises: it is complete when checked, and its header says what it reached and how."""

from __future__ import annotations

import re

import pytest

from gluon_ref import catalog
from gluon_ref import recipe as recipes


@pytest.mark.parametrize("name", catalog.names("recipes"))
def test_a_recipe_checks_and_survives_its_own_text(name: str) -> None:
    complete = recipes.read(name).check()
    assert complete.name == name
    assert recipes.parse(complete.text(), "other", "here").check() == complete


@pytest.mark.parametrize("name", catalog.names("recipes"))
def test_the_header_states_command_machine_and_figure(name: str) -> None:
    text = (catalog.PACKAGE / "recipes" / f"{name}.toml").read_text(encoding="utf-8")
    header = "\n".join(line for line in text.splitlines() if line.startswith("#"))
    assert f"gluonref train {name}" in header
    assert "Machine:" in header
    assert re.search(r"\d+\.\d+ (%|±)|R2|0\.\d+", header), "no figure"
