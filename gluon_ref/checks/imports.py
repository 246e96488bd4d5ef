"""Whether mxnet, gluoncv and gluonnlp import, and what their real error is where they do not."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Mapping, Sequence
from typing import Any

from .. import machine
from ..children import Ended
from ..findings import OK, Finding, apt, fine, pip, problem, warning
from ..probes import MARK
from ..requirements import installed, requirement
from .shadows import MODULES, Shadow

LIBRARIES = ("mxnet", "gluoncv", "gluonnlp")
# Module -> package, where the names differ and no requirement of ours says it.
PACKAGES = {**{module: name for name, module in MODULES.items()}, "yaml": "pyyaml", "distutils": "setuptools"}
# What mxnet-cu117 and mxnet-cu112 link beside the driver, and the packages that carry it.
CUDA = {
    "libcublas.so.11": "nvidia-cublas-cu11",
    "libcublasLt.so.11": "nvidia-cublas-cu11",
    "libcudart.so.11.0": "nvidia-cuda-runtime-cu11",
    "libcudnn.so.8": "nvidia-cudnn-cu11<9",
    "libcufft.so.10": "nvidia-cufft-cu11",
    "libcurand.so.10": "nvidia-curand-cu11",
    "libcusolver.so.11": "nvidia-cusolver-cu11",
    "libcusparse.so.11": "nvidia-cusparse-cu11",
    "libnccl.so.2": "nvidia-nccl-cu11",
    "libnvrtc.so.11.2": "nvidia-cuda-nvrtc-cu11",
}
FOLDERS = "import glob, site; print(':'.join(glob.glob(site.getsitepackages()[0] + '/nvidia/*/lib')))"
SHARED = re.compile(r"(lib[\w.+-]+\.so[.\d]*): cannot open shared object")

Stages = Mapping[str, dict[str, Any]]


def stages(ended: Ended) -> dict[str, dict[str, Any]]:
    """What a probe printed: the outcome of each stage it finished."""
    found = {}
    for line in ended.output.splitlines():
        if line.startswith(MARK):
            document = json.loads(line[len(MARK) :])
            found[document.pop("stage")] = document
    return found


def check(ended: Mapping[str, Ended], hidden: Sequence[Shadow], limit_s: float) -> list[Finding]:
    """A finding for numpy as MXNet sees it, and for each of the three libraries.

    Args:
        ended: the probe of each library.
        hidden: what may be imported instead of them.
        limit_s: seconds the probes had.
    """
    found = [*_numpy(stages(ended["mxnet"]), hidden)]
    seen: dict[str, str] = {}
    for name in LIBRARIES:
        outcome = stages(ended[name]).get("import")
        if outcome and "error" not in outcome:
            found.append(fine(name, f"imports, from {outcome['file']}"))
        elif outcome:
            told = f"{outcome['kind']}: {outcome['error']}"
            because = f"; the same error as for {seen[told]}" if told in seen else ""
            seen.setdefault(told, name)
            place = f" ({outcome['place']})" if outcome["place"] else ""
            why = "nothing can be trained" if name == "mxnet" else f"what is built on {name} cannot be used"
            if name == "gluoncv" and not because:
                why += "; gluoncv itself may hide this error behind one about mxnet and torch"
            found.append(problem(name, f"does not import: {told}{place}{because}", why, mend(name, ended, hidden)))
        else:
            found.append(problem(name, f"does not import: {died(ended[name], limit_s)}", *_dead(name, ended, hidden)))
    return found


def died(ended: Ended, limit_s: float) -> str:
    """How a probe ended that did not finish a stage."""
    if ended.status is None:
        # The innermost frame is the first line that faulthandler printed.
        where = re.search(r'File "(.+)", line (\d+) in (\S+)', ended.errors)
        at = f"; it waited in {where.group(3)} ({where.group(1)}, line {where.group(2)})" if where else ""
        return f"it had not finished after {limit_s:g} s and was ended{at}"
    if ended.status < 0:
        try:
            name = signal.Signals(-ended.status).name
        except ValueError:
            name = f"signal {-ended.status}"
        return f"its process was ended by {name}"
    last = (ended.errors.strip().splitlines() or ["without a message"])[-1]
    return f"its process left with status {ended.status}: {last}"


def mend(name: str, ended: Mapping[str, Ended], hidden: Sequence[Shadow]) -> str:
    """The command for the error that a library's import ended with."""
    outcome = stages(ended[name]).get("import", {})
    found = stages(ended["mxnet"])
    missing = found.get("libraries", {}).get("missing", [])
    library = SHARED.search(outcome.get("error", ""))
    module = (outcome.get("module") or "").split(".")[0]
    hiding = [one for one in hidden if one.always and one.module in (name, module, "numpy", "mxnet")]
    if hiding:
        return hiding[0].command
    if library:
        return _install({library.group(1), *(missing if library.group(1) in missing else ())})
    numpy = found.get("numpy", {})
    if "error" in numpy or _major(numpy.get("version", "1")) >= 2:
        return pip("install --force-reinstall --no-deps", requirement("numpy").text)
    if outcome.get("kind") == "ModuleNotFoundError" and module:
        package = requirement(PACKAGES.get(module, module))
        if installed(package.name) is None or package.name == "setuptools":
            return pip("install", package.text)
        return _again(package.name)
    return _again(name)


