"""The public names, and that the package costs nothing until it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import gluon_ref


def test_public_names_are_sorted_and_there() -> None:
    assert gluon_ref.__all__ == sorted(gluon_ref.__all__)
    assert all(callable(getattr(gluon_ref, name)) for name in gluon_ref.__all__)
    assert set(gluon_ref.__all__) <= set(dir(gluon_ref))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        gluon_ref.trian  # noqa: B018


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, gluon_ref, gluon_ref_cli.main; print(sorted({'mxnet', 'numpy', 'sklearn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
