"""Whether mxnet, gluoncv and gluonnlp import, and what their real error is where they do not."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Mapping, Sequence
from typing import Any

from .. import machine
from .children import Ended
from .findings import OK, Finding, apt, fine, pip, problem, warning
from .mending import CUDA, DRIVER, again, shared
from .probes import MARK
from .requirements import installed, requirement
from .shadows import MODULES, Shadow

LIBRARIES = ("mxnet", "gluoncv", "gluonnlp")
# Module -> package, where the names differ and no requirement of ours says it.
PACKAGES = {**{module: name for name, module in MODULES.items()}, "yaml": "pyyaml", "distutils": "setuptools"}
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
    seen: dict[str, Finding] = {}
    for name in LIBRARIES:
        outcome = stages(ended[name]).get("import")
        if outcome and "error" not in outcome:
            found.append(fine(name, f"imports, from {outcome['file']}"))
            continue
        told = "does not import: " + (_error(outcome) if outcome else died(ended[name], limit_s))
        why = "nothing can be trained" if name == "mxnet" else f"what is built on {name} cannot be used"
        if told in seen:
            first = seen[told]
            found.append(problem(name, f"{told}; the same as {first.name}", why, first.command))
            continue
        if outcome and name == "gluoncv":
            why += "; gluoncv itself may hide this error behind one about mxnet and torch"
        command = mend(name, ended, hidden)
        place = f" ({outcome['place']})" if outcome and outcome["place"] else ""
        seen[told] = problem(name, told, why, command)
        found.append(problem(name, told + place, why, command))
    return found


def _error(outcome: Mapping[str, Any]) -> str:
    return f"{outcome['kind']}: {outcome['error']}" if outcome["kind"] else str(outcome["error"])


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
        return shared({library.group(1), *(missing if library.group(1) in missing else ())})
    numpy = found.get("numpy", {})
    if "error" in numpy or _major(numpy.get("version", "1")) >= 2:
        return _numpy_again(numpy)
    if outcome.get("kind") == "ModuleNotFoundError" and module:
        package = requirement(PACKAGES.get(module, module))
        if installed(package.name) is None or package.name == "setuptools":
            return pip("install", package.text)
        return again(package.name)
    return again(name)


def libraries(ended: Mapping[str, Ended]) -> list[Finding]:
    """Findings about system libraries: those that libmxnet.so links, and those that installing and opencv need."""
    outcome = stages(ended["mxnet"]).get("libraries", {})
    failed = [name for name in LIBRARIES if "error" in stages(ended[name]).get("import", {"error": ""})]
    missing = outcome.get("missing", [])
    why = f"{outcome.get('path')} links it: mxnet does not import"
    found = [problem(name, "missing", why, shared({name})) for name in missing if name not in (*CUDA, DRIVER)]
    if DRIVER in missing:
        driver = f"{why}; NVIDIA's driver carries it (in a container: docker run --gpus all)"
        found.append(problem(DRIVER, "missing", driver, shared({DRIVER})))
    cuda = [name for name in missing if name in CUDA]
    if cuda:
        found.append(problem("CUDA", f"missing: {', '.join(cuda)}", why.replace("it:", "them:"), shared(cuda)))
    if outcome.get("absent") or "error" in outcome:
        told = outcome.get("error", f"{outcome.get('path')} is missing")
        found.append(problem("libmxnet.so", told, "mxnet does not import without it", again("mxnet")))
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
    if outcome is None:
        return []  # the process died before: told of mxnet
    command = command or _numpy_again(outcome)
    if "error" in outcome:
        told = f"does not import: {outcome['kind']}: {outcome['error']}"
        return [problem("numpy", told, "mxnet 1.9.1 stands on it", command)]
    if outcome["version"] != installed("numpy") and installed("numpy"):
        state = problem if _major(outcome["version"]) >= 2 else warning
        told = f"{outcome['version']} from {outcome['file']} is imported, not the installed {installed('numpy')}"
        return [state("numpy", told, "mxnet 1.9.1 is built against numpy 1", command)]
    return [Finding("numpy", OK, f"imports, from {outcome['file']}")]


def _numpy_again(outcome: Mapping[str, Any]) -> str:
    """A numpy of another version or none is replaced by itself; a broken one is not."""
    broken = "error" in outcome and installed("numpy") is not None
    return again("numpy") if broken else pip("install", requirement("numpy").text)


def _major(version: str) -> int:
    number = version.split(".")[0]
    return int(number) if number.isdigit() else 0
