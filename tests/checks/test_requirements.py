from __future__ import annotations

import importlib.metadata

import pytest

from gluon_ref.checks import requirements
from gluon_ref.checks.requirements import Requirement, holds

Patch = pytest.MonkeyPatch
CASES = [
    ("1.26.4", ">=1.26.4,<2", True),
    ("2.0.0", ">=1.26.4,<2", False),
    ("1.26.3", "<2,>=1.26.4", False),
    ("1.9.1", "==1.9.1", True),
    ("1.9", "==1.9.0", True),
    ("1.9.1", "==1.9.*", True),
    ("1.19", "==1.1.*", False),
    ("0.10.5.post0", "==0.10.5.post0", True),
    ("0.10.5", "==0.10.5.post0", False),
    ("4.11.0.86", "<4.12", True),
    ("4.12.0.88", "<4.12", False),
    ("1.10", ">1.9", True),
    ("1.9", ">1.9", False),
    ("1.9", "!=1.9", False),
    ("2.3", "~=2.1", True),
    ("3.0", "~=2.1", False),
    ("anything", "", True),
    ("1.0", "<=1.0", True),
]


@pytest.fixture(params=["packaging", "alone"])
def either(request: pytest.FixtureRequest, monkeypatch: Patch) -> None:
    """With the library `packaging` and without it."""
    if request.param == "alone":
        monkeypatch.setattr(requirements, "_packaging", lambda: None)
    else:
        assert requirements._packaging()


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize(("version", "bound", "within"), CASES)
def test_a_version_is_within_a_bound_or_not(version: str, bound: str, within: bool) -> None:
    assert holds(version, bound) is within


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize(("version", "bound"), [("1.0", "about 2"), ("", ">=1")])
def test_what_cannot_be_read_is_not_within(version: str, bound: str) -> None:
    assert holds(version, bound) is False


@pytest.mark.usefixtures("either")
def test_requirements_are_read_with_their_markers(monkeypatch: Patch) -> None:
    lines = [
        "mxnet ==1.9.1",
        "NumPy (<2,>=1.26.4)",
        "tomli_w[all] >=1",
        'tomli >=2; python_version < "3.0"',
        'onnx <1.19; extra == "onnx"',
        'pytest >=8; extra == "test"',
        "!!",
    ]
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: lines)
    assert requirements.required() == {
        "mxnet": Requirement("mxnet", "==1.9.1", True),
        "numpy": Requirement("numpy", "<2,>=1.26.4", True),
        "tomli-w": Requirement("tomli-w", ">=1", True),
        "onnx": Requirement("onnx", "<1.19", False),
    }
    assert requirements.requirement("numpy").text == "numpy<2,>=1.26.4"
    assert requirements.requirement("scipy").text == "scipy"


def test_without_metadata_the_known_bounds_hold(monkeypatch: Patch) -> None:
    def absent(name: str) -> list[str]:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", absent)
    assert requirements.required() == {}
    assert requirements.requirement("onnx").text == "onnx<1.19"


def test_what_is_not_installed_has_no_version() -> None:
    assert requirements.installed("no-such-package-anywhere") is None
    assert requirements.carrier("no-such-package-anywhere") == "no-such-package-anywhere"
