from __future__ import annotations

import importlib.metadata
import sys
from types import SimpleNamespace

import pytest

from gluon_ref.checks import packages, requirements

from .conftest import bad, named

Patch = pytest.MonkeyPatch
LINES = ["mxnet==1.9.1", "numpy<2,>=1.26.4", "opencv-python<4.12", 'onnxruntime>=1.20; extra == "onnx"']
HERE = {"gluon_ref": "0.1.0", "mxnet": "1.9.1", "numpy": "1.26.4", "opencv-python": "4.11.0.86"}


@pytest.fixture
def install(monkeypatch: Patch):
    """Let these versions be installed; None takes one away."""

    def install(**changes: str | None) -> None:
        there = {**HERE, **{name.replace("_", "-"): version for name, version in changes.items()}}
        there["gluon_ref"] = there.pop("gluon-ref", there["gluon_ref"])

        def version(name: str) -> str:
            if there.get(name) is None:
                raise importlib.metadata.PackageNotFoundError(name)
            return there[name]

        def requires(name: str) -> list[str]:
            version(name)
            return LINES

        monkeypatch.setattr(importlib.metadata, "version", version)
        monkeypatch.setattr(importlib.metadata, "requires", requires)

    return install


def test_what_is_within_its_bounds_is_well(install) -> None:
    install()
    found = named(packages.check())
    assert not bad(found.values())
    assert found["numpy"].found == "1.26.4 (<2,>=1.26.4)"
    assert set(found) == {"python", "gluon_ref", "mxnet", "numpy", "opencv-python"}  # none that is optional


CASES = [
    (
        "numpy",
        "2.1.0",
        "problem",
        "2.1.0; expected <2,>=1.26.4",
        "mxnet 1.9.1 is built against numpy 1",
        "numpy<2,>=1.26.4",
    ),
    ("numpy", "1.25.0", "problem", "1.25.0; expected <2,>=1.26.4", "numpy 1", "numpy<2,>=1.26.4"),
    ("numpy", None, "problem", "not installed; expected <2,>=1.26.4", "numpy 1", "numpy<2,>=1.26.4"),
    ("mxnet", None, "problem", "not installed; expected ==1.9.1", "it computes everything here", "mxnet==1.9.1"),
    ("mxnet", "1.8.0", "warning", "1.8.0; expected ==1.9.1", "it computes everything here", "mxnet==1.9.1"),
    ("opencv_python", "4.12.0.88", "warning", "4.12.0.88; expected <4.12", "it asks for numpy 2", "opencv-python<4.12"),
    ("onnx", "1.19.0", "warning", "1.19.0; expected <1.19", "onnx 1.19 removed onnx.mapping", "onnx<1.19"),
    ("onnxruntime", "1.19.0", "warning", "1.19.0; expected >=1.20", "within these bounds", "onnxruntime>=1.20"),
]


@pytest.mark.parametrize(("name", "version", "state", "told", "why", "text"), CASES)
def test_what_is_not_within_them_is_told_with_the_command(install, name, version, state, told, why, text) -> None:
    install(**{name: version})
    (one,) = bad(packages.check())
    assert (one.name, one.state, one.found) == (name.replace("_", "-"), state, told)
    assert why in one.why
    assert one.command.startswith(sys.executable)
    assert one.command.endswith(f" -m pip install {text if '<' not in text and '>' not in text else repr(text)}")


@pytest.mark.parametrize(("name", "there"), [("mxnet", "mxnet-cu117"), ("opencv_python", "opencv-python-headless")])
def test_a_stand_in_is_as_good(install, name: str, there: str) -> None:
    version = HERE[name.replace("_", "-")]
    install(**{name: None, there.replace("-", "_"): version})
    assert not bad(packages.check())
    assert requirements.carrier(name.replace("_", "-")) == there


def test_a_stand_in_of_another_version_is_replaced_by_itself(install) -> None:
    install(mxnet=None, mxnet_cu112="1.8.0")
    (one,) = bad(packages.check())
    assert (one.name, one.found) == ("mxnet", "1.8.0; expected ==1.9.1")
    assert one.command.endswith(" -m pip install mxnet-cu112==1.9.1")


@pytest.mark.parametrize("version", [(3, 9, 2), (3, 14, 0)])
def test_a_python_that_mxnet_was_not_seen_on_is_a_problem(install, monkeypatch: Patch, version) -> None:
    install()
    monkeypatch.setattr(packages, "sys", SimpleNamespace(version_info=version, executable="/usr/bin/python3"))
    (one,) = bad(packages.check())
    assert (one.name, one.state, one.found) == ("python", "problem", "{}.{}.{} at /usr/bin/python3".format(*version))
    assert one.why == "MXNet 1.9.1 is made to work on Python 3.10 to 3.13"
    assert one.command.startswith("python3.11 -m venv .venv && .venv/bin/pip install /")


def test_a_checkout_that_is_not_installed_is_told(install) -> None:
    install(gluon_ref=None)
    (one,) = bad(packages.check())
    assert (one.name, one.state) == ("gluon_ref", "warning")
    assert "but not installed" in one.found
    assert " -m pip install --editable /" in one.command


def test_versions_are_by_name_whether_installed_or_not(install) -> None:
    install(numpy=None, onnx="1.18.0")
    assert packages.versions() == {
        "python": ".".join(map(str, sys.version_info[:3])),
        **HERE,
        "numpy": "not installed",
        "onnx": "1.18.0",
    }


def test_the_bounds_are_those_of_the_installed_package() -> None:
    needs = requirements.required()
    assert needs["numpy"].bound.replace(" ", "") in ("<2,>=1.26.4", ">=1.26.4,<2")
    assert {"mxnet", "gluoncv", "gluonnlp", "scikit-learn", "babel", "pillow", "setuptools"} <= set(needs)
    assert "pytest" not in needs
