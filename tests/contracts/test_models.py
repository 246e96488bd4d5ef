"""What every model promises, run over the whole catalogue."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref import catalog, options
from gluon_ref.backend import mx
from gluon_ref.layers import settle
from gluon_ref.loop import answering
from gluon_ref.records import Facts

from ..conftest import IMAGE, TEXT, VALUE, VECTOR

# Big enough for every model in the catalogue.
LARGER = dataclasses.replace(IMAGE, shape=(3, 16, 17), mean=(3.0,) * 3, std=(2.0,) * 3)
FACTS = {"image": LARGER, "vector": VECTOR, "text": TEXT}
PAIRS = [(name, takes) for name in catalog.names("models") for takes in catalog.find("models", name).TAKES]


def made(name: str, facts: Facts) -> tuple[Any, Any]:
    """A network of default options, initialized, and its input form."""
    form = catalog.find("inputs", facts.takes)
    net = catalog.find("models", name).build(facts)
    net.initialize(mx.init.Xavier())
    settle(net, form.fields(facts), mx.cpu())
    return net, form


@pytest.mark.parametrize(("name", "takes"), PAIRS)
def test_scores_have_a_row_per_sample_and_a_column_per_label(name: str, takes: str) -> None:
    net, form = made(name, FACTS[takes])
    for batch in (1, 2, 5):
        arrays = form.collate(form.imagine(FACTS[takes], batch, np.random.RandomState(batch)), FACTS[takes])
        scores = answering(net, mx.cpu())(*arrays)[0]
        assert scores.shape == (batch, 3)
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()


@pytest.mark.parametrize(("name", "takes"), PAIRS)
def test_hybrid_equals_eager(name: str, takes: str) -> None:
    net, form = made(name, FACTS[takes])
    arrays = form.collate(form.imagine(FACTS[takes], 4, np.random.RandomState(0)), FACTS[takes])
    eager = answering(net, mx.cpu())(*arrays)[0]
    net.hybridize(static_alloc=True)
    hybrid = answering(net, mx.cpu())(*arrays)[0]
    # oneDNN may fuse operators and round in another order; scores here reach some tens.
    np.testing.assert_allclose(hybrid, eager, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("name", "takes"), PAIRS)
def test_weights_survive_a_file(name: str, takes: str, tmp_path: Path) -> None:
    (first, form), (second, _) = made(name, FACTS[takes]), made(name, FACTS[takes])
    arrays = form.collate(form.imagine(FACTS[takes], 3, np.random.RandomState(0)), FACTS[takes])
    first.save_parameters(str(tmp_path / "weights.params"))
    second.load_parameters(str(tmp_path / "weights.params"))
    np.testing.assert_array_equal(answering(first, mx.cpu())(*arrays)[0], answering(second, mx.cpu())(*arrays)[0])


@pytest.mark.parametrize(("name", "takes"), PAIRS)
def test_parameter_names_do_not_depend_on_what_was_built_before(name: str, takes: str) -> None:
    (first, _), (second, _) = made(name, FACTS[takes]), made(name, FACTS[takes])
    assert list(first.collect_params()) == list(second.collect_params())
    assert first.prefix == f"{name}_"


@pytest.mark.parametrize(("name", "takes"), PAIRS)
def test_a_score_depends_on_its_own_sample_only(name: str, takes: str) -> None:
    net, form = made(name, FACTS[takes])
    samples = form.imagine(FACTS[takes], 3, np.random.RandomState(0))
    together = answering(net, mx.cpu())(*form.collate(samples, FACTS[takes]))[0]
    alone = answering(net, mx.cpu())(*form.collate(samples[1:2], FACTS[takes]))[0]
    np.testing.assert_allclose(alone, together[1:2], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", catalog.names("models"))
def test_every_option_is_explained(name: str) -> None:
    module = catalog.find("models", name)
    assert module.GIVES
    assert module.TAKES
    for option in options.schema(module.build).values():
        assert option.help, f"{option.name} has no line under Args"
        assert options.convert("here", options.spell_value(option.default), option.type) == option.default


@pytest.mark.parametrize("name", [n for n in catalog.names("models") if "vector" in catalog.find("models", n).TAKES])
def test_models_of_vectors_also_answer_values(name: str) -> None:
    net, form = made(name, VALUE)
    arrays = form.collate(form.imagine(VALUE, 2, np.random.RandomState(0)), VALUE)
    assert answering(net, mx.cpu())(*arrays)[0].shape == (2, 1)
