from __future__ import annotations

import ast
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TextIO

import pytest

from gluon_ref import machine

SOURCE = Path(machine.__file__)
Patch = pytest.MonkeyPatch


class Python:
    """What machine.py reads of `sys`, of another version."""

    executable, platform = "python", "linux"

    def __init__(self, *version: int) -> None:
        self.version_info = (*version, 1)

    @property
    def stderr(self) -> TextIO:
        return sys.stderr  # at the time of printing, when pytest captures it


@pytest.fixture(autouse=True)
def whole(monkeypatch: Patch, tmp_path: Path) -> None:
    """A machine that lacks nothing."""
    (tmp_path / "Python.h").touch()
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(machine, "sys", Python(3, 11))
    monkeypatch.setattr(machine, "glob", SimpleNamespace(glob=lambda pattern: []))
    monkeypatch.setattr(machine.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(machine.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(machine.ctypes, "CDLL", lambda name: None)
    monkeypatch.setattr(machine, "sysconfig", SimpleNamespace(get_paths=lambda: {"include": str(tmp_path)}))


def without(*names: str) -> Callable[[str], str | None]:
    return lambda name: None if name in names else name


def test_a_whole_machine_lacks_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert machine.missing() == []
    assert machine.main() == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("version", [(2, 7), (3, 9), (3, 14)])
def test_a_python_that_mxnet_was_not_seen_on_is_all_that_is_said(monkeypatch: Patch, version: tuple[int, int]) -> None:
    monkeypatch.setattr(machine, "sys", Python(*version))
    monkeypatch.setattr(machine.shutil, "which", without("cc", "gcc", "clang"))
    ((what, why, command),) = machine.missing()
    assert what == "Python {}.{} at python".format(*version)
    assert why == "MXNet 1.9.1 is made to work on Python 3.10 to 3.13"
    assert command.startswith("use Debian 12 or 13 or Ubuntu 22.04 or 24.04, whose python3 fits")


def test_another_processor_is_named(monkeypatch: Patch) -> None:
    monkeypatch.setattr(machine.platform, "machine", lambda: "aarch64")
    ((what, _, command),) = machine.missing()
    assert (what, command) == ("processor aarch64", "use an x86-64 machine or virtual machine")


def test_another_c_library_is_named(monkeypatch: Patch) -> None:
    monkeypatch.setattr(machine, "glob", SimpleNamespace(glob=lambda pattern: ["/lib/ld-musl-x86_64.so.1"]))
    ((what, _, command),) = machine.missing()
    assert (what, command) == ("the musl C library", "use Debian, Ubuntu or another system with glibc")


def test_a_missing_compiler_is_said_with_its_package(monkeypatch: Patch) -> None:
    monkeypatch.setattr(machine.shutil, "which", without("cc", "gcc", "clang"))
    ((what, _, command),) = machine.missing()
    assert (what, command) == ("a C compiler", "apt-get install gcc libc6-dev")


def test_the_compiler_a_person_chose_must_exist(monkeypatch: Patch) -> None:
    monkeypatch.setattr(machine.shutil, "which", without("icc"))
    monkeypatch.setenv("CC", "icc -O2")
    assert [what for what, _, _ in machine.missing()] == ["a C compiler"]
    monkeypatch.setenv("CC", "gcc -O2")
    assert machine.missing() == []


@pytest.mark.parametrize(("version", "named"), [((3, 12), []), ((3, 13), ["a C++ compiler"])])
def test_a_cpp_compiler_is_needed_where_numpy_is_compiled(
    monkeypatch: Patch, version: tuple[int, int], named: list[str]
) -> None:
    monkeypatch.setattr(machine, "sys", Python(*version))
    monkeypatch.setattr(machine.shutil, "which", without("c++", "g++", "clang++"))
    assert [what for what, _, _ in machine.missing()] == named


def test_missing_headers_are_said_with_the_package_of_this_python(monkeypatch: Patch, tmp_path: Path) -> None:
    (tmp_path / "Python.h").unlink()
    ((what, _, command),) = machine.missing()
    assert (what, command) == (f"Python's headers ({tmp_path / 'Python.h'})", "apt-get install python3.11-dev")


@pytest.mark.parametrize("name", ["ensurepip", "venv"])
def test_a_missing_venv_module_is_said_with_the_package_of_this_python(monkeypatch: Patch, name: str) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    ((what, _, command),) = machine.missing()
    assert (what, command) == ("Python's venv module", "apt-get install python3.11-venv")


@pytest.mark.parametrize(("library", "package", "user"), machine.LIBRARIES)
def test_a_missing_library_is_said_with_its_package(monkeypatch: Patch, library: str, package: str, user: str) -> None:
    def load(name: str) -> None:
        if name == library:
            raise OSError(name)

    monkeypatch.setattr(machine.ctypes, "CDLL", load)
    assert machine.missing() == [(library, f"needed by {user}", f"apt-get install {package}")]


def test_all_that_is_missing_is_printed_with_one_command_that_mends_it(
    monkeypatch: Patch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Python.h").unlink()
    monkeypatch.setattr(machine.shutil, "which", without("cc", "gcc", "clang"))
    assert machine.main() == 1
    told = capsys.readouterr().err
    assert (
        "missing: a C compiler\n    why: gluonnlp is compiled while it installs\n    do:  apt-get install gcc" in told
    )
    assert told.endswith("all at once, as root: apt-get update && apt-get install -y gcc libc6-dev python3.11-dev\n")


def test_a_command_that_is_more_than_an_install_is_not_joined(
    monkeypatch: Patch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine, "sys", Python(3, 9))
    assert machine.main() == 1
    assert "all at once" not in capsys.readouterr().err


CORES = {
    f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list": f"{cpu % 3},{cpu % 3 + 3}" for cpu in range(6)
}
V2 = "/sys/fs/cgroup/cpu.max"
QUOTA, PERIOD = "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ({}, 6),
        (CORES, 3),
        ({V2: "max 100000"}, 6),
        ({V2: "250000 100000"}, 2),
        ({V2: "50000 100000"}, 1),
        ({V2: "900000 100000"}, 6),
        ({V2: "250000"}, 6),
        ({V2: ""}, 6),
        ({**CORES, V2: "200000 100000"}, 2),
        ({QUOTA: "400000", PERIOD: "200000"}, 2),
        ({QUOTA: "500000"}, 5),
        ({QUOTA: "-1", PERIOD: "100000"}, 6),
        ({QUOTA: "words", PERIOD: "100000"}, 6),
    ],
)
def test_processors_are_the_cores_allowed_or_the_quota_if_smaller(
    monkeypatch: Patch, files: dict[str, str], count: int
) -> None:
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda process: set(range(6)), raising=False)
    monkeypatch.setattr(machine, "_read", files.get)
    assert machine.processors() == count


