"""Text becomes values, values become combinations, and a combination's name tells it and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from gluon_ref import recipe as recipes
from gluon_ref.errors import OptionError, RecipeError, RequestError, UnknownNameError
from gluon_ref.sweeps import grids

MLP = recipes.read("mlp")


@pytest.mark.parametrize(
    ("key", "text", "values"),
    [
        ("optimizer.learning_rate", "0.001,0.003", ["0.001", "0.003"]),
        ("optimizer.learning_rate", " 1e-3 , 3e-3", ["0.001", "0.003"]),
        ("optimizer.learning_rate", "0.1", ["0.1"]),
        ("train.epochs", "2,3", ["2", "3"]),
        ("train.hybridize", "yes,off", ["true", "false"]),
        ("train.clip_norm", "none,1", ["none", "1.0"]),
        # one value of these is several numbers, as in `train`
        ("model.units", "64,32", ["64,32"]),
        ("model.units", "64,32;128;7", ["64,32", "128", "7"]),
        ("model.units", ";7", ["", "7"]),
        ("model.units", "", [""]),
        ("task.class_weights", "none;balanced", ["none", "balanced"]),
        # a text may hold commas
        ("train.device", "gpu:0,1", ["gpu:0,1"]),
        ("train.device", "cpu;gpu:0,1", ["cpu", "gpu:0,1"]),
        ("data.path", "a, b.csv;c.csv", ["a, b.csv", "c.csv"]),
        # a choice and a name may not
        ("model.activation", "relu,tanh", ["relu", "tanh"]),
        ("optimizer.name", "adam,sgd", ["adam", "sgd"]),
        ("schedule.name", "cosine,constant", ["cosine", "constant"]),
        ("augment.mixup", "0,0.2", ["0.0", "0.2"]),
    ],
)
def test_values_are_told_apart_by_the_options_type(key: str, text: str, values: list[str]) -> None:
    assert grids.read(MLP, [(key, text)]) == {key: values}


def test_options_are_sorted_so_that_their_order_means_nothing() -> None:
    one, other = ("train.epochs", "2,1"), ("model.units", "7;5")
    assert list(grids.read(MLP, [one, other])) == list(grids.read(MLP, [other, one])) == ["model.units", "train.epochs"]


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        (
            [("optimizer.learning_rate", "0.1;0.2")],
            OptionError,
            r"'0.1;0.2'.*number; several values separated by comma",
        ),
        ([("optimizer.learning_rate", "0.1,x")], OptionError, r"learning_rate: 'x'; expected number"),
        ([("optimizer.learning_rate", "0.1,,0.2")], OptionError, r"'0.1,,0.2' with an empty value; expected values"),
        ([("optimizer.learning_rate", "0.1,")], OptionError, r"'0.1,' with an empty value; expected values"),
        (
            [("optimizer.learning_rate", "0.1,1e-1")],
            OptionError,
            r"learning_rate: '0.1' twice; expected each value once",
        ),
        ([("model.units", "64 32;x")], OptionError, r"option model.units: '64 32'; expected whole numbers"),
        ([("model.activation", "relu,tahn")], OptionError, r"'tahn'; expected one of relu, sigmoid, tanh"),
        ([("model.name", "mlp,")], OptionError, r"option model.name: an empty name"),
        ([("model.name", "mlp,mlp")], OptionError, r"option model.name: 'mlp' twice"),
        ([("model.unit", "3")], UnknownNameError, r"option model.unit: .*did you mean units\?"),
        ([("schedule.name", "cosin"), ("schedule.final", "0")], UnknownNameError, r"did you mean cosine\?"),
        ([("modle.units", "3")], RecipeError, r"'modle.units'; expected SECTION.KEY"),
        ([("units", "3")], RecipeError, r"'units'; expected SECTION.KEY"),
        (
            [("train.epochs", "1"), ("train.epochs", "2")],
            RequestError,
            r"--set train.epochs given twice; expected each",
        ),
        (
            [("train.seed", "1,2")],
            RequestError,
            r"--set train.seed=1,2; expected seeds by their number; pass --seeds 3",
        ),
        (
            [("model.name", "mlp,lstm"), ("model.units", "3,5")],
            RequestError,
            r"model.units=3,5, which is whole numbers .* for mlp and whole number for lstm; .*each name by itself",
        ),
    ],
)
def test_what_cannot_be_told_apart_is_refused(
    settings: list[tuple[str, str]], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        grids.read(MLP, settings)


def test_an_option_is_read_as_each_of_the_names_beside_it_reads_it() -> None:
    settings = [("schedule.name", "poly,cosine"), ("schedule.final", "0,0.5"), ("optimizer.name", "sgd,adam")]
    assert len(grids.combine(MLP, grids.read(MLP, settings))) == 8
    with pytest.raises(UnknownNameError, match=r"option schedule.power"):
        grids.read(MLP, [("schedule.name", "poly,cosine"), ("schedule.power", "1,2")])


def test_a_recipe_without_a_model_is_refused_where_one_of_its_options_has_values() -> None:
    with pytest.raises(RecipeError, match=r"section \[model\] has no name"):
        grids.read(recipes.Recipe("bare", {}), [("model.units", "3")])


def test_every_combination_comes_once_with_its_recipe() -> None:
    found = grids.combine(MLP, {"model.units": ["7", "5,3"], "train.epochs": ["1", "2", "3"]})
    assert [one.name for one in found] == [
        f"units={units}__epochs={epochs}" for units in ("7", "5,3") for epochs in (1, 2, 3)
    ]
    checked = [one.recipe.check() for one in found]
    assert [(one["model"]["units"], one["train"]["epochs"]) for one in checked][3:] == [((5, 3), n) for n in (1, 2, 3)]


def test_without_values_there_is_one_combination() -> None:
    assert [(one.name, one.recipe) for one in grids.combine(MLP, {})] == [("as-it-is", MLP)]


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"model.units": "64,64"}, "units=64,64"),
        ({"model.units": ""}, "units="),
        ({"data.name": "iris", "model.name": "mlp"}, "data.name=iris__model.name=mlp"),
        ({"model.dropout": "0.1", "optimizer.learning_rate": "1e-05"}, "dropout=0.1__learning_rate=1e-05"),
        ({"data.label": "größe"}, "label=größe"),
    ],
)
def test_a_name_is_readable(values: dict[str, str], name: str) -> None:
    assert grids.name(values) == name


@pytest.mark.parametrize("text", ["../../etc", "a b", "a/b", "a;b", "$(x)", "x\ny", "ü" * 300, "*"])
def test_a_name_is_one_folder_whatever_the_value(text: str) -> None:
    name = grids.name({"data.path": text})
    assert name.startswith("path=")
    assert not set(name) & set("/ ;$\n*()")
    assert len(name.encode()) < 200


def test_values_that_a_folder_cannot_spell_have_names_of_their_own() -> None:
    assert len({grids.name({"data.path": text}) for text in ("a/b", "a b", "a-b", "x" * 300, "x" * 301)}) == 5


def request(values: dict[str, list[str]], seeds: int = 2, **changes: Any) -> dict[str, Any]:
    changed = MLP.change([(key.replace("_", ".", 1), value) for key, value in changes.items()])
    return grids.request(changed, values, seeds)


ONE = {"model.units": ["7", "5"]}


def test_more_values_and_more_seeds_go_on_with_a_sweep() -> None:
    assert not grids.differences(request(ONE), request(ONE))
    assert not grids.differences(request({"model.units": ["3", "5", "7"]}, 3), request(ONE))
    assert not grids.differences(request(ONE, train_seed=5), request(ONE))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (request({"model.units": ["7"]}), ["model.units without 5"]),
        (request({"model.units": ["9"]}), ["model.units without 7 and 5"]),
        (request({}), ["model.units is no longer asked for"]),
        (request({**ONE, "train.ema": ["0.9"]}), ["train.ema=0.9 is asked for too"]),
        (request(ONE, 1), ["1 seeds, not 2"]),
        (request(ONE, train_epochs=3), ["train.epochs=3, not 40"]),
        (request(ONE, data_name="iris"), ["data.name=iris, not digits"]),
        ({**request(ONE), "recipe": "cnn"}, ["recipe cnn, not mlp"]),
    ],
)  # fmt: skip
def test_anything_else_is_another_sweep(asked: dict[str, Any], told: list[str]) -> None:
    assert grids.differences(asked, request(ONE)) == told


@pytest.mark.parametrize(
    ("values", "seeds", "words"),
    [
        ({}, 0, r"sweep: 0 runs; expected 1 to 10,000"),
        ({"model.units": [str(n) for n in range(101)], "train.epochs": [str(n) for n in range(100)]}, 1, "10,100 runs"),
        ({"train.precision": ["float32", "bfloat16"]}, 1, r"several values of train.precision; expected one"),
    ],
)
def test_no_run_and_too_many_are_refused(values: dict[str, list[str]], seeds: int, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        request(values, seeds)
