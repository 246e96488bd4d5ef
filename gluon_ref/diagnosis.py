"""diagnose(): what is wrong with this machine and this installation, and the command that mends each thing.

It imports no foreign library itself, so that a broken one cannot break it; what may crash or hang is tried in
processes of their own. `python -m gluon_ref.diagnosis` prints the same as `gluonref doctor`, without click.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .checks import build, folders, gpus, imports, packages, processors, shadows, variables
from .checks.children import together
from .checks.findings import OK, PROBLEM, WARNING, Finding
from .checks.probes import command

FORMAT = 1
LIMIT_S = 60.0  # an import takes 2 s alone, and ten times that beside busy processes
SMI = "nvidia-smi"
WIDTH = 18


@dataclass(frozen=True)
class Diagnosis:
    """All findings by group, in the order in which they are told; versions and the build's features by name."""

    groups: dict[str, tuple[Finding, ...]]
    versions: dict[str, str]
    features: dict[str, bool]

    def count(self, state: str) -> int:
        """How many findings have this state."""
        return sum(one.state == state for findings in self.groups.values() for one in findings)

    @property
    def ok(self) -> bool:
        """Whether training works here."""
        return not self.count(PROBLEM)

    @property
    def verdict(self) -> str:
        """The outcome in one line."""
        problems, warnings = (_many(self.count(PROBLEM), "problem"), _many(self.count(WARNING), "warning"))
        if self.ok:
            return "training works here; " + (f"{warnings} above" if self.count(WARNING) else "nothing to mend")
        return f"training would fail: {problems}, {warnings}; mend the problems from the top down, and ask again"

    def document(self) -> dict[str, Any]:
        """All of it as one object for JSON."""
        return {
            "format": FORMAT,
            "ok": self.ok,
            "verdict": self.verdict,
            "problems": self.count(PROBLEM),
            "warnings": self.count(WARNING),
            "versions": self.versions,
            "features": self.features,
            "findings": [
                {"group": group, **asdict(one)} for group, findings in self.groups.items() for one in findings
            ],
        }

    def lines(self) -> Iterator[str]:
        """All of it as text: a line per finding, what mends it below, the verdict last."""
        told: dict[str, str] = {}
        for group, findings in self.groups.items():
            yield group
            for one in findings:
                yield f"  {one.state:<8} {one.name:<{WIDTH}} {one.found}"
                if one.state != OK:
                    yield f"           why: {one.why}"
                if one.command:
                    # A long command is told once.
                    place = told.setdefault(one.command, f"{group} {one.name}")
                    yield f"           do:  {one.command if place == f'{group} {one.name}' else f'as for {place}'}"
        yield self.verdict


def diagnose(environ: Mapping[str, str] | None = None, limit_s: float = LIMIT_S) -> Diagnosis:
    """Look at everything that training stands on.

    Args:
        environ: the variables to look at, and to try imports with; those of this process when None.
        limit_s: seconds each process may take in which something is tried.
    """
    environ = os.environ if environ is None else environ
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    asking = gpus.command()
    commands = {name: command(name) for name in imports.LIBRARIES}
    ended = together({**commands, **({SMI: asking} if asking else {})}, environ=_quiet(environ), limit_s=limit_s)
    hidden = shadows.shadows(environ)
    tried = imports.stages(ended["mxnet"])
    features = build.features(ended)
    groups = {
        "packages": packages.check(),
        "imports": imports.check(ended, hidden, limit_s),
        "libraries": imports.libraries(ended),
        "shadows": shadows.check(hidden),
        "variables": variables.check(environ, tried.get("libraries", {}).get("linked", [])),
        "build": build.check(ended),
        "gpus": gpus.check(ended.get(SMI), features, tried.get("gpu")),
        "processors": processors.check(environ, load),
        "folders": folders.check(environ),
        "training": build.step(ended, hidden, limit_s),
    }
    told = {name: tuple(map(_printable, found)) for name, found in groups.items() if found}
    return Diagnosis(told, packages.versions(), features)


def _quiet(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables without those that would make a probe join, or wait for, a distributed run."""
    return {name: value for name, value in environ.items() if not name.startswith("DMLC_") and name != "PORT"}


def _printable(one: Finding) -> Finding:
    """A finding whose every text is one line: variables and paths may hold bytes of any kind."""
    texts = {
        key: "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
        for key, text in asdict(one).items()
    }
    return Finding(**texts)


def _many(count: int, word: str) -> str:
    return f"{count or 'no'} {word}{'' if count == 1 else 's'}"


def main() -> int:
    """Print the diagnosis; the exit status is 1 when training would fail."""
    diagnosis = diagnose()
    for line in diagnosis.lines():
        print(line)
    return 0 if diagnosis.ok else 1


if __name__ == "__main__":
    sys.exit(main())
