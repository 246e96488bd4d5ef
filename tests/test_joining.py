"""What the workers of a run are told: the checkpoint, and whether they have the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gluon_ref import joining, runs
from gluon_ref import recipe as recipes
from gluon_ref.errors import FitError
from gluon_ref.preparation import prepare
from gluon_ref.workers import ALONE, Group

from .conftest import SMALL


class Second(Group):
    """Worker 1 of two, who hears what it is made with."""

    rank, workers = 1, 2

    def __init__(self, heard: bytes) -> None:
        self.heard = heard

    def broadcast(self, message: bytes) -> bytes:
        """What rank 0 says."""
        return self.heard

    def gather(self, message: bytes) -> list[bytes]:
        """What rank 0 says, and this one."""
        return [self.heard, message]


def test_alone_a_run_s_own_folder_is_gone_on_from(run: Path) -> None:
    with joining.handed(ALONE, run) as folder:
        assert folder == run


def test_another_worker_gets_a_copy_that_is_a_run_without_what_it_does_not_need(run: Path) -> None:
    said: list[bytes] = []

    class First(Group):
        workers = 2

        def broadcast(self, message: bytes) -> bytes:
            said.append(message)
            return message

    with joining.handed(First(), run):
        pass
    with joining.handed(Second(said[0]), run / "not here") as copy:
        opened = runs.load(copy)
        assert opened.state == runs.load(run).state
        assert opened.file(runs.LAST).read_bytes() == (run / runs.LAST).read_bytes()
        assert not (copy / runs.BEST).exists()
        assert not (copy / "log.jsonl").exists()
    assert not copy.exists()


def test_a_copy_of_a_message_stays_in_its_folder(run: Path, tmp_path: Path) -> None:
    import numpy as np

    from gluon_ref.workers import packed

    message = packed({"../../out": np.frombuffer(b"x", np.uint8)})
    with joining.handed(Second(message), tmp_path) as copy:
        assert [path.name for path in copy.iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("change", "what"), [(("optimizer.learning_rate", "0.5"), "recipe"), (("data.held_out", "0.4"), "data")]
)
def test_workers_with_another_recipe_or_other_data_are_refused(change: tuple[str, str], what: str) -> None:
    heard: list[bytes] = []

    class First(Group):
        workers = 2

        def gather(self, message: bytes) -> list[bytes]:
            heard.append(message)
            return [message, message]

    base = recipes.read("mlp").change(SMALL)
    joining.alike(First(), prepare(base.check()))
    other = prepare(base.change([change]).check())
    with pytest.raises(FitError, match=rf"worker 1 has another (recipe|{what}) than worker 0; expected the same"):
        joining.alike(Second(heard[0]), other)
    joining.alike(Second(heard[0]), prepare(base.check()))


@pytest.mark.parametrize(("asked", "expected"), [([], "device"), ([("train.kvstore", "local")], "local")])
def test_a_process_of_its_own_takes_the_store_that_is_asked_for(
    asked: list[tuple[str, str]], expected: str, run: Path
) -> None:
    assert joining.store(run, asked) == expected


def test_launched_a_run_s_own_store_is_kept(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLUONREF_LAUNCHED", "1")
    assert joining.store(run, []) == runs.load(run).recipe.settings.kvstore
    assert joining.store(tmp_path / "elsewhere", []) == "dist_sync"
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    assert joining.store(copy, [("train.kvstore", "dist_async")]) == "dist_async"
