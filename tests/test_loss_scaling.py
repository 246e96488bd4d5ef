"""Loss scaling, in float32 on the CPU: a power of two changes no bit, and what overflows is left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref import checkpoints, loop, loss_scaling, runs
from gluon_ref import recipe as recipes
from gluon_ref.backend import mx
from gluon_ref.errors import AlteredError, FitError
from gluon_ref.loss_scaling import MOST, START, Scale
from gluon_ref.place import spread
from gluon_ref.preparation import Prepared, prepare
from gluon_ref.training import train
from gluon_ref.workers import Group


def test_the_factor_halves_on_overflow_and_doubles_after_many_good_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss_scaling, "PATIENCE", 3)
    scale, fine = Scale(), mx.nd.ones((3,))
    for bad in (np.inf, -np.inf, np.nan):
        assert not scale.holds([fine, mx.nd.array([1.0, bad])])
    assert scale.value == START / 8
    assert [scale.holds([fine, mx.nd.zeros((2, 2))]) for _ in range(3)] == [True] * 3
    assert scale.value == START / 4
    for _ in range(100):
        scale.holds([fine])
    assert scale.value == MOST
    for _ in range(100):
        scale.holds([mx.nd.array([np.inf])])
    assert scale.value == 1


def prepared(clip: float | None, accumulate: int) -> Prepared:
    changes: list[tuple[str, Any]] = [("train.accumulate", accumulate), ("model.dropout", 0), ("train.log_norms", True)]
    changes += [("train.clip_norm", clip)] if clip else []
    return prepare(recipes.read("mlp").change(changes).check())


def stepped(made: Prepared, count: int = 3) -> dict[str, np.ndarray]:
    """Some updates by hand."""
    settings, (objective,) = made.recipe.settings, made.assembly.task.objectives
    batches = iter(made.batches(1))
    for _ in range(count):
        taken = [next(batches) for _ in range(settings.accumulate)]
        pieces, size = [spread(one, made.place) for one in taken], sum(one.size for one in taken)
        loop.step(made.state, objective, made.state.trainers[0], pieces, size, settings.clip_norm)
    return {name: one.data().asnumpy() for name, one in made.state.net._collect_params_with_prefix().items()}


@pytest.mark.parametrize(("clip", "accumulate"), [(None, 1), (0.01, 1), (None, 2)])
def test_a_factor_of_the_loss_leaves_updates_and_norms_as_they_are(clip: float | None, accumulate: int) -> None:
    plain, scaled = prepared(clip, accumulate), prepared(clip, accumulate)
    scaled.state.scale = Scale()
    expected, found = stepped(plain), stepped(scaled)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-6, atol=1e-8, err_msg=name)
    np.testing.assert_allclose(scaled.state.norm.asnumpy(), plain.state.norm.asnumpy(), rtol=1e-5)


def test_an_update_whose_gradients_overflow_is_left_out() -> None:
    made = prepared(None, 1)
    made.state.scale = Scale()
    before = stepped(made, 0)
    made.state.scale.value = float("inf")
    after = stepped(made, 1)
    assert all((after[name] == array).all() for name, array in before.items())
    assert made.state.trainers[0].optimizer.num_update == 0


def test_a_checkpoint_keeps_the_factor(tmp_path: Path) -> None:
    run = train(recipes.read("mlp").change([("train.epochs", 1), ("model.dropout", 0)]), tmp_path / "run")
    made = prepared(None, 1)
    made.state.scale, made.state.best_epoch = Scale(), 0
    assert made.state.scale.holds([mx.nd.ones((1,))])
    assert not made.state.scale.holds([mx.nd.array([np.nan])])
    assert made.state.scale.holds([mx.nd.ones((1,))])
    checkpoints.save(run.folder, made.state, best=False)
    other = prepared(None, 1)
    other.state.scale = Scale()
    checkpoints.restore(runs.load(run.folder), other.state, other.place)
    assert other.state.scale.kept() == [START / 2, 1]


@pytest.mark.parametrize("kept", [None, 3, [3.0, 0], [0.5, 0], [2.0**30, 0], [2.0, -1], [2.0, 0.5], ["2", 0], [2.0]])
def test_another_factor_than_a_checkpoint_writes_is_refused(kept: Any) -> None:
    scale = Scale()
    assert not scale.restore(kept)
    assert scale.kept() == [START, 0]


def test_workers_who_update_each_on_their_own_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gluon_ref.precision.use", lambda name, device: None)
    group = Group()
    group.served = True
    recipe = recipes.read("mlp").change([("train.precision", "float16")]).check()
    with pytest.raises(FitError, match="precision=float16 with kvstore=dist_async"):
        prepare(recipe, group=group)


def test_a_run_in_float16_without_a_factor_is_refused(tmp_path: Path) -> None:
    run = train(recipes.read("mlp").change([("train.epochs", 1), ("model.dropout", 0)]), tmp_path / "run")
    made = prepared(None, 1)
    made.state.scale = Scale()
    with pytest.raises(AlteredError, match="scale None; expected the factor of the loss"):
        checkpoints.restore(run, made.state, made.place)
