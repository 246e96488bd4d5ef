"""What every task promises, run over the whole catalogue."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gluon_ref import catalog, options
from gluon_ref.backend import mx
from gluon_ref.records import Batch, Facts, Task

from ..conftest import VALUE, VECTOR


def made(name: str) -> tuple[Task, Facts]:
    """The task, and facts it reads."""
    module = catalog.find("tasks", name)
    for facts in (VECTOR, VALUE):
        task: Task = module.build(facts)
        if facts.target in task.reads:
            return task, facts
    raise AssertionError(f"no facts here for task {name}")


def outputs_and_targets(facts: Facts, count: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(1)
    scores = random.normal(size=(count, facts.outputs)).astype(np.float32)
    labels = random.randint(0, max(2, facts.outputs), count)
    return scores, labels.astype(np.int32) if facts.target == "label" else labels.astype(np.float32)


@pytest.mark.parametrize("name", catalog.names("tasks"))
def test_a_loss_is_one_number_per_sample(name: str) -> None:
    task, facts = made(name)
    scores, targets = outputs_and_targets(facts, 4)
    net: Any = lambda x: x  # noqa: E731
    for objective in task.objectives:
        loss = objective.loss(net, Batch((mx.nd.array(scores),), mx.nd.array(targets, dtype=targets.dtype), 4))
        assert loss.shape == (4,)
        assert loss.dtype == np.float32


@pytest.mark.parametrize("name", catalog.names("tasks"))
def test_measures_of_two_halves_add_up_to_those_of_the_whole(name: str) -> None:
    task, facts = made(name)
    scores, targets = outputs_and_targets(facts, 7)
    whole, one, other = (task.measure(scores[part], targets[part]) for part in (slice(None), slice(3), slice(3, 7)))
    added = task.metrics({key: one[key] + other[key] for key in whole})
    for key, value in task.metrics(whole).items():
        np.testing.assert_allclose(added[key], value, rtol=1e-9, err_msg=key)


@pytest.mark.parametrize("name", catalog.names("tasks"))
def test_the_watched_figure_is_among_the_metrics(name: str) -> None:
    task, facts = made(name)
    metrics = task.metrics(task.measure(*outputs_and_targets(facts, 5)))
    assert isinstance(metrics[task.watch[0]], float)
    assert task.watch[1] in ("max", "min")


@pytest.mark.parametrize("name", catalog.names("tasks"))
def test_every_sample_gets_one_answer(name: str) -> None:
    task, facts = made(name)
    answers = task.decode(outputs_and_targets(facts, 5)[0])
    assert len(answers) == 5
    assert all({"label", "value"} & set(answer) for answer in answers)


@pytest.mark.parametrize("name", catalog.names("tasks"))
def test_every_option_is_explained(name: str) -> None:
    for option in options.schema(catalog.find("tasks", name).build).values():
        assert option.help, f"{option.name} has no line under Args"
