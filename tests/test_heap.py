from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gluon_ref import heap

MIB = 1 << 20
# Touches 80 MiB five times, each time in a block of its own, and tells how many pages the system had to clear.
TOUCHING = f"""
import ctypes, resource, sys, threading
from gluon_ref import heap

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes, libc.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]

def touch():
    block = libc.malloc({80 * MIB})
    libc.memset(block, 1, {80 * MIB})
    libc.free(block)

def run():
    touch()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        touch()
    print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

kept = heap.keep({{"MALLOC_CHECK_": "0"}} if sys.argv[1:] else {{}})
thread = threading.Thread(target=run)  # as MXNet's engine has its own
thread.start()
thread.join()
"""


def cleared(*words: str) -> tuple[bool, int]:
    """Whether memory was kept, and how many pages were cleared for blocks that had been there before."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    told = subprocess.run(
        [sys.executable, "-c", TOUCHING, *words], env=environ, check=True, capture_output=True, text=True, timeout=60
    ).stdout.split()
    return told[0] == "True", int(told[1])


def test_a_large_block_that_was_freed_is_taken_again() -> None:
    kept, pages = cleared()
    assert kept
    assert pages < 100


def test_without_it_each_of_its_pages_is_cleared_anew() -> None:
    kept, pages = cleared("as a person chose")
    assert not kept
    assert pages > 100


@pytest.mark.parametrize("name", ["GLIBC_TUNABLES", "MALLOC_ARENA_MAX", "MALLOC_TRIM_THRESHOLD_"])
def test_what_a_person_chose_stays(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(heap.ctypes, "CDLL", lambda name: pytest.fail("glibc was told something"))
    assert not heap.keep({name: "1"})


def test_another_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap.ctypes, "CDLL", lambda name: object())
    assert not heap.keep({})