def libraries(ended: Mapping[str, Ended]) -> list[Finding]:
    """Findings about system libraries: those that libmxnet.so links, and those that installing and opencv need."""
    outcome = stages(ended["mxnet"]).get("libraries", {})
    failed = [name for name in LIBRARIES if "error" in stages(ended[name]).get("import", {"error": ""})]
    found = []
    for name in outcome.get("missing", []):
        found.append(problem(name, "missing", f"{outcome['path']} links it: mxnet does not import", _install({name})))
    if outcome.get("absent") or "error" in outcome:
        told = outcome.get("error", f"{outcome.get('path')} is missing")
        found.append(problem("libmxnet.so", told, "mxnet does not import without it", _again("mxnet")))
    known = [library for library, _, _ in machine.LIBRARIES]
    for what, why, command in machine.missing():
        if what in known and what not in [one.name for one in found]:
            state = problem if failed else warning
            found.append(state(what, "missing", why, apt(*command.split()[2:])))
        elif what not in known:
            mending = apt(*command.split()[2:]) if command.startswith("apt-get install ") else command
            found.append(warning(what, "missing", f"{why}; what is installed goes on working", mending))
    if not found:
        found.append(fine("libraries", "all that libmxnet.so links and opencv needs are here"))
    return found


def _numpy(found: Stages, hidden: Sequence[Shadow]) -> list[Finding]:
    """A finding where the numpy that is imported is not the installed one, or is broken."""
    outcome = found.get("numpy")
    command = next((one.command for one in hidden if one.always and one.module == "numpy"), "")
    command = command or pip("install --force-reinstall --no-deps", requirement("numpy").text)
    if outcome is None:
        return []  # the process died before: told of mxnet
    if "error" in outcome:
        told = f"does not import: {outcome['kind']}: {outcome['error']}"
        return [problem("numpy", told, "mxnet 1.9.1 stands on it", command)]
    if outcome["version"] != installed("numpy") and installed("numpy"):
        state = problem if _major(outcome["version"]) >= 2 else warning
        told = f"{outcome['version']} from {outcome['file']} is imported, not the installed {installed('numpy')}"
        return [state("numpy", told, "mxnet 1.9.1 is built against numpy 1", command)]
    return [Finding("numpy", OK, f"imports, from {outcome['file']}")]


def _dead(name: str, ended: Mapping[str, Ended], hidden: Sequence[Shadow]) -> tuple[str, str]:
    hiding = [one for one in hidden if one.always and one.module in (name, "numpy", "mxnet")]
    if hiding:
        return "another file is imported in its place", hiding[0].command
    if ended[name].status is None:
        return "every command that needs it would wait for ever", _again(name)
    if ended[name].status == -signal.SIGILL:
        return "it has machine code that this processor does not know", _again(name)
    return "every command that needs it would end like this", _again(name)


def _install(names: set[str]) -> str:
    """The command for shared libraries: CUDA's come by pip, the system's by apt-get."""
    cuda = sorted({CUDA[name] for name in names if name in CUDA})
    system = {library: package for library, package, _ in machine.LIBRARIES}
    packages = sorted({system[name] for name in names if name in system})
    others = sorted(name for name in names if name not in system and name not in CUDA)
    commands = [apt(*packages)] if packages else []
    if others:
        commands.append(f"{apt('apt-file')} && apt-file update && apt-file search {' '.join(others)}")
    if cuda:
        python = pip("").split(" -m ")[0]
        commands.append(pip("install", *cuda))
        commands.append(f'export LD_LIBRARY_PATH="$({python} -c "{FOLDERS}")"')
    return " && ".join(commands)


def _again(name: str) -> str:
    """Install the same package anew, and nothing else."""
    return pip("install --force-reinstall --no-deps", requirement(name).text)


def _major(version: str) -> int:
    number = version.split(".")[0]
    return int(number) if number.isdigit() else 0