def test_a_system_without_affinity_counts_all_processors(monkeypatch: Patch) -> None:
    monkeypatch.delattr(machine.os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(machine, "_read", {}.get)
    monkeypatch.setattr(machine.os, "cpu_count", lambda: 5)
    assert machine.processors() == 5
    monkeypatch.setattr(machine.os, "cpu_count", lambda: None)
    assert machine.processors() == 1


def test_a_file_that_cannot_be_read_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "quota").write_text("max 5\n")
    assert machine._read(str(tmp_path / "quota")) == "max 5"
    assert machine._read(str(tmp_path / "none")) is None


NEW = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Nonlocal, ast.AsyncFunctionDef, ast.Await, ast.YieldFrom)


def test_the_file_is_written_for_any_python() -> None:
    text = SOURCE.read_bytes().decode("ascii")
    tree = ast.parse(text, feature_version=(3, 4))
    for node in ast.walk(tree):
        assert not isinstance(node, NEW), f"line {node.lineno}"
        if isinstance(node, ast.FunctionDef):
            named = node.args
            assert node.returns is None, f"line {node.lineno}"
            assert not named.kwonlyargs and not named.posonlyargs, f"line {node.lineno}"
            assert all(argument.annotation is None for argument in named.args), f"line {node.lineno}"
        if isinstance(node, ast.Raise):
            assert node.cause is None, f"line {node.lineno}"
        if isinstance(node, ast.ImportFrom):
            assert node.module == "__future__", f"line {node.lineno}"
    tops = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    assert tops <= {"ctypes", "glob", "os", "platform", "shutil", "sys", "sysconfig"}  # all of them in Python 2.7


def test_the_file_runs_alone() -> None:
    assert runpy.run_path(str(SOURCE))["processors"]() >= 1
    answer = subprocess.run([sys.executable, "-I", "-S", str(SOURCE)], capture_output=True, text=True, timeout=60)
    assert answer.returncode == (1 if answer.stderr else 0)
    assert "Traceback" not in answer.stderr


def test_without_its_standard_library_python_is_said_to_be_incomplete(monkeypatch: Patch) -> None:
    monkeypatch.setattr(machine, "ctypes", None)
    assert [what for what, _, _ in machine.missing()] == ["Python's standard library"]


