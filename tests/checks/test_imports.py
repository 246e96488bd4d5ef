from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from gluon_ref import machine
from gluon_ref.checks import imports
from gluon_ref.checks.children import Ended
from gluon_ref.checks.shadows import Shadow

from .conftest import Answer, bad, failed, named

Patch = pytest.MonkeyPatch
GONE = "cannot open shared object file: No such file or directory"
SHADOW = Shadow("mxnet", Path("mine/mxnet"), "unset PYTHONPATH", True)


@pytest.fixture(autouse=True)
def well(monkeypatch: Patch) -> None:
    """A machine that lacks nothing, used by root, with these versions."""
    monkeypatch.setattr(machine, "missing", list)
    monkeypatch.setattr("gluon_ref.checks.findings.os.geteuid", lambda: 0)
    monkeypatch.setattr(imports, "installed", lambda name: {"numpy": "1.26.4", "requests": "2"}.get(name))


def test_what_imports_is_well_and_told_with_its_place(answer: Answer) -> None:
    found = named(imports.check(answer(), [], 30))
    assert not bad(found.values())
    assert list(found) == ["numpy", "mxnet", "gluoncv", "gluonnlp"]
    assert found["mxnet"].found == "imports, from mxnet/__init__.py"


REINSTALL = "-m pip install --force-reinstall --no-deps "
CASES: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "mxnet",
        failed(f"libgomp.so.1: {GONE}", "OSError"),
        f"OSError: libgomp.so.1: {GONE} (lib.py, line 7)",
        "apt-get update && apt-get install -y libgomp1",
    ),
    (
        "gluoncv",
        failed(f"libGL.so.1: {GONE}"),
        f"ImportError: libGL.so.1: {GONE} (lib.py, line 7)",
        "apt-get update && apt-get install -y libgl1",
    ),
    (
        "mxnet",
        failed(f"libodd.so.3: {GONE}", "OSError"),
        f"OSError: libodd.so.3: {GONE} (lib.py, line 7)",
        "apt-get update && apt-get install -y apt-file && apt-file update && apt-file search libodd.so.3",
    ),
    (
        "gluoncv",
        failed("No module named 'portalocker'", "ModuleNotFoundError", "portalocker"),
        "ModuleNotFoundError: No module named 'portalocker' (lib.py, line 7)",
        "-m pip install portalocker",
    ),
    (
        "gluoncv",
        failed("No module named 'PIL.Image'", "ModuleNotFoundError", "PIL.Image"),
        "ModuleNotFoundError: No module named 'PIL.Image' (lib.py, line 7)",
        "-m pip install 'pillow>=10'",
    ),
    (
        "mxnet",
        failed("No module named 'distutils'", "ModuleNotFoundError", "distutils"),
        "ModuleNotFoundError: No module named 'distutils' (lib.py, line 7)",
        "-m pip install 'setuptools<81,>=65'",
    ),
    (
        "gluonnlp",
        failed("No module named 'requests.api'", "ModuleNotFoundError", "requests.api"),
        "ModuleNotFoundError: No module named 'requests.api' (lib.py, line 7)",
        REINSTALL + "requests",
    ),
    (
        "mxnet",
        failed("Cannot find the MXNet library.", "RuntimeError"),
        "RuntimeError: Cannot find the MXNet library. (lib.py, line 7)",
        REINSTALL + "mxnet==1.9.1",
    ),
]


@pytest.mark.parametrize(("name", "error", "told", "command"), CASES)
def test_an_error_is_told_with_what_mends_it(answer: Answer, name: str, error: Any, told: str, command: str) -> None:
    (one,) = bad(imports.check(answer(name, **{"import": error}), [], 30))
    assert (one.name, one.state, one.found) == (name, "problem", f"does not import: {told}")
    assert one.command.endswith(command)
    assert one.why.startswith(
        "nothing can be trained" if name == "mxnet" else f"what is built on {name} cannot be used"
    )


def test_gluoncv_is_said_to_hide_its_error(answer: Answer) -> None:
    (one,) = bad(imports.check(answer("gluoncv", **{"import": failed("gone")}), [], 30))
    assert one.why.endswith("gluoncv itself may hide this error behind one about mxnet and torch")


