"""Cases: a chain of seeds is one, each seed altering what the ones before left; and what came of one."""

from __future__ import annotations

import io
import itertools
import shutil
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import gluon_ref
from gluon_ref.errors import GluonRefError

from .readers import Reader
from .sealing import alter, seal

PACKAGE = str(Path(gluon_ref.__file__).parent)
Chain = tuple[int, ...]
Altered = dict[str, bytes]


@dataclass(frozen=True)
class Finding:
    """Neither data nor an error of ours.

    Args:
        key: what makes it the same as another: the exception, and where it was raised.
        told: the traceback.
    """

    key: str
    told: str


@dataclass
class Cases:
    """A reader's cases in a folder of its own.

    Args:
        reader: whose.
        folder: scratch.
        originals: the whole files, by path within the folder.
        reached: lines of the package that cases have reached.
    """

    reader: Reader
    folder: Path
    originals: Altered = field(default_factory=dict)
    reached: set[tuple[str, int]] = field(default_factory=set)

    def prepare(self) -> None:
        """Write the whole files, and see that they are read."""
        whole = self.folder / "whole"
        whole.mkdir(parents=True)
        self.reader.write(whole)
        paths = sorted(path for path in whole.rglob("*") if path.is_file() and not path.match("*.new"))
        self.originals = {path.relative_to(whole).as_posix(): path.read_bytes() for path in paths}
        # With one choice of options or another they are.
        outcomes = (self.run((seed,), {}) for seed in range(20))
        told = list(itertools.takewhile(lambda outcome: outcome != "data", outcomes))
        assert len(told) < 20 and not any(isinstance(one, Finding) for one in told), told

    def altered(self, chain: Chain) -> Altered:
        """The files that a chain alters; no files for the empty chain."""
        found: Altered = {}
        for seed in chain:
            random = Random(f"{self.reader.name} {seed}")
            # Further seeds alter what is altered already, as a rule.
            names = sorted(found) if found and random.random() < 0.9 else self._names()
            for name in random.choices(names, k=random.choice([1, 1, 1, 2])):
                inside = [one for one in self.originals if one.partition("/")[0] == name.partition("/")[0]]
                others = [self.originals[random.choice(inside)]]
                found[name] = alter(name, found.get(name, self.originals[name]), random, others)
        return found

    def run(self, chain: Chain, altered: Altered) -> str | Finding:
        """Read the altered files: "data", the name of an error of ours, or a finding."""
        case = self.folder / "case"
        shutil.rmtree(case, ignore_errors=True)
        shutil.copytree(self.folder / "whole", case)
        for name, content in altered.items():
            (case / name).write_bytes(content)
        random = Random(f"{self.reader.name} options {chain}")
        names = sorted(altered) or self._names()
        if self.reader.sealed and random.random() < 0.85:
            for top in {name.partition("/")[0] for name in names}:
                seal(case / top, [name.partition("/")[2] for name in names if name.startswith(f"{top}/")])
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            try:
                self.reader.read(case, random.choice(names), random)
            except GluonRefError as error:
                return type(error).__name__ if str(error) else Finding("empty message", repr(error))
            except (Exception, SystemExit) as error:
                return Finding(_key(error), traceback.format_exc())
        return "data"

    @contextmanager
    def watched(self) -> Iterator[set[tuple[str, int]]]:
        """Gives the lines of the package that are reached inside, and were not before."""
        fresh: set[tuple[str, int]] = set()

        def step(frame: FrameType, event: str, _: Any) -> Any:
            place = (frame.f_code.co_filename, frame.f_lineno)
            if place not in self.reached:
                self.reached.add(place)
                fresh.add(place)
            return step

        def enter(frame: FrameType, event: str, argument: Any) -> Any:
            return step(frame, event, argument) if frame.f_code.co_filename.startswith(PACKAGE) else None

        before = sys.gettrace()
        sys.settrace(enter)
        try:
            yield fresh
        finally:
            sys.settrace(before)

    def _names(self) -> list[str]:
        return [name for name in self.originals if not name.endswith(self.reader.left or "\0")]


def _key(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(PACKAGE)] or frames
    last = ours[-1]
    return f"{type(error).__name__} in {Path(last.filename).name}, line {last.lineno}: {last.line}"
