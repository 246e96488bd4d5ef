from __future__ import annotations

from pathlib import Path

import pytest

from gluon_ref import catalog, optimizers, schedules
from gluon_ref import recipe as recipes
from gluon_ref.errors import GluonRefError, OptionError, PathError, RecipeError, UnknownNameError
from gluon_ref.recipe import SECTIONS, Recipe, Settings, parse

TEXT = """
[task]
name = "classify"
[model]
name = "mlp"
units = [7, 5]
[data]
name = "iris"
"""


def tiny() -> Recipe:
    return parse(TEXT, "tiny", "tiny.toml")


def test_a_recipe_is_its_sections_by_name() -> None:
    recipe = tiny()
    assert recipe.name == "tiny"
    assert recipe["model"] == {"name": "mlp", "units": [7, 5]}
    assert recipe.options("model") == {"units": [7, 5]}
    assert recipe["train"] == {}


def test_a_checked_recipe_is_complete_and_typed() -> None:
    recipe = tiny().check()
    assert tuple(recipe.sections) == SECTIONS
    assert recipe["model"] == {"name": "mlp", "units": (7, 5), "activation": "relu", "dropout": 0.0}
    assert recipe["data"] == {"name": "iris", "held_out": 0.2, "path": ""}
    assert recipe["optimizer"] == {"name": "adam", **optimizers.complete("adam", {})}
    assert recipe["schedule"] == {"name": "constant", "warmup": 0.0}
    assert recipe.settings == Settings()


def test_only_the_sections_named_are_checked() -> None:
    recipe = tiny().change([("model.name", "no_such_model"), ("data.held_out", "0.5")])
    checked = recipe.check(["data"])
    assert checked["data"] == {"name": "iris", "held_out": 0.5, "path": ""}
    assert checked["model"] == recipe["model"] == {"name": "no_such_model"}


VARIANTS = [
    [],
    [("train.clip_norm", "0.5"), ("train.device", "cpu:2"), ("model.units", "")],
    [("data.name", "table"), ("data.path", 'a "b"\\c.csv'), ("data.label", "é")],
    *([("optimizer.name", name)] for name in optimizers.names()),
    *([("schedule.name", name)] for name in schedules.SCHEDULES),
]


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_a_complete_recipe_comes_back_equal_from_its_text(changes: list[tuple[str, str]]) -> None:
    recipe = tiny().change(changes).check()
    assert parse(recipe.text(), "other", "run.toml").check() == recipe


@pytest.mark.parametrize("name", catalog.names("recipes"))
def test_every_recipe_of_the_catalogue_checks_and_comes_back(name: str) -> None:
    recipe = recipes.read(name).check()
    assert recipe.name == name
    assert parse(recipe.text(), "", name).check() == recipe


def test_the_run_folder_holds_the_complete_recipe(run: Path) -> None:
    recipe = recipes.read(str(run))
    assert recipe == recipes.read(str(run / "run.toml"))
    assert tuple(recipe.sections) == SECTIONS
    assert recipe.check().text() == (run / "run.toml").read_text(encoding="utf-8")
    assert recipe.text().startswith('format = 1\nname = "mlp"\n')


def test_a_change_replaces_one_value_and_leaves_the_recipe_as_it_was() -> None:
    recipe = tiny()
    changed = recipe.change([("model.dropout", "0.5"), ("train.epochs", 3)])
    assert changed["model"] == {"name": "mlp", "units": [7, 5], "dropout": "0.5"}
    assert changed["train"] == {"epochs": 3}
    assert recipe == tiny()


def test_another_name_drops_the_options_of_the_old_one_wherever_it_stands() -> None:
    changed = tiny().change([("model.units", "3"), ("model.name", "lstm")])
    assert changed["model"] == {"name": "lstm", "units": "3"}
    assert tiny().change([("model.name", "cnn")])["model"] == {"name": "cnn"}


def test_the_same_name_keeps_the_options() -> None:
    assert tiny().change([("model.name", "mlp")])["model"] == {"name": "mlp", "units": [7, 5]}


@pytest.mark.parametrize("key", ["epochs", "train", "train.", ".epochs", "trian.epochs"])
def test_a_change_of_no_known_section_is_refused(key: str) -> None:
    with pytest.raises(RecipeError) as caught:
        tiny().change([(key, "1")])
    assert str(caught.value).startswith(f"--set: {key!r}; expected SECTION.KEY with a section among task, model, data")
    assert "pass for example --set train." in str(caught.value)


