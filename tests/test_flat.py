"""Updates of all parameters at once are those of MXNet's own optimizers, one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gluon_ref import flat, states
from gluon_ref import recipe as recipes
from gluon_ref.backend import mx
from gluon_ref.preparation import prepare

SHAPES = {"wide": (300, 21), "filters": (4, 3, 3, 3), "bias": (4,), "one": (1,)}
OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("sgd", {}),
    "momentum": ("sgd", {"momentum": 0.9}),
    "momentum with decay and a cut": ("sgd", {"momentum": 0.8, "wd": 0.01, "clip_gradient": 0.05}),
    "adam": ("adam", {}),
    "adam with decay and a cut": ("adam", {"beta1": 0.8, "beta2": 0.99, "wd": 0.01, "clip_gradient": 0.05}),
    "adamw": ("adamw", {"wd": 0.1}),
    "adamw with a cut": ("adamw", {"wd": 0.1, "clip_gradient": 0.05, "epsilon": 1e-4}),
    "nag": ("nag", {"momentum": 0.9, "wd": 0.01}),
    "signum": ("signum", {"momentum": 0.9, "wd": 0.01}),
    "adamax": ("adamax", {"wd": 0.01}),
    "adagrad": ("adagrad", {"wd": 0.01}),
    "adadelta": ("adadelta", {"wd": 0.01}),
    "rmsprop": ("rmsprop", {"wd": 0.01}),
    "rmsprop, centred": ("rmsprop", {"centered": True}),
    "ftrl": ("ftrl", {}),
    "ftml": ("ftml", {}),
}
SIZE = 7


def made(name: str, options: dict[str, Any], factors: bool = True) -> tuple[Any, Any]:
    """Parameters of all shapes with a trainer of theirs."""
    random = np.random.RandomState(3)
    params = mx.gluon.ParameterDict()
    for at, (own, shape) in enumerate(SHAPES.items()):
        param = params.get(own, shape=shape)
        param.initialize(mx.init.Constant(mx.nd.array(random.randn(*shape))))
        if factors:
            param.lr_mult, param.wd_mult = (2.0, 0.0) if at % 2 else (1.0, 1.0)
    schedule = mx.lr_scheduler.PolyScheduler(max_update=20, base_lr=0.1)
    optimizer = mx.optimizer.create(name, learning_rate=0.1, lr_scheduler=schedule, **options)
    return params, flat.Trainer(params, optimizer, kvstore=None)


def stepped(params: Any, trainer: Any, steps: int, first: int = 0) -> None:
    """Some updates by gradients that are given."""
    for step in range(first, first + steps):
        random = np.random.RandomState(step)
        for param in params.values():
            param.grad()[:] = mx.nd.array(random.randn(*param.shape))
            param.data()._fresh_grad = True
        trainer.update(SIZE)


def values(params: Any) -> dict[str, np.ndarray]:
    """All weights."""
    return {name: param.data().asnumpy() for name, param in params.items()}


@pytest.mark.parametrize("name", OPTIONS)
def test_updates_are_mxnet_s_own(name: str) -> None:
    (ours, trainer), (theirs, plain) = made(*OPTIONS[name]), made(*OPTIONS[name])
    with flat.arranged([trainer]):
        assert trainer.gradients()[0][0].size == sum(np.prod(shape) for shape in SHAPES.values())
        stepped(ours, trainer, 6)
        assert trainer.learning_rate == pytest.approx(0.1 * (1 - 6 / 20) ** 2)
    stepped(theirs, plain, 6)
    for own, expected in values(theirs).items():
        np.testing.assert_allclose(values(ours)[own], expected, rtol=2e-6, atol=2e-7, err_msg=own)
    kept, others = states.arrays(trainer), states.arrays(plain)
    assert kept.keys() == others.keys()
    for key, array in others.items():
        np.testing.assert_allclose(kept[key].asnumpy(), array.asnumpy(), rtol=2e-5, atol=1e-7)
    assert states.counts(trainer) == states.counts(plain)


@pytest.mark.parametrize("name", OPTIONS)
def test_arranging_and_releasing_in_between_changes_no_bit(name: str) -> None:
    (ours, trainer), (whole, other) = made(*OPTIONS[name]), made(*OPTIONS[name])
    with flat.arranged([other]):
        stepped(whole, other, 4)
    for first in (0, 2):
        with flat.arranged([trainer]):
            stepped(ours, trainer, 2, first)
            with flat.apart([trainer]):
                ours["wide"].data()[:] = 0  # a copy
    assert all((values(ours)[own] == array).all() for own, array in values(whole).items())


def test_gradients_of_a_backward_pass_arrive() -> None:
    params, trainer = made("sgd", {}, factors=False)
    before = values(params)
    with flat.arranged([trainer]):
        with mx.autograd.record():
            loss = sum((param.data() * 3).sum() for param in params.values())
        loss.backward()
        trainer.update(1)
    for own, array in values(params).items():
        np.testing.assert_allclose(array, before[own] - 3 * trainer.learning_rate, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["lamb", "nadam"])
def test_optimizers_of_whole_layers_are_left_to_gluon(name: str) -> None:
    params, trainer = made(name, {})
    with flat.arranged([trainer]):
        assert len(trainer.gradients()) == len(SHAPES)
        stepped(params, trainer, 1)


def test_a_dtype_by_name_is_one_too() -> None:
    params = mx.gluon.ParameterDict()
    for own, shape in SHAPES.items():
        params.get(own, shape=shape, dtype="float32").initialize()
    trainer = flat.Trainer(params, "adam", kvstore=None)
    with flat.arranged([trainer]):
        assert len(trainer.gradients()) == 1


@pytest.mark.parametrize("recipe", ["mlp", "cnn", "lstm", "resnet"])
def test_the_recipes_networks_are_arranged(recipe: str) -> None:
    prepared = prepare(recipes.read(recipe).check())
    with flat.arranged(prepared.state.trainers):
        assert len(prepared.state.trainers[0].gradients()) == 1


def test_frozen_parameters_stay() -> None:
    params, trainer = made("adam", {})
    params["bias"].grad_req = "null"
    before = values(params)
    with flat.arranged([trainer]):
        trainer.gradients()[0][0][:] = 1
        trainer.update(1)
    assert (values(params)["bias"] == before["bias"]).all()
    assert (values(params)["one"] != before["one"]).all()


def test_decay_of_adamw_is_apart_from_the_gradient() -> None:
    params, trainer = made("adamw", {"wd": 0.5}, factors=False)
    before = values(params)["one"]
    for param in params.values():
        param.grad()[:] = 0
        param.data()._fresh_grad = True
    trainer.update(1)
    rate = trainer.learning_rate
    np.testing.assert_allclose(values(params)["one"], before * (1 - rate * 0.5), rtol=1e-6)
