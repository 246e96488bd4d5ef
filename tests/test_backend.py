from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gluon_ref import backend

OTHERS = {
    "OMP_NUM_THREADS": "3",
    "OMP_WAIT_POLICY": "passive",
    "MXNET_SUBGRAPH_VERBOSE": "1",
    "MXNET_CPU_PARALLEL_SIZE": "9",
    "OPENBLAS_CORETYPE": "Nehalem",
}


def imported(*, path: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """A process that imports MXNet by the door, with these variables, and modules of `path` before all others."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DMLC_")} | variables
    if path:
        environ["PYTHONPATH"] = str(path)
    code = "from gluon_ref.backend import mx; print(mx.__version__)"
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=environ, capture_output=True, text=True, timeout=60
    )


def fake(folder: Path, name: str, text: str) -> Path:
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(text)
    return folder


def test_stray_variables_are_named_and_removed() -> None:
    environ = {"DMLC_ROLE": "server", "DMLC_PS_ROOT_PORT": "9", "DMLCX": "1", **OTHERS}
    first, second = backend.prepare(environ)
    assert first.startswith("backend: DMLC_PS_ROOT_PORT=9 is set; only distributed runs read it, so it is ignored here")
    assert second.endswith("`unset DMLC_ROLE` if it is left over")
    assert not [name for name in environ if name.startswith("DMLC_")]
    assert environ["DMLCX"] == "1"


def test_port_is_named_and_kept() -> None:
    environ = {"PORT": "8080"}
    (told,) = backend.prepare(environ)
    assert told.startswith("backend: PORT=8080 is set; ")
    assert environ["PORT"] == "8080"


def test_what_the_launcher_sets_is_meant() -> None:
    environ = {"DMLC_ROLE": "worker", "PORT": "8080", backend.LAUNCHED: "1"}
    assert backend.prepare(environ) == []
    assert environ["DMLC_ROLE"] == "worker"


def test_a_persons_own_settings_stay() -> None:
    environ = dict(OTHERS)
    assert backend.prepare(environ) == []
    assert {name: environ[name] for name in OTHERS} == OTHERS


def test_threads_are_as_many_as_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "processors", lambda: 5)
    environ: dict[str, str] = {}
    assert backend.prepare(environ) == []
    assert environ["OMP_NUM_THREADS"] == "5"
    assert int(environ["MXNET_CPU_PARALLEL_SIZE"]) > 10**9  # copies are made by one


@pytest.mark.parametrize("best", ["Haswell", ""])
def test_openblas_is_told_of_a_processor_whose_kernels_are_known(monkeypatch: pytest.MonkeyPatch, best: str) -> None:
    monkeypatch.setattr(backend, "kernels", lambda: best)
    environ: dict[str, str] = {}
    assert backend.prepare(environ) == []
    assert environ.get("OPENBLAS_CORETYPE", "") == best


def test_a_server_role_left_over_does_not_hang_the_import() -> None:
    answer = imported(DMLC_ROLE="server", DMLC_PS_ROOT_URI="127.0.0.1", DMLC_PS_ROOT_PORT="9", DMLC_NUM_WORKER="1")
    assert (answer.returncode, answer.stdout) == (0, "1.9.1\n")
    assert "warning: backend: DMLC_ROLE=server is set; " in answer.stderr


def test_the_import_says_nothing_where_nothing_is_stray() -> None:
    answer = imported()
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "1.9.1\n", "")


REFUSALS = [
    (
        "numpy",
        "__version__ = '2.1.3'",
        "numpy 2.1.3 is installed; expected numpy below 2, which mxnet 1.9.1 needs; pip",
    ),
    (
        "numpy",
        "raise ImportError('no such')",
        "numpy does not import (no such); expected numpy 1.x; pip install 'numpy<2'",
    ),
    (
        "mxnet",
        "raise OSError('libgomp.so.1')",
        "mxnet does not import (libgomp.so.1); expected mxnet 1.9.1 and the system",
    ),
    ("mxnet", "raise ImportError('no such')", "; run `gluonref doctor` to see what is missing"),
]


@pytest.mark.parametrize(("name", "text", "message"), REFUSALS)
def test_a_library_that_does_not_serve_is_named_with_what_mends_it(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    answer = imported(path=fake(tmp_path, name, text))
    assert answer.returncode == 1
    assert "MachineError: backend: " in answer.stderr
    assert message in answer.stderr


@pytest.mark.parametrize(("name", "kind"), backend.NUMPY_ALIASES.items())
def test_the_names_numpy_dropped_are_back(name: str, kind: type) -> None:
    assert vars(np)[name] is kind


def test_the_libraries_on_mxnet_come_through_the_door() -> None:
    assert backend.gluonnlp.__name__ == "gluonnlp"
    with pytest.raises(AttributeError, match="gluonts"):
        _ = backend.gluonts


def test_versions_name_everything_that_can_change_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    found = backend.versions()
    assert found["mxnet"] == "1.9.1"
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert {"gluon_ref", "gluoncv", "gluonnlp", "numpy", "scikit-learn", "babel"} < set(found)

    def absent(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", absent)
    assert backend.versions()["gluoncv"] == "not installed"