BAD_TEXTS = [
    ("[task]\nname = 1\n[task]\nname = 2", RecipeError, "recipe x.toml: not TOML ("),
    (f"[task]\nname = 1{'0' * 5000}", RecipeError, "recipe x.toml: not TOML (Exceeds the limit"),
    (f"[task]\nname = {'[' * 5000}", RecipeError, "recipe x.toml: not TOML ("),
    (f"a{'.a' * 100_000} = 1", RecipeError, "recipe x.toml: not TOML (more than 1,048,576 characters or 5,000 dots)"),
    (f"# {'a' * 2**20}", RecipeError, "recipe x.toml: not TOML (more than 1,048,576 characters or 5,000 dots)"),
    ("[task]\nname = 'a'\nname = 'b'", RecipeError, "expected a TOML file with each key once"),
    ("[modle]\nname = 'mlp'", UnknownNameError, "recipe x.toml: section: unknown name 'modle'; expected one of augm"),
    ("task = 3", RecipeError, "recipe x.toml: task = 3; expected a section [task]; write [task] on a line of its own"),
    ("format = 2", RecipeError, "recipe x.toml: format 2; expected format 1 or older; use the release of gluon_ref"),
    ("format = 'new'", RecipeError, "recipe x.toml: format 'new'; expected format 1 or older"),
    ("name = 7", OptionError, "recipe x.toml: name = 7; expected text; write name = "),
    ("name = '../a'", OptionError, "recipe x.toml: name = '../a'; expected the name of a folder; write name = "),
    ("name = ''", OptionError, "recipe x.toml: name = ''; expected the name of a folder"),
]


@pytest.mark.parametrize(("text", "kind", "message"), BAD_TEXTS)
def test_a_text_that_is_no_recipe_is_refused(text: str, kind: type[GluonRefError], message: str) -> None:
    with pytest.raises(kind) as caught:
        parse(text, "x", "x.toml")
    assert message in str(caught.value)


BAD_CHANGES = [
    ("train.epochs", "0", OptionError, "train: epochs=0; expected 1 or more; pass --set train.epochs=10"),
    ("train.batch_size", "-3", OptionError, "train: batch_size=-3; expected 1 or more"),
    ("train.log_steps", "0", OptionError, "train: log_steps=0; expected 1 or more"),
    ("train.seed", "-1", OptionError, "train: seed=-1; expected 0 to 2147483647"),
    ("train.seed", str(2**31), OptionError, "train: seed=2147483648; expected 0 to 2147483647"),
    ("train.clip_norm", "0", OptionError, "train: clip_norm=0.0; expected above 0, or none"),
    ("train.kvstore", "dist", OptionError, "option train.kvstore: 'dist'; expected one of local, device"),
    ("train.epoch", "3", UnknownNameError, "option train.epoch: unknown name 'epoch'"),
    ("schedule.name", "cosin", UnknownNameError, "schedule: unknown name 'cosin'; expected one of constant, cosine"),
    ("optimizer.beta3", "1", UnknownNameError, "option optimizer.beta3: unknown name 'beta3'"),
    ("model.name", "mpl", UnknownNameError, "model: unknown name 'mpl'"),
    ("task.name", "", RecipeError, "recipe tiny: section [task] has no name; expected [task] with name = "),
]


@pytest.mark.parametrize(("key", "value", "kind", "message"), BAD_CHANGES)
def test_a_recipe_that_cannot_be_carried_out_is_refused(
    key: str, value: str, kind: type[GluonRefError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        tiny().change([(key, value)]).check()
    assert str(caught.value).startswith(message)


def test_a_name_that_is_no_recipe_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"recipe: unknown name 'cmn'; expected one of .*; did you mean cnn\?"):
        recipes.read("cmn")


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_is_missing_or_not_utf8_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "own.toml"
    if content:
        path.write_bytes(content)
    with pytest.raises(PathError, match=r"own.toml cannot be read .*; expected a TOML file in UTF-8; give a readable"):
        recipes.read(str(path))


def test_a_file_is_called_by_its_own_name_or_the_name_in_it(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(TEXT, encoding="utf-8")
    assert recipes.read(str(tmp_path / "own.toml")).name == "own"
    (tmp_path / "own.toml").write_text("name = 'mine'\n" + TEXT, encoding="utf-8")
    assert recipes.read(str(tmp_path / "own.toml")).name == "mine"


@pytest.mark.parametrize("written", ["true", "0", "-1", '"1"', "1.0"])
def test_a_format_that_is_no_number_of_one_is_refused(written: str) -> None:
    with pytest.raises(RecipeError, match=r"recipe here: format .*; expected format 1 or older"):
        recipes.parse(f"format = {written}", "x", "here")


def test_of_a_huge_recipe_no_more_is_read_than_shows_it(tmp_path: Path) -> None:
    with open(tmp_path / "huge.toml", "wb") as file:
        file.truncate(2**40)
    with pytest.raises(RecipeError, match=r"huge.toml: not TOML \(more than 1,048,576 characters or 5,000 dots\)"):
        recipes.read(str(tmp_path / "huge.toml"))
