"""NVIDIA's GPUs, and whether this MXNet has code for them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .children import Ended
from .findings import Finding, fine, warning
from .mending import cpu_wheel, gpu_wheel
from .requirements import carrier

QUERY = ("nvidia-smi", "--query-gpu=name,compute_cap,driver_version", "--format=csv,noheader")
PROC = "/proc/driver/nvidia"
# Machine code in the wheels mxnet-cu112 and mxnet-cu117 1.9.1. They hold no PTX: code for 8.6 runs on 8.9, on no 9.0.
COMPILED = ((5, 0), (6, 0), (7, 0), (8, 0), (8, 6))
DRIVER = (450, 80)  # the first that runs programs of any CUDA 11
LIMITS = "compute capability 5.0 to 8.9 (Maxwell to Ada)"


def command() -> tuple[str, ...]:
    """What asks for the GPUs; empty where NVIDIA's tool is not here."""
    program = shutil.which(QUERY[0])
    return (program, *QUERY[1:]) if program else ()


def check(asked: Ended | None, features: Mapping[str, bool], stage: Mapping[str, Any] | None) -> list[Finding]:
    """A finding per GPU, and what MXNet makes of them.

    Args:
        asked: what nvidia-smi answered; None where it is not here.
        features: of the MXNet build; empty where it does not import.
        stage: what MXNet saw and computed on the GPU; None where that was not reached.
    """
    built = bool(features.get("CUDA", carrier("mxnet").startswith("mxnet-cu")))
    if asked is None:
        return _without_tool(built)
    rows = [[word.strip() for word in line.split(",")] for line in asked.output.splitlines()]
    rows = [row for row in rows if len(row) == 3 and re.fullmatch(r"\d+\.\d+", row[1])]
    if asked.status != 0 or not rows:
        return [_silent(asked)]
    found = [_gpu(index, row[0], row[1], row[2], features) for index, row in enumerate(rows)]
    if built and any(usable(_pair(row[1])) for row in rows):
        found.append(_computes(stage))
    return found


def usable(capability: tuple[int, ...]) -> bool:
    """Whether code for one of COMPILED runs: the same first number, the second not above the GPU's."""
    return any(capability[0] == major and capability[1] >= minor for major, minor in COMPILED)


def _gpu(index: int, name: str, capability: str, driver: str, features: Mapping[str, bool]) -> Finding:
    told = f"{name}, compute capability {capability}, driver {driver}"
    label = f"gpu {index}"
    if not usable(_pair(capability)):
        why = f"mxnet 1.9.1 has code for {LIMITS} only: it cannot compute on this GPU, whichever wheel is installed"
        return warning(label, told, why, "gluonref train RECIPE --device cpu")
    if _pair(driver) < DRIVER:
        why = f"the CUDA 11 in the wheels needs driver {'.'.join(map(str, DRIVER))} or later"
        return warning(label, told, why, "install a newer driver from https://www.nvidia.com/drivers")
    if not features.get("CUDA", carrier("mxnet").startswith("mxnet-cu")):
        return warning(label, told, "the installed MXNet is built for the CPU and leaves this GPU idle", gpu_wheel())
    return fine(label, told)


def _computes(stage: Mapping[str, Any] | None) -> Finding:
    if stage is None or "error" in stage:
        told = f"{stage['kind']}: {stage['error']}" if stage else "MXNet was not asked"
        return warning("computing", told, "`--device gpu` would end like this", "nvidia-smi")
    if not stage["count"]:
        why = "`--device gpu` fails"
        return warning("computing", "MXNet sees no GPU", why, "unset CUDA_VISIBLE_DEVICES; nvidia-smi")
    return fine("computing", f"MXNet sees {stage['count']} and computes on the first")


def _without_tool(built: bool) -> list[Finding]:
    models = []
    for path in sorted(Path(PROC, "gpus").glob("*/information")):
        try:
            model = re.search(r"^Model:\s*(.+)$", path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
        except OSError:
            continue
        models.append(model.group(1).strip() if model else path.parent.name)
    if models:
        why = f"nvidia-smi is missing, so it is not known whether MXNet has code for it: {LIMITS}"
        return [
            warning(f"gpu {index}", name, why, "install the package nvidia-utils of your driver's version")
            for index, name in enumerate(models)
        ]
    if built:
        why = "the installed MXNet is the larger one for GPUs; the one for CPUs does the same here"
        return [warning("gpus", "none from NVIDIA", why, cpu_wheel())]
    return [fine("gpus", "none from NVIDIA; training runs on the CPU")]


def _silent(asked: Ended) -> Finding:
    if asked.status is None:
        told = "nvidia-smi did not answer and was ended"
    else:
        lines = f"{asked.output}\n{asked.errors}".strip().splitlines()
        told = f"nvidia-smi: {lines[0] if lines else 'no GPU'}"
    return warning("gpus", told, "whether MXNet has code for these GPUs is not known", "nvidia-smi")


def _pair(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2]) or (0, 0)
