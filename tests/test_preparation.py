from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref import recipe as recipes
from gluon_ref import runs
from gluon_ref.backend import mx
from gluon_ref.errors import FitError, OptionError
from gluon_ref.preparation import freeze, prepare, scale
from gluon_ref.training import train

from .conftest import SMALL


def net() -> Any:
    """Two dense layers with batch norm between, weights of ones."""
    nn = mx.gluon.nn
    made = nn.HybridSequential(prefix="net_")
    with made.name_scope():
        made.add(nn.Dense(2, in_units=3), nn.BatchNorm(in_channels=2), nn.Dense(1, in_units=2))
    made.initialize(mx.init.One())
    return made


def trained(made: Any) -> set[str]:
    return {name for name, param in made.collect_params().items() if param.grad_req != "null"}


def test_a_pattern_freezes_what_it_matches_from_the_start() -> None:
    made = net()
    freeze(made, "net_dense0")
    assert trained(made) == {"net_dense1_weight", "net_dense1_bias", "net_batchnorm0_gamma", "net_batchnorm0_beta"}
    freeze(made, "")
    assert len(trained(made)) == 4


@pytest.mark.parametrize(("pattern", "moves"), [("net_dense0", True), ("net_batchnorm0_gamma", True), ("net_b", False)])
def test_a_frozen_batch_norm_keeps_its_statistics(pattern: str, moves: bool) -> None:
    made = net()
    freeze(made, pattern)
    made.hybridize()
    with mx.autograd.record():
        loss = made(mx.nd.array([[1, 2, 3], [4, 5, 7]]))
    loss.backward()  # MXNet moves them here
    assert (made[1].running_mean.data().asnumpy() != 0).any() == moves


def test_factors_multiply_the_rate_of_what_they_match_and_the_last_counts() -> None:
    made = net()
    scale(made, (".*dense=0.5", ".*dense1_bias=2", "net_batchnorm=0"))
    factors = {name: param.lr_mult for name, param in made.collect_params().items()}
    assert factors["net_dense0_weight"] == 0.5
    assert factors["net_dense1_bias"] == 2
    assert factors["net_batchnorm0_gamma"] == 0
    trainer = mx.gluon.Trainer(made.collect_params(), "sgd", {"learning_rate": 0.1})
    with mx.autograd.record():
        loss = made(mx.nd.ones((1, 3)))
    loss.backward()
    trainer.step(1)
    assert made[2].bias.data().asscalar() == pytest.approx(-0.2)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("freeze", "nothing", "train: freeze='nothing' matches no parameter; expected names like "),
        ("freeze", "(", "train: freeze='(' (missing ), unterminated subpattern at position 0); expected a regular"),
        ("freeze", ".*", "train: freeze='.*' matches every parameter; expected some left to train; pass a narrower"),
        ("factors", "mlp=x", "train: factors='mlp=x'; expected PATTERN=FACTOR, 0 or more; pass --set train.factors="),
        ("factors", "mlp", "train: factors='mlp'; expected PATTERN=FACTOR"),
        ("factors", "mlp=-1", "train: factors='mlp=-1'; expected PATTERN=FACTOR"),
        ("factors", "lpm.*=2", "train: factors='lpm.*' matches no parameter"),
    ],
)
def test_a_pattern_that_makes_no_sense_is_refused_before_anything_is_written(
    key: str, value: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(OptionError) as caught:
        train(recipes.read("mlp").change([*SMALL, (f"train.{key}", value)]), tmp_path / "run")
    assert words in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_what_is_frozen_stays_and_the_rest_learns(tmp_path: Path) -> None:
    recipe = recipes.read("mlp").change([*SMALL, ("train.freeze", "mlp_hidden"), ("train.epochs", 1)]).check()
    before = {name: param.data().asnumpy() for name, param in prepare(recipe).state.net.collect_params().items()}
    train(recipe, tmp_path / "run")
    prepared = prepare(recipe)
    prepared.state.net.load_parameters(str(tmp_path / "run" / runs.LAST))
    for name, param in prepared.state.net.collect_params().items():
        same = np.array_equal(param.data().asnumpy(), before[name])
        assert same == ("hidden" in name or "standardize" in name), name


def test_updates_are_counted_by_accumulated_batches(tmp_path: Path) -> None:
    recipe = recipes.read("mlp").change([*SMALL, ("train.accumulate", 3), ("train.epochs", 2)])
    run = train(recipe, tmp_path / "run")
    assert run.state["step"] == 2 * 3  # 120 samples are 8 batches of 16
    assert run.state["seen"] == 240
    assert run.state["rate"] == pytest.approx(0, abs=1e-9)  # the cosine ends with the last update


def test_noise_scaled_by_a_rate_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FitError, match=r"optimizer sgld: a schedule that ends at 0; .* --set schedule.final=0.01"):
        train(recipes.read("mlp").change([*SMALL, ("optimizer.name", "sgld")]), tmp_path / "run")


def test_an_epoch_goes_on_with_the_batches_it_would_have_had() -> None:
    changes = [("model.filters", "4"), ("train.batch_size", 300), ("augment.mixup", 0.2), ("augment.cutout", 0.5)]
    prepared = prepare(recipes.read("cnn").change(changes).check())
    every = list(prepared.batches(2))
    assert len(every) == 5
    for one, other in zip(every[2:], prepared.batches(2, 2)):
        np.testing.assert_array_equal(one.inputs[0], other.inputs[0])
        np.testing.assert_array_equal(one.targets, other.targets)
    assert not np.array_equal(every[0].targets, next(iter(prepared.batches(3))).targets)
    assert all(batch.targets.ndim == 1 for batch in prepared.held_out())
