"""Commands that mend what several checks find: packages installed anew, shared libraries, MXNet's wheels."""

from __future__ import annotations

import importlib.metadata
import shlex
import sys
from collections.abc import Iterable

from .. import machine
from .findings import apt, pip
from .requirements import STAND_INS, carrier, requirement

# What mxnet-cu117 1.9.1 links beside the driver, and the packages that carry it.
CUDA = {
    "libcublas.so.11": "nvidia-cublas-cu11",
    "libcudart.so.11.0": "nvidia-cuda-runtime-cu11",
    "libcudnn.so.8": "nvidia-cudnn-cu11<9",
    "libcufft.so.10": "nvidia-cufft-cu11",
    "libcurand.so.10": "nvidia-curand-cu11",
    "libcusolver.so.11": "nvidia-cusolver-cu11",
    "libcusparse.so.11": "nvidia-cusparse-cu11",
    "libnccl.so.2": "nvidia-nccl-cu11",
    "libnvToolsExt.so.1": "nvidia-nvtx-cu11",
    "libnvrtc.so.11.2": "nvidia-cuda-nvrtc-cu11",
}
DRIVER = "libcuda.so.1"  # linked too, and part of NVIDIA's driver
GPU_WHEEL, CPU_WHEEL = "mxnet-cu117==1.9.1", "mxnet==1.9.1"
# Prints where those packages put their libraries.
FOLDERS = "import glob, site; print(':'.join(glob.glob(site.getsitepackages()[0] + '/nvidia/*/lib')))"


def again(name: str) -> str:
    """The command that installs the same package anew, and nothing else."""
    return pip("install --force-reinstall --no-deps", carrier(name) + requirement(name).bound)


def shared(names: Iterable[str]) -> str:
    """The command for shared libraries that are missing: CUDA's come by pip, the system's by apt-get."""
    names = set(names)
    if DRIVER in names:
        return cpu_wheel()
    system = {library: package for library, package, _ in machine.LIBRARIES}
    bundled = {name for name in names if _in_wheel(name)}
    others = sorted(names - bundled - set(system) - set(CUDA))
    packages = sorted({system[name] for name in names - bundled if name in system})
    commands = [apt(*packages)] if packages else []
    if bundled:
        commands.append(again("mxnet"))
    if others:
        commands.append(f"{apt('apt-file')} && apt-file update && apt-file search {' '.join(others)}")
    cuda = sorted({CUDA[name] for name in names if name in CUDA})
    return " && ".join([*commands, *([pip("install", *cuda), _found()] if cuda else [])])


def gpu_wheel() -> str:
    """The commands that put the wheel for GPUs, and the libraries it links, in place of the one for CPUs."""
    return " && ".join([_none(), pip("install --no-deps", GPU_WHEEL, *sorted(set(CUDA.values()))), _found()])


def cpu_wheel() -> str:
    """The commands that put the wheel for CPUs in place of one for GPUs."""
    return f"{_none()} && {pip('install --no-deps', CPU_WHEEL)}"


def _none() -> str:
    """Uninstall first: the wheels hold the same files, and the one removed later takes the other's away."""
    return pip(f"uninstall -y mxnet {' '.join(STAND_INS['mxnet'])}")


def _found() -> str:
    return f'export LD_LIBRARY_PATH="$({shlex.quote(sys.executable)} -c "{FOLDERS}")"'


def _in_wheel(library: str) -> bool:
    """Whether a library came with the mxnet that is installed."""
    try:
        files = importlib.metadata.files(carrier("mxnet")) or []
    except importlib.metadata.PackageNotFoundError:
        return False
    return any(file.name == library for file in files)
