"""python -m tests.fuzz: alter files for some minutes, reader after reader, and tell what came of it."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from . import READERS, reader
from .cases import Cases, Finding
from .worker import CURRENT, DONE, FOUND

# A worker is started anew after so many seconds: what MXNet keeps must not add up to the limit.
SLICE_S = 60.0
MEMORY_BYTES = 2 * 1024**3


def main() -> int:
    """Parse, fuzz or read one case again."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="for all readers together")
    parser.add_argument("--readers", default=",".join(READERS), help="names separated by commas")
    parser.add_argument("--seed", type=int, default=1, help="of the first case")
    parser.add_argument("--hang", type=float, default=20.0, help="seconds that a case may take")
    parser.add_argument("--findings", type=Path, help="new folder for them; a temporary one if not given")
    parser.add_argument("--again", metavar="READER:CHAIN", help="run one case in this process, as idx:7,24")
    given = parser.parse_args()
    if given.again:
        return again(*given.again.split(":"))
    findings = given.findings or Path(mkdtemp(prefix="fuzz-findings-"))
    names = given.readers.split(",")
    found = 0
    print(f"{'reader':<14}{'cases':>8}{'data':>8}{'refused':>9}{'lines':>7}  findings", flush=True)
    for name in names:
        found += fuzz(name, findings, given.seed, given.minutes * 60 / len(names), given.hang)
    print(f"{found} findings" + (f" in {findings}" if found else ""))
    return 1 if found else 0


def fuzz(name: str, findings: Path, seed: int, seconds: float, hang_s: float) -> int:
    """Fuzz one reader, print its line, and keep what is found.

    Returns:
        the number of different findings.
    """
    scratch = Path(mkdtemp(prefix=f"fuzz-{name}-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    total: dict[str, Any] = {"counts": Counter(), "found": {}, "reached": 0}
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        seed = _slice(name, scratch, seed, min(left, SLICE_S), hang_s, total)
    counts = total["counts"]
    cases, data, bad = counts.total(), counts["data"], counts["finding"]
    print(f"{name:<14}{cases:>8}{data:>8}{cases - data - bad:>9}{total['reached']:>7}  {bad}", flush=True)
    for number, (key, one) in enumerate(total["found"].items(), 1):
        place = findings / f"{name}-{number}"
        place.mkdir(parents=True)
        if one["files"] and os.path.isdir(one["files"]):
            shutil.copytree(one["files"], place / "case")
        case = f"{name}:{','.join(map(str, one['chain']))}"
        (place / "what.txt").write_text(f"{key}\npython -m tests.fuzz --again {case}\n\n{one['told']}")
        print(f"    {one['times']} x {key}\n      python -m tests.fuzz --again {case}", flush=True)
    shutil.rmtree(scratch, ignore_errors=True)
    return len(total["found"])


def _slice(name: str, scratch: Path, first: int, seconds: float, hang_s: float, total: dict[str, Any]) -> int:
    """Let one worker work, and add up what it did.

    Returns:
        the seed to go on with.
    """
    log = scratch / f"{first}.log"
    (scratch / CURRENT).unlink(missing_ok=True)
    numbers = (scratch, first, seconds, hang_s, MEMORY_BYTES)
    with open(log, "wb") as file:
        worker = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.worker", name, *map(str, numbers)],
            stdout=file,
            stderr=file,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            code = worker.wait(120 + seconds + 3 * hang_s)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(worker)
    done = scratch / f"{first}-{DONE}"
    told = json.loads(done.read_text()) if done.is_file() else {"seed": first, "counts": {}, "found": {}, "reached": 0}
    total["counts"].update(told["counts"])
    total["reached"] = max(total["reached"], told["reached"])
    for key, one in told["found"].items():
        _add(total, key, one["chain"], one["told"], one["times"], scratch / FOUND / str(one["chain"][-1]))
    if code == 0:
        return int(told["seed"])
    return died(scratch, code, log.read_text(errors="replace"), total)


def died(scratch: Path, code: int | None, log: str, total: dict[str, Any]) -> int:
    """Keep what a worker was at that ended before its time.

    Args:
        scratch: its folder.
        code: what it ended with; None when it had to be ended.
        log: its standard error.
        total: where its case is put.
    Returns:
        the seed to go on after.
    """
    if not (scratch / CURRENT).is_file():
        raise SystemExit(f"a worker did not begin:\n{log[-4000:]}")
    folder, *chain = json.loads((scratch / CURRENT).read_text())
    how = f"exit {code}" if code is None or code >= 0 else signal.Signals(-code).name
    if code is None or "Timeout (" in log:
        how = "hang"
    lines = [line.strip() for line in log.splitlines() if "gluon_ref/" in line and line.lstrip().startswith("File")]
    key = f"{how} at {lines[0].rpartition('gluon_ref/')[2] if lines else 'no line of ours'}"
    kept = scratch / FOUND / str(chain[-1])
    shutil.copytree(scratch / folder / "case", kept, dirs_exist_ok=True)
    _add(total, key, chain, log[-8000:], 1, kept)
    total["counts"]["finding"] += 1
    return int(chain[-1])


def _add(total: dict[str, Any], key: str, chain: list[int], told: str, times: int, files: Path) -> None:
    one = total["found"].setdefault(key, {"chain": chain, "told": told, "times": 0, "files": files})
    one["times"] += times


def _end(worker: subprocess.Popen) -> None:
    """End a worker and what it has started."""
    with suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


def again(name: str, chain: str) -> int:
    """Run one case in this process, and print what came of it."""
    seeds = tuple(map(int, chain.split(",")))
    cases = Cases(reader(name), Path(mkdtemp(prefix="fuzz-again-")))
    cases.prepare()
    altered = cases.altered(seeds)
    for path, content in altered.items():
        print(f"{cases.folder / 'case' / path}: {len(cases.originals[path])} bytes became {len(content)}")
    outcome = cases.run(seeds, altered)
    print(outcome.told if isinstance(outcome, Finding) else outcome)
    return 1 if isinstance(outcome, Finding) else 0


if __name__ == "__main__":
    sys.exit(main())
