"""The public names, and that the package costs nothing until it is used."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import gluon_ref


def test_public_names_are_sorted_and_there() -> None:
    assert gluon_ref.__all__ == sorted(gluon_ref.__all__)
    assert all(callable(getattr(gluon_ref, name)) for name in gluon_ref.__all__)
    assert set(gluon_ref.__all__) <= set(dir(gluon_ref))


def test_the_readme_is_finished() -> None:
    text = (Path(gluon_ref.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert not re.search(r"^@\w+@$|TODO|FIXME", text, flags=re.MULTILINE)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        gluon_ref.trian  # noqa: B018


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, gluon_ref, gluon_ref_cli.main; print(sorted({'mxnet', 'numpy', 'sklearn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
