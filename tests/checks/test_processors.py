from __future__ import annotations

import pytest

from gluon_ref import machine
from gluon_ref.checks import processors

from .conftest import bad, named

Patch = pytest.MonkeyPatch
GIB = 1 << 30


@pytest.fixture(autouse=True)
def well(monkeypatch: Patch) -> None:
    """Six logical processors on three cores, all allowed, alone, with memory."""
    monkeypatch.setattr(machine, "allowed", lambda: [0, 1, 2, 3, 4, 5])
    monkeypatch.setattr(machine, "cores", lambda: {"0,3", "1,4", "2,5"})
    monkeypatch.setattr(machine, "quota", lambda: None)
    monkeypatch.setattr(machine, "processors", lambda: 3)
    monkeypatch.setattr(machine, "memory", lambda: (8 * GIB, 5 * GIB))
    monkeypatch.setattr(machine, "instructions", lambda: {"avx2", "avx512_bf16", "sse2"})
    monkeypatch.setattr(machine, "kernels", lambda: "Haswell")
    monkeypatch.setattr(processors.os, "cpu_count", lambda: 6)


def test_a_machine_alone_is_well() -> None:
    found = named(processors.check({}, 0.2))
    assert not bad(found.values())
    assert found["cores"].found == "3 physical, 6 logical, of 6 in the machine; no quota"
    assert found["threads"].found == "3, one per core allowed; OMP_NUM_THREADS is not set"
    assert found["neighbours"].found == "0.2 busy on average in the last minute, of 6 processors"
    assert found["instructions"].found == "avx2, avx512_bf16"
    assert found["kernels"].found == "OpenBLAS's for Haswell; OPENBLAS_CORETYPE is not set"
    assert found["memory"].found == "5.0 GiB free of 8.0 GiB"


def test_a_quota_is_told(monkeypatch: Patch) -> None:
    monkeypatch.setattr(machine, "quota", lambda: 1.5)
    assert named(processors.check({}, 0))["cores"].found.endswith("; the container's quota is 1.5")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("4", "3 may be used: threads that wait for each other's turn"),
        ("many", "it is no number of 1 or more"),
        ("0", "it is no number of 1 or more"),
        ("", "it is no number of 1 or more"),
    ],
)
def test_threads_that_do_not_fit_are_told(value: str, why: str) -> None:
    (one,) = bad(processors.check({"OMP_NUM_THREADS": value}, 0))
    assert (one.name, one.state, one.found) == ("threads", "warning", f"OMP_NUM_THREADS={value}")
    assert one.why.startswith(why)
    assert one.command == "unset OMP_NUM_THREADS"


@pytest.mark.parametrize("value", ["1", "3", "2,4"])
def test_threads_that_fit_are_well(value: str) -> None:
    found = named(processors.check({"OMP_NUM_THREADS": value}, 0))
    assert not bad(found.values())
    assert found["threads"].found == f"OMP_NUM_THREADS={value} of 3"


def test_busy_neighbours_are_told_where_several_threads_compute() -> None:
    (one,) = bad(processors.check({}, 3.6))  # 6 processors, 3 threads, and 3.6 others
    assert (one.name, one.state) == ("neighbours", "warning")
    assert one.why == "beside busy processes 3 threads wait for each other: two are slower than one"
    assert one.command == "export OMP_NUM_THREADS=1"
    assert not bad(processors.check({}, 3.4))
    assert not bad(processors.check({"OMP_NUM_THREADS": "1"}, 5.9))
    assert not bad(processors.check({}, None))


def test_a_processor_without_avx2_is_told(monkeypatch: Patch) -> None:
    monkeypatch.setattr(machine, "instructions", lambda: {"sse2"})
    (one,) = bad(processors.check({}, 0))
    assert (one.name, one.found) == ("instructions", "none beyond SSE")
    assert one.command.startswith("use a machine with AVX2")


def test_no_instructions_for_bfloat16_are_told(monkeypatch: Patch) -> None:
    monkeypatch.setattr(machine, "instructions", lambda: {"avx2"})
    found = named(processors.check({}, 0))
    assert found["instructions"].found == "avx2; none for bfloat16, so bfloat16 is slower than float32"


def test_kernels_that_a_person_chose_are_told(monkeypatch: Patch) -> None:
    environ = {"OPENBLAS_CORETYPE": "Nehalem"}
    assert named(processors.check(environ, 0))["kernels"].found == "OPENBLAS_CORETYPE=Nehalem; without it Haswell"
    monkeypatch.setattr(machine, "kernels", lambda: "")
    assert named(processors.check(environ, 0))["kernels"].found == "OPENBLAS_CORETYPE=Nehalem"
    assert named(processors.check({}, 0))["kernels"].found == "as OpenBLAS chooses; OPENBLAS_CORETYPE is not set"


def test_little_memory_is_told(monkeypatch: Patch) -> None:
    monkeypatch.setattr(machine, "memory", lambda: (8 * GIB, GIB // 2))
    (one,) = bad(processors.check({}, 0))
    assert (one.name, one.found, one.command) == ("memory", "0.5 GiB free of 8.0 GiB", "ps aux --sort=-rss | head")


def test_what_the_system_does_not_say_is_no_warning(monkeypatch: Patch) -> None:
    monkeypatch.setattr(machine, "memory", lambda: (0, 0))
    monkeypatch.setattr(machine, "instructions", lambda: set())
    found = named(processors.check({}, None))
    assert not bad(found.values())
    assert found["memory"].found == found["instructions"].found == "the system does not say"
