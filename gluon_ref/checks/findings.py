"""One thing the doctor found, and the commands that mend: the words all checks share."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from importlib.machinery import PathFinder

OK, WARNING, PROBLEM = "ok", "warning", "problem"


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Args:
        name: of the thing looked at, stable between releases.
        state: "ok", "warning" (something is slower or cannot be used), or "problem" (training would fail).
        found: what is there.
        why: why that matters; empty where all is well.
        command: what to type to mend it; empty where nothing needs mending, or nothing typed would help.
    """

    name: str
    state: str
    found: str
    why: str = ""
    command: str = ""


def fine(name: str, found: str) -> Finding:
    """A finding that needs nothing."""
    return Finding(name, OK, found)


def warning(name: str, found: str, why: str, command: str = "") -> Finding:
    """A finding that training survives."""
    return Finding(name, WARNING, found, why, command)


def problem(name: str, found: str, why: str, command: str = "") -> Finding:
    """A finding that training does not survive."""
    return Finding(name, PROBLEM, found, why, command)


def pip(arguments: str, *requirements: str) -> str:
    """A pip command of the Python that runs here, whatever else `pip` is on the path."""
    python = shlex.quote(sys.executable)
    words = " ".join([arguments, *(shlex.quote(one) for one in requirements)])
    # Not importlib.util.find_spec, which makes setuptools replace distutils, with a warning.
    first = "" if PathFinder.find_spec("pip") else f"{python} -m ensurepip && "
    return f"{first}{python} -m pip {words}"


def apt(*packages: str) -> str:
    """The command that installs packages of Debian and Ubuntu, as root or not."""
    sudo = "sudo " if os.geteuid() else ""
    return f"{sudo}apt-get update && {sudo}apt-get install -y {' '.join(packages)}"
