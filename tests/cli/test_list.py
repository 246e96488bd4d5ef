"""gluonref list: every name of the catalogue with a sentence."""

from __future__ import annotations

import pytest

from gluon_ref import catalog

from .children import alone
from .conftest import Call

KINDS = {"models": "models", "data": "data", "tasks": "tasks", "formats": "exporters", "recipes": "recipes"}


@pytest.mark.parametrize(("shown", "kind"), KINDS.items())
def test_every_name_of_a_kind_has_a_sentence(call: Call, shown: str, kind: str) -> None:
    result = call("list", shown)
    assert (result.exit_code, result.stderr) == (0, "")
    first, *lines = result.stdout.splitlines()
    assert first == shown
    assert [line.split()[0] for line in lines] == catalog.names(kind)
    assert all(len(line.split()) > 3 for line in lines)


def test_all_kinds_are_listed_without_one(call: Call) -> None:
    lines = call("list").stdout.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == list(KINDS)


def test_names_are_listed_without_importing_what_they_stand_for(call: Call) -> None:
    left = alone("list")
    assert not {"mxnet", "numpy", "sklearn"} & left.modules
    assert not [name for name in left.modules if name.startswith(("gluon_ref.models", "gluon_ref.data"))]
    assert left.stdout == call("list").stdout
