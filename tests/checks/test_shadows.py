from __future__ import annotations

import os
from pathlib import Path

import pytest

import gluon_ref
from gluon_ref.checks import shadows

Patch = pytest.MonkeyPatch


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: Patch) -> Path:
    """The working folder, empty."""
    folder = tmp_path / "my work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_folders_without_namesakes_are_well(here: Path) -> None:
    (here / "train.py").touch()
    (here / "numpy").mkdir()  # without __init__.py it gives way to the package
    (here / "test.py").touch()
    (one,) = shadows.check(shadows.shadows({}))
    assert (one.state, one.found) == ("ok", "no file here or on PYTHONPATH hides a package")


@pytest.mark.parametrize("name", ["mxnet", "numpy", "gluoncv", "sklearn", "PIL", "cv2", "queue", "gluon_ref"])
@pytest.mark.parametrize("form", ["{}.py", "{}/__init__.py", "{}.so"])
def test_a_namesake_here_is_told_with_the_command_that_moves_it(here: Path, name: str, form: str) -> None:
    path = here / form.format(name)
    path.parent.mkdir(exist_ok=True)
    path.touch()
    (one,) = shadows.check(shadows.shadows({}))
    assert (one.name, one.state) == (f"shadow {name}", "warning")
    assert "`python -m` and `python -c` started here, as export does to verify" in one.why
    assert os.system(one.command) == 0
    assert not shadows.shadows({})


def test_a_namesake_on_pythonpath_hides_it_from_every_command(tmp_path: Path) -> None:
    (tmp_path / "lib" / "mxnet").mkdir(parents=True)
    (tmp_path / "lib" / "mxnet" / "__init__.py").touch()
    found = shadows.shadows({"PYTHONPATH": os.pathsep.join([str(tmp_path / "none"), str(tmp_path / "lib")])})
    assert [(one.module, one.path, one.always) for one in found] == [("mxnet", tmp_path / "lib" / "mxnet", True)]
    (one,) = shadows.check(found)
    assert (one.command, one.why) == (
        "unset PYTHONPATH",
        "it is imported instead of the package or module of that name",
    )


def test_the_working_folder_on_pythonpath_is_told_once(here: Path) -> None:
    (here / "numpy.py").touch()
    (one,) = shadows.shadows({"PYTHONPATH": "."})
    assert one.always


def test_where_pip_installs_to_nothing_is_a_namesake(here: Path) -> None:
    (here / "numpy.py").touch()
    (here / "numpy-1.26.4.dist-info").mkdir()
    assert not shadows.shadows({})


def test_our_own_checkout_is_no_namesake(monkeypatch: Patch) -> None:
    monkeypatch.chdir(Path(gluon_ref.__file__).parents[1])
    assert not shadows.shadows({})


def test_a_working_folder_that_is_gone_hides_nothing(here: Path) -> None:
    here.rmdir()
    assert not shadows.shadows({})
