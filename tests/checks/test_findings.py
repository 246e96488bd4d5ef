from __future__ import annotations

import sys

import pytest

from gluon_ref.checks import findings


def test_a_command_of_pip_is_of_the_python_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/my tools/python")
    assert findings.pip("install", "numpy<2", "click") == "'/my tools/python' -m pip install 'numpy<2' click"


@pytest.mark.parametrize(("maker", "state"), [(findings.warning, "warning"), (findings.problem, "problem")])
def test_each_maker_has_its_state(maker, state: str) -> None:
    assert maker("a", "b", "c", "d") == findings.Finding("a", state, "b", "c", "d")
    assert findings.fine("a", "b") == findings.Finding("a", "ok", "b")
