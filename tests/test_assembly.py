from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gluon_ref import catalog, runs
from gluon_ref.assembly import assemble, fill, load_data
from gluon_ref.backend import mx
from gluon_ref.errors import AlteredError, FitError, PathError
from gluon_ref.inputs import text, vector
from gluon_ref.models import mlp
from gluon_ref.recipe import Recipe, parse
from gluon_ref.records import Facts, Field
from tests.conftest import IMAGE, TEXT, VALUE, VECTOR


def recipe(task: str = "classify", model: str = "mlp", data: str = "iris", path: str = "") -> Recipe:
    written = f"[task]\nname = '{task}'\n[model]\nname = '{model}'\n[data]\nname = '{data}'\npath = '{path}'\n"
    return parse(written, "own", "own.toml").check()


@pytest.fixture
def own_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A model of the user's own that gives boxes."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_models").mkdir()
    (tmp_path / "own_models" / "boxes.py").write_text(
        "TAKES, GIVES = ('vector',), 'boxes'\ndef build(facts):\n    return facts\n"
    )
    yield "own_models.boxes"
    for name in [name for name in sys.modules if name.startswith("own_models")]:
        del sys.modules[name]


def test_task_network_and_input_form_are_built_for_the_facts() -> None:
    found = assemble(recipe(), VECTOR)
    assert found.facts is VECTOR
    assert found.form is vector
    assert isinstance(found.net, mlp.MLP)
    assert found.task.watch == ("accuracy", "max")
    assert found.fields == (Field("data", (5,), "float32"),)


@pytest.mark.parametrize(
    ("task", "model", "facts"), [("classify", "cnn", IMAGE), ("classify", "lstm", TEXT), ("regress", "mlp", VALUE)]
)
def test_what_fits_is_assembled(task: str, model: str, facts: Facts) -> None:
    assert assemble(recipe(task, model), facts).fields == assemble(recipe(task, model), facts).form.fields(facts)


MISFITS = [
    (
        "regress",
        "mlp",
        VECTOR,
        "task regress with data iris: samples carry label; expected value; ",
        "task",
        "classify",
    ),
    (
        "classify",
        "mlp",
        VALUE,
        "task classify with data iris: samples carry value; expected label; ",
        "task",
        "regress",
    ),
    ("classify", "lstm", VECTOR, "model lstm with data iris: samples are vector; expected text; ", "model", "mlp"),
    (
        "classify",
        "mlp",
        TEXT,
        "model mlp with data iris: samples are text; expected vector or image; ",
        "model",
        "lstm",
    ),
]


@pytest.mark.parametrize(("task", "model", "facts", "message", "section", "choice"), MISFITS)
def test_what_does_not_fit_is_refused_with_what_would(
    task: str, model: str, facts: Facts, message: str, section: str, choice: str
) -> None:
    with pytest.raises(FitError) as caught:
        assemble(recipe(task, model), facts)
    assert str(caught.value).startswith(message)
    told = str(caught.value).removeprefix(message)
    assert told.startswith(f"pass --set {section}.name=")
    assert choice in told.removeprefix(f"pass --set {section}.name=").split(" or ")


def test_a_model_that_gives_something_else_is_refused(own_model: str) -> None:
    with pytest.raises(FitError) as caught:
        assemble(recipe(model=own_model), VECTOR)
    assert str(caught.value).startswith(
        f"model {own_model} for task classify: gives boxes; expected scores; pass --set m"
    )


@pytest.mark.parametrize("constant", ["TAKES", "GIVES"])
def test_a_model_that_does_not_say_what_it_takes_and_gives_is_refused(
    own_model: str, constant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(catalog.find("models", own_model), constant)
    with pytest.raises(FitError) as caught:
        assemble(recipe(model=own_model), VECTOR)
    assert str(caught.value).startswith(f"model {own_model}: its file has no {constant}; expected TAKES, the inputs it")
    assert str(caught.value).endswith(f"; add {constant} to it")


def test_a_network_is_filled_from_a_file_of_its_own_weights(run: Path) -> None:
    opened = runs.load(run)
    net, file = assemble(opened.recipe, opened.facts).net, opened.file(runs.LAST)
    fill(net, file, [mx.cpu()])
    saved = mx.nd.load(str(file))
    for name, param in net._collect_params_with_prefix().items():
        np.testing.assert_array_equal(param.data().asnumpy(), saved[name].asnumpy())


@pytest.mark.parametrize("units", ["7,5", "7", "none"])
def test_the_weights_of_another_network_are_refused(run: Path, units: str) -> None:
    opened = runs.load(run)
    other = opened.recipe.change([("model.units", [] if units == "none" else units)]).check()
    with pytest.raises(AlteredError) as caught:
        fill(assemble(other, opened.facts).net, opened.file(runs.LAST), [mx.cpu()])
    assert str(caught.value).startswith(f"{run / runs.LAST}: ")
    assert str(caught.value).endswith(
        "; expected weights of the recipe's network; restore run.toml as the run wrote it"
    )


def test_where_nothing_fits_the_message_says_so() -> None:
    sound = Facts("sound", "label", (5,), labels=("a", "b"))
    with pytest.raises(FitError, match="samples are sound; expected vector or image; no model here fits; write one"):
        assemble(recipe(), sound)


def test_a_run_is_opened_without_the_file_its_network_started_from() -> None:
    text = '[task]\nname = "classify"\n[model]\nname = "backbone"\nweights = "gone.params"\n[data]\nname = "digits"\n'
    started = parse(text, "x", "here").check(["task", "model", "data"])
    facts = load_data(started).facts
    with pytest.raises(PathError, match=r"weights=gone.params is no file"):
        assemble(started, facts)
    assert assemble(started, facts, fresh=False).net.prefix == "backbone_"


def test_data_is_loaded_with_the_options_of_the_recipe() -> None:
    data = load_data(recipe().change([("data.held_out", "0.5")]).check())
    assert (len(data.train), len(data.held_out)) == (75, 75)


def test_only_data_that_encodes_by_them_is_given_known_facts(tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    path.write_text("text,label\nab c,a\nc,b\n")
    data = load_data(recipe(model="lstm", data="text_table", path=str(path)), TEXT)
    assert data.facts is TEXT
    assert [one.tolist() for one in data.held_out.inputs] == [one.tolist() for one in text.encode(["ab c", "c"], TEXT)]
    assert load_data(recipe(), VECTOR).facts.labels == ("setosa", "versicolor", "virginica")