def test_the_same_error_is_told_as_the_same_with_one_command(answer: Answer) -> None:
    error = failed("Cannot find the MXNet library.", "RuntimeError")
    ended = answer("mxnet", **{"import": error}) | {"gluoncv": answer("gluoncv", **{"import": error})["gluoncv"]}
    first, second = bad(imports.check(ended, [], 30))
    assert second.found == "does not import: RuntimeError: Cannot find the MXNet library.; the same as mxnet"
    assert first.command == second.command


HUNG = (
    'Timeout!\nThread 0x1 (most recent call first):\n  File "mxnet/kvstore.py", line 9 in wait\n  File "a", line 1 in b'
)
DEATHS = [
    (None, HUNG, "it had not finished after 30 s and was ended; it waited in wait (mxnet/kvstore.py, line 9)"),
    (None, "", "it had not finished after 30 s and was ended"),
    (-signal.SIGILL, "", "its process was ended by SIGILL"),
    (-signal.SIGKILL, "", "its process was ended by SIGKILL"),
    (-99, "", "its process was ended by signal 99"),
    (3, "first\nlast\n", "its process left with status 3: last"),
    (3, "", "its process left with status 3: without a message"),
]


@pytest.mark.parametrize(("status", "errors", "told"), DEATHS)
def test_a_process_that_died_or_hung_is_told(answer: Answer, status: int | None, errors: str, told: str) -> None:
    (one,) = bad(imports.check(answer("gluonnlp", status, errors, **{"import": None}), [], 30))
    assert one.found == f"does not import: {told}"
    assert one.command.endswith(REINSTALL + "gluonnlp==0.10.0")


def test_a_file_in_the_way_is_mended_before_all_else(answer: Answer) -> None:
    ended = answer("mxnet", **{"import": failed(f"libgomp.so.1: {GONE}", "OSError")})
    assert bad(imports.check(ended, [SHADOW], 30))[0].command == "unset PYTHONPATH"
    ended = answer("mxnet", None, **{"import": None})
    assert bad(imports.check(ended, [SHADOW], 30))[0].command == "unset PYTHONPATH"
    only_here = Shadow("mxnet", Path("mxnet.py"), "mv mxnet.py my_mxnet.py", False)
    assert bad(imports.check(ended, [only_here], 30))[0].command.endswith(REINSTALL + "mxnet==1.9.1")


def test_a_numpy_that_does_not_import_is_told_first(answer: Answer) -> None:
    error = failed("No module named 'numpy.core._multiarray_umath'")
    first, second = bad(imports.check(answer("mxnet", numpy=error, **{"import": error}), [], 30))
    assert (first.name, second.name) == ("numpy", "mxnet")
    assert first.found == "does not import: ImportError: No module named 'numpy.core._multiarray_umath'"
    assert first.command.endswith(REINSTALL + "'numpy<2,>=1.26.4'")
    assert second.command == first.command


@pytest.mark.parametrize(("version", "state"), [("2.1.0", "problem"), ("1.26.0", "warning")])
def test_another_numpy_than_the_installed_one_is_told(answer: Answer, version: str, state: str) -> None:
    (one,) = bad(imports.check(answer("mxnet", numpy={"version": version, "file": "mine/numpy.py"}), [], 30))
    assert (one.name, one.state) == ("numpy", state)
    assert one.found == f"{version} from mine/numpy.py is imported, not the installed 1.26.4"
    assert one.command.endswith("-m pip install 'numpy<2,>=1.26.4'")


def test_numpy_2_is_why_mxnet_does_not_import(answer: Answer, monkeypatch: Patch) -> None:
    monkeypatch.setattr(imports, "installed", lambda name: "2.1.0")
    refused = failed("numpy 2.1.0 is installed", "")
    ended = answer("mxnet", numpy={"version": "2.1.0", "file": "f"}, **{"import": refused})
    (one,) = bad(imports.check(ended, [], 30))
    assert one.found == "does not import: numpy 2.1.0 is installed (lib.py, line 7)"
    assert one.command.endswith("-m pip install 'numpy<2,>=1.26.4'")


def test_all_libraries_that_are_here_are_one_line(answer: Answer) -> None:
    (one,) = imports.libraries(answer())
    assert (one.state, one.found) == ("ok", "all that libmxnet.so links and opencv needs are here")


