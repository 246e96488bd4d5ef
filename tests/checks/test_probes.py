"""What is tried in processes of their own: in this one where that is safe, else with libraries that stand in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref.checks import probes
from gluon_ref.checks.probes import MARK, START
from gluon_ref.errors import MachineError

Capture = pytest.CaptureFixture[str]
NUMPY = "__version__ = '1.26.4'"
MXNET = "__version__ = '1.9.1'"
# As gluoncv's own: any ImportError inside is replaced by one about mxnet and torch.
GLUONCV = """
__version__ = "0.11.0"
try:
    from .check import _require_mxnet_version
    _require_mxnet_version("1.4.0", "2.0.0")
    from . import data
    from . import model_zoo
except ImportError:
    {otherwise}
"""
HIDES = "raise ImportError('Unable to import modules due to missing `mxnet` & `torch`. ') from None"
CHECK = "def _require_mxnet_version(low, high): import mxnet"


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder.joinpath(*name.split("__")) / "__init__.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def probe(name: str, path: Path) -> dict[str, dict[str, Any]]:
    environ = {**os.environ, "PYTHONPATH": str(path)}
    command = probes.command(name)
    done = subprocess.run(command, env=environ, cwd=path, capture_output=True, text=True, timeout=120, check=True)
    lines = [json.loads(line[len(MARK) :]) for line in done.stdout.splitlines() if line.startswith(MARK)]
    return {line.pop("stage"): line for line in lines}


def test_the_error_that_gluoncv_hides_is_found(tmp_path: Path) -> None:
    parts = {"gluoncv__check": CHECK, "gluoncv__data": "", "gluoncv__model_zoo": "import portalocker_gone"}
    write(tmp_path, numpy=NUMPY, mxnet=MXNET, gluoncv=GLUONCV.format(otherwise=HIDES), **parts)
    found = probe("gluoncv", tmp_path)["import"]
    assert (found["kind"], found["error"]) == ("ModuleNotFoundError", "No module named 'portalocker_gone'")
    assert found["module"] == "portalocker_gone"
    assert found["place"].endswith("model_zoo/__init__.py, line 1")


def test_it_is_found_beside_torch_where_gluoncv_imports_without_its_parts(tmp_path: Path) -> None:
    parts = {"gluoncv__check": CHECK, "gluoncv__data": "import portalocker_gone", "gluoncv__model_zoo": ""}
    write(tmp_path, numpy=NUMPY, mxnet=MXNET, gluoncv=GLUONCV.format(otherwise="pass"), **parts)
    assert probe("gluoncv", tmp_path)["import"]["error"] == "No module named 'portalocker_gone'"


def test_a_real_gluoncv_without_pillow_says_so(tmp_path: Path) -> None:
    write(tmp_path, PIL="raise ModuleNotFoundError(\"No module named 'PIL'\", name='PIL')")
    found = probe("gluoncv", tmp_path)["import"]
    assert (found["error"], found["module"]) == ("No module named 'PIL'", "PIL")


def test_mxnets_own_error_is_found_below_the_doors(tmp_path: Path) -> None:
    write(tmp_path, numpy=NUMPY, mxnet="raise OSError('libgomp.so.1: cannot open shared object file')")
    found = probe("mxnet", tmp_path)
    assert found["numpy"]["version"] == "1.26.4"
    assert found["import"]["kind"] == "OSError"
    assert found["import"]["error"] == "libgomp.so.1: cannot open shared object file"
    assert found["import"]["place"].endswith("mxnet/__init__.py, line 1")
    assert found["libraries"] == {"missing": [], "path": str(tmp_path / "mxnet" / "libmxnet.so"), "absent": True}
    assert set(found) == {"numpy", "import", "libraries"}


def test_numpy_2_is_said_to_be_why(tmp_path: Path) -> None:
    write(tmp_path, numpy="__version__ = '2.1.0'")
    found = probe("mxnet", tmp_path)
    assert found["numpy"]["version"] == "2.1.0"
    assert (found["import"]["error"], found["import"]["kind"]) == ("numpy 2.1.0 is installed", "")


def test_a_module_that_prints_does_not_disturb(tmp_path: Path) -> None:
    write(tmp_path, numpy=NUMPY, mxnet="print('no line', end='')\nraise ImportError('gone')")
    assert probe("mxnet", tmp_path)["import"]["error"] == "gone"


def test_a_namesake_in_the_working_folder_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "numpy.py").write_text("raise ImportError('mine')")
    start = START.partition("; from gluon_ref")[0]
    code = f"{start}; import numpy; print(numpy.__version__)"
    done = subprocess.run(
        [sys.executable, "-c", code, "", "/nowhere"],
        cwd=tmp_path / "here",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == np.__version__


def test_a_step_by_mxnet_is_a_step_by_hand() -> None:
    assert probes._step()["difference"] < 1e-5  # float32; a wrong gradient differs by 0.01 and more


def test_another_step_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    by_hand = probes._by_hand
    monkeypatch.setattr(probes, "_by_hand", lambda *given: [1.01 * array for array in by_hand(*given)])
    assert probes._step()["difference"] > 1e-3


def test_the_step_by_hand_goes_down_the_slope() -> None:
    """Against the slope measured by a small change of each weight."""
    random = np.random.RandomState(3)
    inputs, labels = random.randn(7, 5), np.arange(7) % 3
    weights = [random.randn(*shape) for shape in ((4, 5), (4,), (3, 4), (3,))]
    loss, *stepped = probes._by_hand(inputs, labels, weights)
    for index, weight in enumerate(weights):
        for at in np.ndindex(weight.shape):
            changed = [one.copy() for one in weights]
            changed[index][at] += 1e-6
            slope = (probes._by_hand(inputs, labels, changed)[0] - loss) / 1e-6
            assert stepped[index][at] == pytest.approx(weight[at] - 0.5 * slope, abs=1e-4)


def test_the_build_says_what_it_has() -> None:
    found = probes._features()["features"]
    assert found["OPENMP"] is True
    assert found["DIST_KVSTORE"] is True


def test_what_mxnet_links_is_here() -> None:
    found = probes._libraries()
    assert found["missing"] == []
    assert "libgomp.so.1" in found["linked"]


def test_a_library_that_the_loader_does_not_find_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "needed", lambda path: ("libm.so.6", "libnowhere.so.9", "libopenblas.so.0"))
    assert probes._libraries()["missing"] == ["libnowhere.so.9"]


def test_without_mxnet_it_links_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes.importlib.util, "find_spec", lambda name: None)
    assert probes._libraries() == {"missing": []}


def test_a_stage_is_one_line_of_json_whatever_it_raises(capsys: Capture) -> None:
    def fail() -> dict[str, Any]:
        raise KeyError("a\nb")

    assert probes._attempt("good", lambda: {"count": 2}) is True
    assert probes._attempt("bad", fail) is False
    good, bad = (json.loads(line[len(MARK) :]) for line in capsys.readouterr().out.splitlines() if line)
    assert good == {"stage": "good", "count": 2}
    assert (bad["stage"], bad["kind"], bad["module"]) == ("bad", "KeyError", None)


TRACE = "Traceback (most recent call last):\n  File x\nMXNetError: no kernel image"
TEXTS = [
    (OSError("first\nsecond"), "first"),
    (RuntimeError(TRACE), "MXNetError: no kernel image"),
    (RuntimeError("at\nStack trace:\n[bt] 1\nlast"), "last"),
    (RuntimeError(), ""),
    (MachineError("backend", "numpy is old", "a new one", "install it"), "numpy is old"),
    (RuntimeError("x" * 900), "x" * 500),
]


@pytest.mark.parametrize(("error", "text"), TEXTS)
def test_an_error_is_told_in_one_line(error: Exception, text: str) -> None:
    assert probes._innermost(error)["error"] == text


def test_the_error_below_is_told_not_the_one_on_top() -> None:
    try:
        try:
            raise OSError("libgomp.so.1")
        except OSError as error:
            raise MachineError("backend", "mxnet does not import", "mxnet", "look") from error
    except MachineError as error:
        found = probes._innermost(error)
    assert (found["error"], found["kind"]) == ("libgomp.so.1", "OSError")
    assert "test_probes.py" in found["place"]


def test_a_gpu_is_asked_to_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    from gluon_ref.backend import mx

    assert probes._gpu() == {"count": 0}
    monkeypatch.setattr(mx.context, "num_gpus", lambda: 1)
    monkeypatch.setattr(mx, "gpu", lambda index: types.SimpleNamespace(device_typeid=2, device_id=index))
    assert probes._attempt("gpu", probes._gpu) is False  # this build has none
