"""Processors and memory: how many may be used, by how many threads, beside whom."""

from __future__ import annotations

import os
from collections.abc import Mapping

from .. import machine
from .findings import Finding, fine, warning

GIB = 1 << 30
ENOUGH = 1 * GIB  # MXNet and a small network take a third of it
# Instruction sets that matter here, as /proc/cpuinfo names them.
TOLD = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16")
BFLOAT16 = ("avx512_bf16", "amx_bf16")
# Load beyond this many processes that find no core of their own counts as a busy neighbour.
CROWDED = 0.5


def check(environ: Mapping[str, str], load: float | None) -> list[Finding]:
    """Findings about cores, threads, neighbours, instructions and memory.

    Args:
        environ: where a person may have set OMP_NUM_THREADS.
        load: average of the last minute, taken before the doctor itself computed; None where the system has none.
    """
    threads, finding = _threads(environ)
    return [_cores(), finding, _neighbours(environ, threads, load), _instructions(), _kernels(environ), _memory()]


def _cores() -> Finding:
    logical, physical, quota = len(machine.allowed()), len(machine.cores()), machine.quota()
    told = f"{physical} physical, {logical} logical, of {os.cpu_count()} in the machine"
    return fine("cores", told + (f"; the container's quota is {quota:g}" if quota else "; no quota"))


def _threads(environ: Mapping[str, str]) -> tuple[int, Finding]:
    """How many threads MXNet's operators will use."""
    most, given = machine.processors(), environ.get("OMP_NUM_THREADS")
    if given is None:
        return most, fine("threads", f"{most}, one per core allowed; OMP_NUM_THREADS is not set")
    first = given.split(",")[0].strip()
    if not first.isdigit() or not int(first):
        why = "it is no number of 1 or more: OpenMP takes all logical processors, and the quota does not count"
        return most, warning("threads", f"OMP_NUM_THREADS={given}", why, "unset OMP_NUM_THREADS")
    if int(first) > most:
        why = f"{most} may be used: threads that wait for each other's turn make every operator several times slower"
        return int(first), warning("threads", f"OMP_NUM_THREADS={given}", why, "unset OMP_NUM_THREADS")
    return int(first), fine("threads", f"OMP_NUM_THREADS={given} of {most}")


def _neighbours(environ: Mapping[str, str], threads: int, load: float | None) -> Finding:
    processors = os.cpu_count() or 1
    if load is None:
        return fine("neighbours", "this system has no load average")
    told = f"{load:.1f} busy on average in the last minute, of {processors} processors"
    if threads > 1 and load > processors - threads + CROWDED:
        why = f"beside busy processes {threads} threads wait for each other: two are slower than one"
        return warning("neighbours", told, why, "export OMP_NUM_THREADS=1")
    return fine("neighbours", told)


def _instructions() -> Finding:
    has = machine.instructions()
    if not has:
        return fine("instructions", "the system does not say")
    told = ", ".join(name for name in TOLD if name in has) or "none beyond SSE"
    if "avx2" not in has:
        why = "matrix products and convolutions take several times as long, and the wheels of others may end by SIGILL"
        return warning("instructions", told, why, "use a machine with AVX2, or let this virtual machine see it")
    if not has.intersection(BFLOAT16):
        told += "; none for bfloat16, so bfloat16 is slower than float32"
    return fine("instructions", told)


def _kernels(environ: Mapping[str, str]) -> Finding:
    """For which processor OpenBLAS, which does MXNet's products outside of layers, computes."""
    best, given = machine.kernels(), environ.get("OPENBLAS_CORETYPE")
    if given is None:
        told = f"OpenBLAS's for {best}" if best else "as OpenBLAS chooses"
        return fine("kernels", told + "; OPENBLAS_CORETYPE is not set")
    return fine("kernels", f"OPENBLAS_CORETYPE={given}" + (f"; without it {best}" if best else ""))


def _memory() -> Finding:
    total, free = machine.memory()
    if not total:
        return fine("memory", "the system does not say")
    told = f"{free / GIB:.1f} GiB free of {total / GIB:.1f} GiB"
    if free < ENOUGH:
        why = "MXNet and a small network take about 0.3 GiB, images more; what exceeds it is killed without a message"
        return warning("memory", told, why, "ps aux --sort=-rss | head")
    return fine("memory", told)
