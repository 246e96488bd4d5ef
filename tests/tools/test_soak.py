"""The soak sees every difference, and tells where a kill came."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gluon_ref import documents, runs
from gluon_ref import recipe as recipes
from gluon_ref.training import train
from tests.conftest import SMALL

FILE = Path(__file__).parents[2] / "tools" / "soak.py"


@pytest.fixture(scope="module")
def soak() -> ModuleType:
    spec = importlib.util.spec_from_file_location("soak", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    """A run of one's own; its last checkpoint is that of epoch 2, step 16."""
    return Path(shutil.copytree(run, tmp_path / "copy"))


def test_a_run_is_like_itself_but_for_what_a_clock_decides(soak: ModuleType, run: Path, copy: Path) -> None:
    log = copy / "log.jsonl"
    log.write_text(log.read_text().replace('"time_s": 0', '"time_s": 9'))
    assert log.read_text() != (run / "log.jsonl").read_text()
    assert soak.unlike(soak.contents(run), soak.contents(copy)) == []


@pytest.mark.parametrize("name", ["weights-best.params", "weights-last.params", "trainer-0.states", "run.toml"])
def test_one_bit_of_a_file_is_a_difference(soak: ModuleType, run: Path, copy: Path, name: str) -> None:
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    state = documents.read(copy / "state.json", 1)
    expected = soak.contents(run)
    documents.write(copy / "state.json", {**state, "files": {**state["files"], name: documents.checksum(copy / name)}})
    found = {**expected, name: (copy / name).read_bytes()} if name == "run.toml" else soak.contents(copy)
    assert name in soak.unlike(expected, found)


def test_a_counter_a_record_and_the_facts_are_differences(soak: ModuleType, run: Path, copy: Path) -> None:
    documents.write(copy / "state.json", {**documents.read(copy / "state.json", 1), "seen": 7})
    documents.write(copy / "facts.json", {**documents.read(copy / "facts.json", 1), "labels": ["x", "y", "z"]})
    (copy / "log.jsonl").write_text((copy / "log.jsonl").read_text().split("\n", 1)[1])
    assert soak.unlike(soak.contents(run), soak.contents(copy)) == ["facts", "log", "state"]


def test_where_a_kill_came_is_told(soak: ModuleType, copy: Path, tmp_path: Path) -> None:
    assert soak.place(tmp_path / "none", 0) == (soak.BEGIN, soak.BEGIN)
    assert soak.place(copy, 16) == (soak.AGAIN, f"{soak.AGAIN} (epoch 3, batch 0, step 16)")
    assert soak.place(copy, 8)[0] == soak.BETWEEN
    state = documents.read(copy / "state.json", 1)
    documents.write(copy / "state.json", {**state, "batch": 3})
    assert soak.place(copy, 8)[0] == soak.WITHIN
    (copy / "weights-last.params.new").write_bytes(b"half")
    assert soak.place(copy, 8) == (
        soak.WRITING,
        f"{soak.WRITING} (epoch 3, batch 3, step 16, weights-last.params.new)",
    )
    (copy / runs.LAST).rename(copy / "weights-last.params.new")
    assert soak.place(copy, 8)[0] == soak.NAMING
    (copy / "state.json").unlink()
    assert soak.place(copy, 8)[0] == soak.BEGIN


def test_a_run_whose_last_files_were_taking_their_names_is_not_resumed(
    soak: ModuleType, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (copy / runs.LAST).rename(copy / "weights-last.params.new")
    monkeypatch.setattr(soak, "MODELS", {"short": (2, "")})
    monkeypatch.setattr(soak, "killed", lambda words, after_s, begin: "--resume" not in words)
    places = list(soak.survive("short", copy, lambda left: (left, True), 16, 2))
    assert [phase for phase, _ in places] == [soak.NAMING]


def test_a_run_is_over_when_its_last_checkpoint_has_its_names(
    soak: ModuleType, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soak, "MODELS", {"short": (2, ""), "long": (3, "")})
    assert not soak.ended("short", tmp_path / "none")
    assert soak.ended("short", copy)
    assert not soak.ended("long", copy)
    (copy / runs.LAST).rename(copy / "weights-last.params.new")
    assert not soak.ended("short", copy)


def test_only_a_process_that_still_runs_is_killed(soak: ModuleType, tmp_path: Path) -> None:
    assert soak.killed([sys.executable, "-c", "import time; time.sleep(60)"], 0.0)
    assert not soak.killed([sys.executable, "-c", "pass"], 60.0)
    mark = tmp_path / "mark"
    write = f"import pathlib; pathlib.Path({str(mark)!r}).touch(); import time; time.sleep(60)"
    assert soak.killed([sys.executable, "-c", write], 0.0, mark)  # not before it has written the file
    assert mark.is_file()
    with pytest.raises(SystemExit, match=r"exit 3\nwhy"):
        soak.killed([sys.executable, "-c", "import sys; sys.stderr.write('why'); sys.exit(3)"], 60.0)


@pytest.mark.parametrize("other", [False, True])
def test_a_round_that_ends_otherwise_is_counted_and_kept(
    soak: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], other: bool
) -> None:
    """Trainings in this process stand in for the killed ones; the second comes from another seed."""

    def build(folder: Path, seed: int) -> None:
        train(recipes.read("mlp").change([*SMALL, ("train.seed", seed)]), folder)

    def reference(model: str, folder: Path) -> tuple[float, float]:
        build(folder, 0)
        return 1.0, 2.0

    def survive(model: str, folder: Path, *rest: Any) -> Any:
        build(folder, int(other))
        yield soak.WITHIN, soak.WITHIN

    monkeypatch.setattr(soak, "reference", reference)
    monkeypatch.setattr(soak, "survive", survive)
    wrong, phases = soak.soak("mlp", 1, 0, tmp_path)
    assert (wrong, phases) == (int(other), {soak.WITHIN: 1})
    assert (tmp_path / "mlp-1").exists() == other
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith(f"mlp 1/1: killed {soak.WITHIN}: ")
    assert ("unlike: " in line and "weights-last.params" in line) if other else line.endswith("bit-identical")


def test_kills_follow_each_other_until_the_training_ends(
    soak: ModuleType, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, float]] = []
    still_running, nothing_left = iter([False, True, True, True, False]), iter([True, False, False])

    def killed(words: list[str], after_s: float, begin: Path | None = None) -> bool:
        assert begin == (None if after_s == soak.LONGEST_S else copy / "state.json")
        asked.append(("resume" if "--resume" in words else "new", after_s))
        if not copy.exists():
            shutil.copytree(keep, copy)
        return next(still_running)

    keep = copy.with_name("keep")
    shutil.copytree(copy, keep)
    monkeypatch.setattr(soak, "killed", killed)
    monkeypatch.setattr(soak, "ended", lambda model, folder: next(nothing_left))
    monkeypatch.setattr(soak, "saved", lambda model, folder: False)
    places = list(soak.survive("mlp", copy, lambda left: (left, True), 32, 2))
    # The first two were quicker than their moments, so it is started again; step 16 of 32 is half of the way.
    assert asked == [("new", 1.0)] * 3 + [("resume", 0.5), ("resume", soak.LONGEST_S)]
    assert [phase for phase, _ in places] == [soak.BETWEEN, soak.AGAIN]