LACKING = {"path": "mxnet/libmxnet.so", "linked": []}


def test_each_library_of_the_system_that_is_missing_is_told(answer: Answer) -> None:
    stage = {**LACKING, "missing": ["libgomp.so.1", "libodd.so.3"]}
    found = named(imports.libraries(answer(libraries=stage, **{"import": failed("x")})))
    assert found["libgomp.so.1"].state == "problem"
    assert found["libgomp.so.1"].why == "mxnet/libmxnet.so links it: mxnet does not import"
    assert found["libgomp.so.1"].command == "apt-get update && apt-get install -y libgomp1"
    assert found["libodd.so.3"].command.endswith("apt-file search libodd.so.3")


def test_the_libraries_of_cuda_are_told_together(answer: Answer) -> None:
    stage = {**LACKING, "missing": ["libcudnn.so.8", "libnvToolsExt.so.1"]}
    (one,) = imports.libraries(answer(libraries=stage))
    assert (one.name, one.found) == ("CUDA", "missing: libcudnn.so.8, libnvToolsExt.so.1")
    assert " -m pip install 'nvidia-cudnn-cu11<9' nvidia-nvtx-cu11 && export LD_LIBRARY_PATH=" in one.command


def test_without_nvidias_driver_the_wheel_for_cpus_is_the_way(answer: Answer) -> None:
    stage = {**LACKING, "missing": ["libcudnn.so.8", "libcuda.so.1"]}
    found = named(imports.libraries(answer(libraries=stage)))
    assert found["libcuda.so.1"].why.endswith("NVIDIA's driver carries it (in a container: docker run --gpus all)")
    assert " -m pip uninstall -y mxnet mxnet-cu117 " in found["libcuda.so.1"].command
    assert found["libcuda.so.1"].command.endswith(" -m pip install --no-deps mxnet==1.9.1")


@pytest.mark.parametrize(
    ("stage", "told"),
    [
        ({**LACKING, "missing": [], "absent": True}, "mxnet/libmxnet.so is missing"),
        (failed("the file is cut off", "ValueError"), "the file is cut off"),
    ],
)
def test_a_libmxnet_that_is_gone_or_cut_off_is_told(answer: Answer, stage: dict[str, Any], told: str) -> None:
    (one,) = imports.libraries(answer(libraries=stage))
    assert (one.name, one.state, one.found) == ("libmxnet.so", "problem", told)
    assert one.command.endswith(REINSTALL + "mxnet==1.9.1")


def test_a_library_that_only_opencv_needs_is_a_problem_where_something_does_not_import(
    answer: Answer, monkeypatch: Patch
) -> None:
    lacks = [("libGL.so.1", "needed by opencv-python", "apt-get install libgl1")]
    monkeypatch.setattr(machine, "missing", lambda: lacks)
    (one,) = imports.libraries(answer())
    assert (one.state, one.command) == ("warning", "apt-get update && apt-get install -y libgl1")
    (one,) = imports.libraries(answer("gluoncv", **{"import": failed("x")}))
    assert one.state == "problem"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("apt-get install gcc libc6-dev", "apt-get update && apt-get install -y gcc libc6-dev"),
        ("use an x86-64 machine", "use an x86-64 machine"),
    ],
)
def test_what_only_installing_needs_is_a_warning(answer: Answer, monkeypatch: Patch, command: str, told: str) -> None:
    monkeypatch.setattr(machine, "missing", lambda: [("a C compiler", "gluonnlp is compiled", command)])
    (one,) = imports.libraries(answer())
    assert (one.name, one.state, one.command) == ("a C compiler", "warning", told)
    assert one.why == "gluonnlp is compiled; what is installed goes on working"


def test_others_than_root_install_with_sudo(answer: Answer, monkeypatch: Patch) -> None:
    monkeypatch.setattr("gluon_ref.checks.findings.os.geteuid", lambda: 7)
    (one,) = imports.libraries(answer(libraries={**LACKING, "missing": ["libgomp.so.1"]}))
    assert one.command == "sudo apt-get update && sudo apt-get install -y libgomp1"


def test_lines_of_others_are_not_taken_for_stages() -> None:
    assert imports.stages(Ended('{"stage": "import"}\nsomething\n', "", 0)) == {}
