from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gluon_ref import documents, runs
from gluon_ref import recipe as recipes
from gluon_ref.errors import AlteredError, GluonRefError, PathError, RecipeError
from gluon_ref.records import Facts
from tests.conftest import SMALL, VALUE, VECTOR

Patch = pytest.MonkeyPatch


def writer(content: bytes) -> Callable[[str], None]:
    return lambda path: Path(path).write_bytes(content) and None


def create(folder: Path, recipe: recipes.Recipe, facts: Facts) -> None:
    with runs.created(folder, recipe, facts):
        pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run with the checkpoint of epoch 1: a.params "a1", b.params "b1"."""
    folder = tmp_path / "deep" / "run"
    create(folder, recipes.read("mlp").change(SMALL).check(), VECTOR)
    runs.commit(folder, {"epoch": 1}, {"a.params": writer(b"a1"), "b.params": writer(b"b1")})
    return folder


def contents(run: runs.Run) -> tuple[int, bytes, bytes]:
    return run.state["epoch"], run.file("a.params").read_bytes(), run.file("b.params").read_bytes()


def test_a_checkpoint_is_loaded_as_it_was_written(folder: Path) -> None:
    run = runs.load(folder)
    assert contents(run) == (1, b"a1", b"b1")
    assert run.facts == VECTOR
    assert run.recipe == recipes.read("mlp").change(SMALL).check()
    assert not list(folder.glob("*.new"))


@pytest.mark.parametrize("facts", [VECTOR, VALUE])
def test_facts_come_back_equal_from_their_file(tmp_path: Path, facts: Facts) -> None:
    create(tmp_path / "run", recipes.read("mlp").check(), facts)
    run = runs.load(tmp_path / "run")
    assert run.facts == facts
    assert run.state == {}
    assert json.loads((tmp_path / "run" / runs.FACTS).read_text())["versions"]["mxnet"] == "1.9.1"


def test_a_file_that_is_not_written_again_stays_part_of_the_checkpoint(folder: Path) -> None:
    runs.commit(folder, {"epoch": 2}, {"a.params": writer(b"a2")})
    assert contents(runs.load(folder)) == (2, b"a2", b"b1")


def test_a_writer_that_fails_leaves_the_old_checkpoint_whole(folder: Path) -> None:
    def fail(path: str) -> None:
        Path(path).write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match=r"disk full"):
        runs.commit(folder, {"epoch": 2}, {"a.params": writer(b"a2"), "b.params": fail})
    assert contents(runs.load(folder)) == (1, b"a1", b"b1")
    runs.commit(folder, {"epoch": 3}, {"a.params": writer(b"a3"), "b.params": writer(b"b3")})
    assert contents(runs.load(folder)) == (3, b"a3", b"b3")


@pytest.mark.parametrize("moves", range(5))
def test_a_kill_at_any_replacement_leaves_one_whole_checkpoint(folder: Path, monkeypatch: Patch, moves: int) -> None:
    left, replace = iter(range(moves)), os.replace

    def killed(source: Path, target: Path) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        try:
            runs.commit(folder, {"epoch": 2}, {"a.params": writer(b"a2"), "b.params": writer(b"b2")})
            interrupted = False
        except KeyboardInterrupt:
            interrupted = True
    assert interrupted == (moves < 3)  # state.json, a.params, b.params
    assert contents(runs.load(folder)) == ((1, b"a1", b"b1") if moves == 0 else (2, b"a2", b"b2"))
    assert contents(runs.load(folder)) == ((1, b"a1", b"b1") if moves == 0 else (2, b"a2", b"b2"))


def test_a_flipped_byte_is_refused(folder: Path) -> None:
    (folder / "a.params").write_bytes(b"a0")
    with pytest.raises(AlteredError) as caught:
        runs.load(folder).file("a.params")
    assert str(caught.value) == (
        f"{folder / 'a.params'}: its checksum differs from state.json's; expected the file as the run wrote it; "
        "restore it from a copy, or train again"
    )


def test_a_missing_file_is_refused(folder: Path) -> None:
    (folder / "a.params").unlink()
    with pytest.raises(AlteredError, match=r"a.params: missing; expected the file as the run wrote it"):
        runs.load(folder).file("a.params")


def test_a_file_the_checkpoint_does_not_hold_is_refused(folder: Path) -> None:
    with pytest.raises(PathError, match=r"holds no c.params; expected a run that has finished an epoch; train it for"):
        runs.load(folder).file("c.params")


@pytest.mark.parametrize("name", [runs.FACTS, runs.STATE])
@pytest.mark.parametrize("written", [2, "new", None])
def test_a_newer_format_is_refused(folder: Path, name: str, written: object) -> None:
    document = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps({**document, "format": written}))
    with pytest.raises(RecipeError) as caught:
        runs.load(folder)
    assert str(caught.value) == (
        f"{folder / name}: format {written!r}; expected format 1 or older; "
        "use the release of gluon_ref that wrote it, or a newer one"
    )


def test_a_newer_recipe_is_refused(folder: Path) -> None:
    text = (folder / runs.RECIPE).read_text()
    (folder / runs.RECIPE).write_text(text.replace("format = 1", "format = 2"))
    (folder / runs.STATE).unlink()
    with pytest.raises(RecipeError, match=r"format 2; expected format 1 or older"):
        runs.load(folder)


BAD_FILES = [
    (runs.FACTS, "{", "not readable as JSON ("),
    (runs.STATE, "[]", "not a JSON object; expected the file as the run wrote it"),
    (runs.FACTS, "{}", "it has no checksum; expected the file as the run wrote it"),
    (
        runs.RECIPE,
        "[train]\nepochs = 9",
        "its checksum differs from state.json's; expected the file as the run wrote it",
    ),
]


@pytest.mark.parametrize(("name", "text", "message"), BAD_FILES)
def test_a_damaged_file_is_refused(folder: Path, name: str, text: str, message: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(AlteredError) as caught:
        runs.load(folder)
    assert str(caught.value).startswith(f"{folder / name}: ")
    assert message in str(caught.value)


def test_facts_that_are_missing_are_refused(folder: Path) -> None:
    (folder / runs.FACTS).unlink()
    with pytest.raises(AlteredError, match=r"facts.json: not readable as JSON"):
        runs.load(folder)


def test_an_entry_of_the_state_has_its_type_or_is_refused(folder: Path) -> None:
    run = runs.load(folder)
    assert run.entry("epoch", int) == 1
    with pytest.raises(AlteredError) as caught:
        run.entry("step", int)
    assert str(caught.value).startswith(f"{folder / runs.STATE}: step is None; expected the file as the run wrote it; ")


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PathError, match=r"no run.toml in it; expected a folder that `gluonref train` made; check the"):
        runs.load(tmp_path)
    with pytest.raises(PathError, match=r"run .*none: no such folder; "):
        runs.load(tmp_path / "none")


def test_a_run_takes_an_empty_folder_and_overwrites_nothing(tmp_path: Path) -> None:
    create(tmp_path, recipes.read("mlp").check(), VECTOR)
    for place in (tmp_path, tmp_path / runs.RECIPE):
        with pytest.raises(PathError) as caught:
            create(place, recipes.read("mlp").check(), VECTOR)
        assert str(caught.value) == (
            f"--out: {place} exists; expected a new or empty folder; nothing is overwritten; "
            "pass another --out, or remove it"
        )


def test_a_place_where_no_folder_can_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PathError) as caught:
        create(tmp_path / "file" / "run", recipes.read("mlp").check(), VECTOR)
    assert "cannot be written (Not a directory); expected a folder you may write; pass another" in str(caught.value)


def test_facts_that_are_none_are_refused(folder: Path) -> None:
    documents.write(folder / runs.FACTS, {"format": 1, "takes": "image", "shape": "wide"})
    with pytest.raises(AlteredError, match=r"facts.json: .*; expected the facts of a data set"):
        runs.load(folder)


@pytest.mark.parametrize("name", [runs.RECIPE, runs.FACTS, runs.STATE, "a.params"])
def test_any_flipped_byte_is_noticed(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    for at in range(0, len(content), max(1, len(content) // 40)):
        (folder / name).write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        try:
            found = runs.load(folder)
        except GluonRefError:
            continue
        if name == "a.params":
            with pytest.raises(AlteredError):
                found.file(name)
        else:  # white space of a JSON document means nothing
            assert name != runs.RECIPE
            assert found == runs.load(folder)
            assert chr(content[at]).isspace()


def test_a_reader_changes_nothing_and_finds_what_a_kill_left_beside(folder: Path, monkeypatch: Patch) -> None:
    replace = os.replace
    with monkeypatch.context() as patch:

        def killed(source: Path, target: Path) -> None:
            if Path(target).name != runs.STATE:
                raise KeyboardInterrupt
            replace(source, target)

        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            runs.commit(folder, {"epoch": 2}, {"a.params": writer(b"a2")})
    before = sorted(path.name for path in folder.iterdir())
    assert contents(runs.load(folder)) == (2, b"a2", b"b1")
    assert sorted(path.name for path in folder.iterdir()) == before
    runs.finish(runs.load(folder))
    assert not list(folder.glob("*.new"))
    assert contents(runs.load(folder)) == (2, b"a2", b"b1")


def test_a_reader_goes_on_when_a_training_writes_meanwhile(folder: Path) -> None:
    run = runs.load(folder)
    runs.commit(folder, {"epoch": 2}, {"a.params": writer(b"a2")})
    assert run.file("a.params").read_bytes() == b"a2"


def test_a_run_is_given_another_recipe_beside_the_same_checkpoint(folder: Path) -> None:
    run = runs.load(folder)
    runs.amend(run, run.recipe.change([("train.epochs", "7")]))
    assert runs.load(folder).recipe.settings.epochs == 7
    assert contents(runs.load(folder)) == (1, b"a1", b"b1")


def test_of_two_processes_that_make_one_folder_the_second_is_refused(tmp_path: Path, monkeypatch: Patch) -> None:
    recipe, lock = recipes.read("mlp").check(), runs.locked
    with runs.created(tmp_path / "run", recipe, VECTOR), pytest.raises(PathError, match=r"--out: .* exists"):
        create(tmp_path / "run", recipe, VECTOR)

    @contextmanager
    def quicker(folder: Path) -> Iterator[None]:
        """Another process is quicker between the look at the folder and its lock."""
        (folder / "theirs").touch()
        with lock(folder):
            yield

    monkeypatch.setattr(runs, "locked", quicker)
    with pytest.raises(PathError, match=r"--out: .* exists"):
        create(tmp_path / "other", recipe, VECTOR)
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["theirs"]


def test_the_fixture_of_a_trained_run_is_a_run(run: Path) -> None:
    opened = runs.load(run)
    assert opened.state["epoch"] == 2
    assert all(opened.file(name).is_file() for name in (runs.LAST, runs.BEST, "trainer-0.states"))


@pytest.mark.parametrize("absolute", [False, True])
def test_a_sealed_state_cannot_have_a_file_outside_replaced(folder: Path, tmp_path: Path, absolute: bool) -> None:
    mine, fresh = tmp_path / "mine", tmp_path / "mine.new"
    mine.write_bytes(b"old")
    fresh.write_bytes(b"new")
    state = documents.read(folder / runs.STATE, runs.FORMAT)
    name = str(mine) if absolute else "../../mine"
    state["files"][name] = documents.checksum(fresh)
    documents.write(folder / runs.STATE, state)
    with pytest.raises(AlteredError, match=r"state.json: a file '.+mine'; expected names of files beside it"):
        runs.finish(runs.load(folder))
    assert (mine.read_bytes(), fresh.read_bytes()) == (b"old", b"new")
