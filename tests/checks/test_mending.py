from __future__ import annotations

import importlib.metadata
from pathlib import PurePosixPath

import pytest

from gluon_ref.checks import mending

Patch = pytest.MonkeyPatch


def test_a_package_is_installed_anew_by_the_name_it_has_here(monkeypatch: Patch) -> None:
    monkeypatch.setattr(mending, "carrier", lambda name: "mxnet-cu117")
    assert mending.again("mxnet").endswith(" -m pip install --force-reinstall --no-deps mxnet-cu117==1.9.1")


def test_a_library_that_comes_with_mxnet_comes_back_with_it(monkeypatch: Patch) -> None:
    monkeypatch.setattr(importlib.metadata, "files", lambda name: [PurePosixPath("mxnet/libgfortran.so.3")])
    assert mending.shared({"libgfortran.so.3"}).endswith(" --no-deps mxnet==1.9.1")

    def absent(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "files", absent)
    assert mending.shared({"libgfortran.so.3"}).endswith("apt-file search libgfortran.so.3")


def test_one_wheel_is_taken_away_before_the_other_is_put() -> None:
    gone, put, found = mending.gpu_wheel().split(" && ")
    assert " -m pip uninstall -y mxnet mxnet-cu117 mxnet-cu112 " in gone
    assert " -m pip install --no-deps mxnet-cu117==1.9.1 nvidia-cublas-cu11 " in put
    assert found.startswith('export LD_LIBRARY_PATH="$(')


def test_without_pip_pip_comes_first(monkeypatch: Patch) -> None:
    monkeypatch.setattr("gluon_ref.checks.findings.PathFinder.find_spec", lambda name: None)
    first, second = mending.again("mxnet").split(" && ")
    assert first.endswith(" -m ensurepip")
    assert second.endswith(" mxnet==1.9.1")
