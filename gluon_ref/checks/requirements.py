"""What gluon_ref's own metadata asks of other packages, and what is installed."""

from __future__ import annotations

import importlib.metadata
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

OURS = "gluon_ref"
# Extras that only those who change this package install.
DEVELOPING = ("test",)
# Known to break what stands on them, where the metadata has no bound.
BOUNDS = {"onnx": "<1.19"}
# Another distribution that carries the same modules.
STAND_INS = {
    "mxnet": ("mxnet-cu117", "mxnet-cu112", "mxnet-cu110", "mxnet-mkl", "mxnet-native"),
    "opencv-python": ("opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"),
}


@dataclass(frozen=True)
class Requirement:
    """A package, the versions accepted ("" for any), and whether gluon_ref is installed with it in every case."""

    name: str
    bound: str
    always: bool

    @property
    def text(self) -> str:
        """As pip takes it."""
        return self.name + self.bound


def required() -> dict[str, Requirement]:
    """The requirements of the installed gluon_ref by name; empty when it is not installed."""
    try:
        lines = importlib.metadata.requires(OURS) or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    found: dict[str, Requirement] = {}
    for line in lines:
        entry = re.match(r"([\w.-]+)\s*(?:\[[^]]*\])?\s*\(?([^;)]*)\)?\s*(?:;(.*))?$", line.strip())
        if not entry:
            continue
        name, bound, marker = entry.group(1).lower().replace("_", "-"), entry.group(2), entry.group(3) or ""
        extra = re.search(r"extra\s*==\s*['\"](.*?)['\"]", marker)
        if (extra and extra.group(1) in DEVELOPING) or not _applies(marker, extra.group(1) if extra else ""):
            continue
        if name not in found or not extra:
            found[name] = Requirement(name, bound.replace(" ", ""), not marker or not extra)
    return found


def requirement(name: str) -> Requirement:
    """What is asked of one package; any version where nothing is."""
    return required().get(name) or Requirement(name, BOUNDS.get(name, ""), False)


def installed(name: str) -> str | None:
    """The version of a package or of its stand-in; None when neither is installed."""
    try:
        return importlib.metadata.version(carrier(name))
    except importlib.metadata.PackageNotFoundError:
        return None


def carrier(name: str) -> str:
    """What pip calls the package that is installed under a name: itself, or its stand-in."""
    for one in (name, *STAND_INS.get(name, ())):
        try:
            importlib.metadata.version(one)
            return one
        except importlib.metadata.PackageNotFoundError:
            pass
    return name


def holds(version: str, bound: str) -> bool:
    """Whether a version is within a bound like ">=1.26.4,<2"; releases are compared number by number."""
    packaging = _packaging()
    if packaging:
        try:
            return bool(packaging[1].SpecifierSet(bound).contains(version, prereleases=True))
        except ValueError:
            return False
    return all(_holds(version, part.strip()) for part in bound.split(",") if part.strip())


def _holds(version: str, part: str) -> bool:
    entry = re.match(r"(===|==|!=|<=|>=|~=|<|>)\s*(.+)", part)
    if not entry:
        return False
    sign, limit = entry.groups()
    equal = version == limit or (limit.endswith(".*") and (version + ".").startswith(limit[:-1]))
    one, other = _numbers(version), _numbers(limit)
    return {
        "===": equal,
        "==": equal or one == other,
        "!=": not equal and one != other,
        "<": one < other,
        ">": one > other,
        "<=": one <= other,
        ">=": one >= other,
        "~=": one >= other and one[0][: limit.count(".")] == other[0][: limit.count(".")],
    }[sign]


def _numbers(version: str) -> tuple[tuple[int, ...], int]:
    """The release without zeros at its end, and 1 more than that of `post`: 0.10.5.post0 as ((0, 10, 5), 1)."""
    plain = re.match(r"(\d+(?:\.\d+)*)(?:\.post(\d+))?", version.strip())
    if not plain:
        return (), 0
    release = re.sub(r"(\.0+)+$", "", plain.group(1))
    return tuple(map(int, release.split("."))), int(plain.group(2)) + 1 if plain.group(2) else 0


def _applies(marker: str, extra: str) -> bool:
    packaging = _packaging()
    if not marker or not packaging:
        # Without `packaging`, a package for older Pythons only is taken for one of an extra: told if it is there.
        return not marker or bool(extra) or not re.search(r"python_version\s*<", marker)
    return bool(packaging[0].Marker(marker).evaluate({"extra": extra}))


@cache
def _packaging() -> tuple[Any, Any] | None:
    """The library `packaging`, if it is there; gluoncv's matplotlib brings it."""
    try:
        import packaging.markers as markers
        import packaging.specifiers as specifiers
    except ImportError:
        return None
    return markers, specifiers
