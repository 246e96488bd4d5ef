"""The harness of `make fuzz`: the same few cases of every reader each time, and proof that it would find something."""

from __future__ import annotations

import gc
import gzip
import json
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gluon_ref import documents, runs

from . import READERS, __main__, mutation, readers, sealing
from .broken import BROKEN
from .cases import Cases, Finding
from .smoke import COUNTS, SMALL

ROOT = Path(__file__).parents[2]


def test_every_reader_is_smoked() -> None:
    assert [one.name for one in SMALL] == list(READERS) == list(COUNTS)


@pytest.fixture(scope="module")
def smoked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Reader -> what was found; a reader at which the process ended has the end of its output."""
    words = [sys.executable, "-m", "tests.fuzz.smoke", str(tmp_path_factory.mktemp("smoke"))]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False, cwd=ROOT)
    records = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    found = {record["reader"]: record["found"] for record in records}
    return {name: found.get(name, f"exit {done.returncode}: {done.stderr[-2000:]}") for name in COUNTS}


@pytest.mark.parametrize("reader", COUNTS)
def test_altered_files_are_data_or_an_error_of_ours(reader: str, smoked: dict[str, str]) -> None:
    assert smoked[reader] == ""


def test_outcomes_are_told_apart(tmp_path: Path) -> None:
    cases = Cases(BROKEN, tmp_path)
    cases.prepare()
    assert cases.run((1,), {}) == "data"
    assert cases.run((1,), {"file": b"b"}) == "DataError"
    for content, key in ((b"\x00", "KeyError in broken.py"), (b"\x7f", "MemoryError in broken.py")):
        found = cases.run((1,), {"file": content})
        assert isinstance(found, Finding)
        assert found.key.startswith(key)
        assert "Traceback" in found.told


def test_a_chain_of_seeds_is_the_same_files_each_time(tmp_path: Path) -> None:
    cases = Cases(readers.DATA[0], tmp_path)
    cases.prepare()
    for chain in ((3,), (3, 14), (3, 14, 15)):
        assert cases.altered(chain) == cases.altered(chain) != {}
    assert cases.altered((3,)) != cases.altered((4,))


def test_lines_reached_for_the_first_time_are_told(tmp_path: Path) -> None:
    cases = Cases(readers.DATA[0], tmp_path)
    cases.prepare()
    with cases.watched() as fresh:
        cases.run((0,), {})
    with cases.watched() as again:
        cases.run((0,), {})
    assert {Path(file).name for file, _ in fresh} >= {"mnist.py", "_idx.py"}
    assert again == set()


WORKER = """
import faulthandler, sys
from pathlib import Path
from tests.fuzz import broken, worker
worker.reader = lambda name: broken.BROKEN
faulthandler.enable()
worker.work("broken", Path(sys.argv[1]), int(sys.argv[2]), 60.0, 1.0, 2**30)
"""
DEATHS = {"SIGSEGV": b"\xff", "hang": b"\x80"}


@pytest.mark.parametrize("how", DEATHS)
def test_a_worker_that_dies_leaves_its_last_case(tmp_path: Path, how: str) -> None:
    cases = Cases(BROKEN, tmp_path / "here")
    cases.prepare()
    seed = next(one for one in range(1, 10_000) if cases.altered((one,))["file"][:1] == DEATHS[how])
    command = [sys.executable, "-c", WORKER, str(tmp_path), str(seed - 1)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    total: dict[str, Any] = {"counts": {"finding": 0}, "found": {}}
    assert __main__.died(tmp_path, done.returncode, done.stderr, total) == seed
    ((key, one),) = total["found"].items()
    assert key.startswith(how)
    assert 'broken.py", line' in one["told"]
    assert (Path(one["files"]) / "file").read_bytes()[:1] == DEATHS[how]


@pytest.fixture
def swept() -> Iterator[None]:
    """Nothing that earlier tests left behind is finalized where the stack is full: that would fail, and be told."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("swept")
@pytest.mark.parametrize("kind", ["json", "toml", "jsonl"])
def test_documents_are_altered_in_their_values_and_keys(kind: str) -> None:
    content = {"json": b'{"a": [1, {"b": "c"}]}', "toml": b"[a]\nb = 1\nc = [2]\n", "jsonl": b'{"a": 1}\n{"b": 2}\n'}
    found = [mutation.restructure(content[kind], Random(seed), kind) for seed in range(200)]
    assert len(set(found)) > 50
    assert mutation.restructure(b"\xff{", Random(0), kind) is None


def test_what_is_packed_is_altered_within() -> None:
    content = gzip.compress(bytes(100), mtime=0)
    found = [sealing.alter("a.gz", content, Random(seed), [content]) for seed in range(50)]
    whole = [one for one in found if _unzips(one)]
    assert len(whole) > 20


def _unzips(content: bytes) -> bool:
    try:
        return gzip.decompress(content) != bytes(100)
    except (OSError, EOFError, zlib.error):
        return False


def test_a_run_is_sealed_again(run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(run, tmp_path / "run"))
    text = (folder / runs.RECIPE).read_text().replace("epochs = 2", "epochs = 3")
    (folder / runs.RECIPE).write_text(text)
    document = json.loads((folder / runs.FACTS).read_text())
    (folder / runs.FACTS).write_text(json.dumps({**document, "labels": ["x", "y", "z"]}))
    sealing.seal(folder, [runs.RECIPE, runs.FACTS])
    sealed = runs.load(folder)
    assert (sealed.recipe.settings.epochs, sealed.facts.labels) == (3, ("x", "y", "z"))
    assert documents.read(folder / runs.STATE, runs.FORMAT)["files"][runs.RECIPE] == documents.checksum(
        folder / runs.RECIPE
    )


def test_a_description_among_the_files_of_an_artefact_is_sealed_again(tmp_path: Path) -> None:
    documents.write(tmp_path / "weights.json", {"format": 1, "classes": True})
    manifest = {"format": 2, "files": {"weights.json": documents.checksum(tmp_path / "weights.json")}}
    documents.write(tmp_path / "manifest.json", manifest)
    (tmp_path / "weights.json").write_text((tmp_path / "weights.json").read_text().replace("true", "false"))
    sealing.seal(tmp_path, ["weights.json"])
    assert documents.read(tmp_path / "weights.json", 1) == {"format": 1, "classes": False}
    listed = documents.read(tmp_path / "manifest.json", 2)["files"]
    assert listed == {"weights.json": documents.checksum(tmp_path / "weights.json")}
