from __future__ import annotations

from pathlib import Path

import pytest

from gluon_ref.checks import variables

from .conftest import bad

CASES = [
    ("DMLC_ROLE", "server", "`import mxnet` starts a parameter server and never returns"),
    ("DMLC_ROLE", "worker", "only distributed runs read it"),
    ("DMLC_PS_ROOT_URI", "10.0.0.1", "only distributed runs read it"),
    ("PORT", "8080", "the second one fails"),
    ("PS_VERBOSE", "2", "only distributed runs read it"),
    ("MXNET_ENGINE_TYPE", "NaiveEngine", "every operator is waited for"),
    ("MXNET_CPU_WORKER_NTHREADS", "4", "operators run beside each other"),
    ("MXNET_SUBGRAPH_BACKEND", "NONE", "operators are fused otherwise"),
    ("MXNET_SAFE_ACCUMULATION", "1", "sums are kept in higher precision"),
    ("MXNET_MKLDNN_ENABLED", "0", "oneDNN is off"),
    ("MXNET_LIBRARY_PATH", "/opt/libmxnet.so", "another libmxnet.so"),
    ("MXNET_KVSTORE_USETREE", "1", "gradients of several devices are added otherwise"),
    ("MXNET_EXEC_BULK_EXEC_TRAIN", "0", "in other portions"),
    ("MXNET_DISABLE_MKLDNN_CONV_OPT", "1", "operators are fused otherwise"),
    ("MXNET_PROFILER_AUTOSTART", "1", "a profile of everything"),
    ("OMP_THREAD_LIMIT", "1", "it limits the threads"),
    ("OMP_WAIT_POLICY", "active", "threads wait busily or sleep"),
    ("GOMP_CPU_AFFINITY", "0", "bound to cores"),
    ("DNNL_MAX_CPU_ISA", "SSE41", "leaves instructions of this processor unused"),
    ("MALLOC_ARENA_MAX", "2", "does not keep what is freed"),
    ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", "does not keep what is freed"),
    ("LD_PRELOAD", "/usr/lib/libtcmalloc.so", "loaded before all others"),
]


@pytest.mark.parametrize(("name", "value", "why"), CASES)
def test_a_variable_that_changes_something_is_told_with_the_way_out(name: str, value: str, why: str) -> None:
    (one,) = bad(variables.check({name: value, "HOME": "/root"}, []))
    assert (one.name, one.state, one.found) == (name, "warning", f"{name}={value}")
    assert why in one.why
    assert one.command == f"unset {name}"


@pytest.mark.parametrize(("pattern", "value", "why"), variables.STRAY)
def test_every_pattern_is_reached(pattern: str, value: str, why: str) -> None:
    (one,) = variables.check({pattern.replace("*", "X"): value or "1"}, [])
    assert (one.state, one.why) == ("warning", why)


KNOWN = [
    ("MXNET_ENGINE_TYPE", "ThreadedEnginePerDevice", "MXNET_ENGINE_TYPE=ThreadedEnginePerDevice (read by MXNet"),
    ("MXNET_HOME", "/data", "MXNET_HOME=/data (folder of pretrained weights)"),
    ("MXNET_MKLDNN_ENABLED", "1", "MXNET_MKLDNN_ENABLED=1 (read by MXNet"),
    ("KMP_AFFINITY", "compact", "KMP_AFFINITY=compact (read by Intel's and LLVM's OpenMP; the mxnet wheel links GNU's"),
    ("OMP_NUM_THREADS", "1", "OMP_NUM_THREADS=1 (see processors)"),
    ("OPENBLAS_CORETYPE", "Haswell", "OPENBLAS_CORETYPE=Haswell (see processors)"),
    ("PYTHONPATH", "lib", "PYTHONPATH=lib (see shadows)"),
]


@pytest.mark.parametrize(("name", "value", "told"), KNOWN)
def test_a_variable_that_does_no_harm_is_named(name: str, value: str, told: str) -> None:
    (one,) = variables.check({name: value}, [])
    assert one.state == "ok"
    assert one.found.startswith(told)


def test_no_variable_is_one_line() -> None:
    (one,) = variables.check({"HOME": "/root", "DMLCX": "1", "SUPPORT": "1"}, [])
    assert (one.name, one.found) == ("variables", "none is set that changes what MXNet does")


def test_a_library_put_before_the_one_mxnet_links_is_told(tmp_path: Path) -> None:
    (tmp_path / "libgomp.so.1").touch()
    value = f"/nowhere:{tmp_path}"
    (one,) = variables.check({"LD_LIBRARY_PATH": value}, ["libgomp.so.1", "libm.so.6"])
    assert one.state == "warning"
    assert one.why == f"mxnet loads these in place of the system's: {tmp_path / 'libgomp.so.1'}"
    assert one.command == "unset LD_LIBRARY_PATH"


def test_the_libraries_of_cuda_are_meant_to_be_found_so(tmp_path: Path) -> None:
    folder = tmp_path / "nvidia" / "cudnn" / "lib"
    folder.mkdir(parents=True)
    (folder / "libcudnn.so.8").touch()
    (one,) = variables.check({"LD_LIBRARY_PATH": str(folder)}, ["libcudnn.so.8"])
    assert one.state == "ok"
