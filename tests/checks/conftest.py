"""Probes that answered, and the names of findings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from gluon_ref.checks.children import Ended
from gluon_ref.checks.findings import Finding
from gluon_ref.checks.probes import MARK

FEATURES = dict.fromkeys(("DIST_KVSTORE", "LAPACK", "MKLDNN", "OPENCV", "OPENMP"), True)
STAGES: dict[str, dict[str, Any]] = {
    "numpy": {"version": "1.26.4", "file": "numpy/__init__.py"},
    "import": {"version": "1.9.1", "file": "mxnet/__init__.py"},
    "libraries": {"missing": [], "path": "mxnet/libmxnet.so", "linked": ["libgomp.so.1"]},
    "features": {"features": FEATURES},
    "step": {"difference": 1e-6},
    "gpu": {"count": 0},
}
Answer = Callable[..., dict[str, Ended]]


def printed(stages: dict[str, dict[str, Any] | None], status: int | None = 0, errors: str = "") -> Ended:
    lines = [MARK + json.dumps({"stage": name, **found}) for name, found in stages.items() if found is not None]
    return Ended("a library's own line\n" + "\n".join(lines), errors, status)


@pytest.fixture
def answer() -> Answer:
    """The three probes of a machine that lacks nothing, but for stages of one library that are given."""

    def answer(library: str = "mxnet", status: int | None = 0, errors: str = "", **stages: Any) -> dict[str, Ended]:
        found = {"mxnet": printed(dict(STAGES))}
        found |= {name: printed({"import": {"version": "1", "file": f"{name}/__init__.py"}}) for name in LATER}
        usual = STAGES if library == "mxnet" else {"import": {"version": "1", "file": "f"}}
        return found | {library: printed({**usual, **stages}, status, errors)}

    return answer


LATER = ("gluoncv", "gluonnlp")


def failed(error: str, kind: str = "ImportError", module: str | None = None) -> dict[str, Any]:
    """A stage that ended with an error."""
    return {"error": error, "kind": kind, "module": module, "place": "lib.py, line 7"}


def named(found: Iterable[Finding]) -> dict[str, Finding]:
    """Findings by name, each once."""
    found = list(found)
    names = {one.name: one for one in found}
    assert len(names) == len(found)
    return names


def bad(found: Iterable[Finding]) -> list[Finding]:
    """Those that are not ok; each of them says why."""
    found = [one for one in found if one.state != "ok"]
    assert all(one.why for one in found)
    return found