def test_the_cores_are_told_by_their_siblings(monkeypatch: Patch) -> None:
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda process: {0, 1, 3, 4}, raising=False)
    monkeypatch.setattr(machine, "_read", CORES.get)
    assert machine.allowed() == [0, 1, 3, 4]
    assert machine.cores() == {"0,3", "1,4"}
    monkeypatch.setattr(machine, "_read", {}.get)
    assert machine.cores() == {0, 1, 3, 4}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("processor : 0\nflags\t\t: sse2 avx2 amx_bf16\n\nprocessor : 1\nflags : none\n", {"sse2", "avx2", "amx_bf16"}),
        ("processor : 0\nFeatures : neon\n", set()),
        (None, set()),
    ],
)
def test_instructions_are_those_of_the_first_processor(monkeypatch: Patch, text: str | None, found: set[str]) -> None:
    monkeypatch.setattr(machine, "_read", {"/proc/cpuinfo": text}.get)
    assert machine.instructions() == found


AVX512 = "avx2 fma avx512f avx512bw avx512cd avx512dq avx512vl"


@pytest.mark.parametrize(
    ("maker", "flags", "found"),
    [
        ("GenuineIntel", AVX512 + " amx_bf16", "SkylakeX"),
        ("GenuineIntel", "sse2 avx2 fma avx512f avx512er", "Haswell"),  # Xeon Phi
        ("GenuineIntel", "sse2 avx2 fma", "Haswell"),
        ("GenuineIntel", "sse2 avx", ""),
        ("AuthenticAMD", AVX512, "Zen"),
        ("AuthenticAMD", "sse2 avx2 fma", "Zen"),
        ("CentaurHauls", "sse2 avx2 fma", ""),
    ],
)
def test_kernels_are_those_of_the_maker_and_the_instructions(
    monkeypatch: Patch, maker: str, flags: str, found: str
) -> None:
    text = f"processor\t: 0\nvendor_id\t: {maker}\nmodel name\t: flags of all kinds\nflags\t\t: {flags}\n"
    monkeypatch.setattr(machine, "_read", {"/proc/cpuinfo": text}.get)
    assert machine.kernels() == found


def test_no_kernels_are_chosen_where_the_system_does_not_say(monkeypatch: Patch) -> None:
    monkeypatch.setattr(machine, "_read", {}.get)
    assert machine.kernels() == ""


MEMINFO = {"/proc/meminfo": "MemTotal: 8000 kB\nMemFree: 1000 kB\nMemAvailable: 5000 kB\nHugePages_Total: 0"}
ALL, FREE, KIB = 8000 * 1024, 5000 * 1024, 1024
ONE, OWN = "/sys/fs/cgroup/memory", "/sys/fs/cgroup/memory/docker/ab"
TWO, TWO_OWN = "/sys/fs/cgroup", "/sys/fs/cgroup/docker/ab"
FIRST, SECOND = {"/proc/self/cgroup": "4:memory:/docker/ab\n1:cpu:/\n"}, {"/proc/self/cgroup": "0::/docker/ab\n"}


@pytest.mark.parametrize(
    ("files", "total", "free"),
    [
        ({}, ALL, FREE),
        ({**FIRST, f"{ONE}/memory.limit_in_bytes": str((1 << 63) - 4096)}, ALL, FREE),
        # version 1, by the group's own path: limit, use, and what of that is cache
        (
            {
                **FIRST,
                f"{OWN}/memory.limit_in_bytes": str(4000 * KIB),
                f"{OWN}/memory.usage_in_bytes": str(3000 * KIB),
                f"{OWN}/memory.stat": f"cache 9\ntotal_inactive_file {500 * KIB}",
            },
            4000 * KIB,
            1500 * KIB,
        ),
        # version 2, as a container sees its own group
        ({**SECOND, f"{TWO}/memory.max": str(4000 * KIB), f"{TWO}/memory.current": str(4100 * KIB)}, 4000 * KIB, 0),
        ({**SECOND, f"{TWO}/memory.max": "max", f"{TWO}/memory.current": "7"}, ALL, FREE),
        (
            {**SECOND, f"{TWO_OWN}/memory.max": str(7000 * KIB), f"{TWO_OWN}/memory.current": str(KIB)},
            7000 * KIB,
            FREE,
        ),
    ],
)
def test_memory_is_that_of_the_machine_or_the_containers_limit(
    monkeypatch: Patch, files: dict[str, str], total: int, free: int
) -> None:
    monkeypatch.setattr(machine, "_read", {**MEMINFO, **files}.get)
    assert machine.memory() == (total, free)


def test_memory_that_nobody_tells_is_0(monkeypatch: Patch) -> None:
    monkeypatch.setattr(machine, "_read", {}.get)
    assert machine.memory() == (0, 0)


@pytest.mark.parametrize(("text", "threads"), [("3", 3), ("5,2", 5), ("", 7), ("0", 7), ("many", 7)])
def test_threads_are_those_of_the_variable_or_the_cores(
    text: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    monkeypatch.setattr(machine, "processors", lambda: 7)
    assert machine.threads() == threads
