from __future__ import annotations

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.errors import FitError, OptionError, UnknownNameError
from gluon_ref.optimizers import SINGLE, complete, make, names, schema
from gluon_ref.schedules import constant

GRADIENT = np.array([[0.5, -0.25, 1.0], [2.0, -1.0, 0.125]], dtype=np.float32)


def updated(name: str, **given: object) -> np.ndarray:
    """A weight of ones (2, 3) after one update."""
    settings = complete(name, given)
    optimizer = make(name, constant(settings["learning_rate"], 2, 5), settings)
    weight = mx.nd.ones((2, 3))
    mx.optimizer.get_updater(optimizer)(0, mx.nd.array(GRADIENT), weight)
    return weight.asnumpy()


def test_sgd_subtracts_the_rate_times_the_gradient_and_the_penalty() -> None:
    np.testing.assert_array_equal(updated("sgd", learning_rate=0.5), 1 - 0.5 * GRADIENT)
    np.testing.assert_array_equal(updated("sgd", learning_rate=0.5, weight_decay=0.25), 1 - 0.5 * (GRADIENT + 0.25))


def test_the_usual_optimizers_are_there_and_those_unfit_for_networks_are_not() -> None:
    assert {"adam", "adamax", "lamb", "nag", "rmsprop", "sgd"} <= set(names())
    assert not {"test", "ccsgd", "groupadagrad"} & set(names())
    assert names() == sorted(names())


@pytest.mark.parametrize("name", names())
def test_every_optimizer_changes_a_weight_by_its_defaults(name: str) -> None:
    weight = updated(name)
    assert np.isfinite(weight).all()
    assert (weight != 1).all()


@pytest.mark.parametrize("name", names())
def test_every_truth_value_can_be_switched(name: str) -> None:
    for key, option in schema(name).items():
        if option.type is bool:
            assert np.isfinite(updated(name, **{key: not option.default})).all()


@pytest.mark.parametrize("name", names())
def test_every_option_has_a_default_that_reads_as_itself(name: str) -> None:
    values = complete(name, {})
    assert complete(name, {key: "none" if value is None else str(value) for key, value in values.items()}) == values


def test_a_name_may_be_written_in_capitals() -> None:
    assert schema("Adam") == schema("adam")


def test_the_rate_an_optimizer_was_designed_for_is_its_default() -> None:
    assert complete("adam", {})["learning_rate"] == 0.001
    assert complete("sgd", {})["learning_rate"] == 0.01


@pytest.mark.parametrize("name", ["rescale_grad", "lr_scheduler", "wd", "multi_precision"])
def test_what_the_run_fills_in_is_no_option(name: str) -> None:
    assert all(name not in schema(optimizer) for optimizer in names())


def test_an_unknown_optimizer_is_refused() -> None:
    with pytest.raises(UnknownNameError) as caught:
        schema("adm")
    assert str(caught.value).startswith("optimizer: unknown name 'adm'; expected one of adadelta, ")
    assert str(caught.value).endswith("; did you mean adam?")


@pytest.mark.parametrize(("name", "option"), [("adam", "momentum"), ("dcasgd", "momentum"), ("lbsgd", "batch_scale")])
def test_an_option_it_does_not_have_or_fails_on_is_refused(name: str, option: str) -> None:
    with pytest.raises(UnknownNameError, match=f"option optimizer.{option}: unknown name '{option}'; expected one of"):
        complete(name, {option: 2})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"learning_rate": 0}, "optimizer adam: learning_rate=0.0; expected above 0; "),
        ({"weight_decay": -1}, "optimizer adam: weight_decay=-1.0; expected 0 or more; "),
        ({"beta1": "x"}, "option optimizer.beta1: 'x'; expected number; "),
    ],
)
def test_a_value_out_of_range_is_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        complete("adam", given)
    assert str(caught.value).startswith(message + "pass --set optimizer.")


@pytest.mark.parametrize("name", SINGLE)
def test_an_optimizer_that_counts_once_for_all_devices_is_refused_on_several(name: str) -> None:
    settings = complete(name, {})
    with pytest.raises(FitError) as caught:
        make(name, constant(0.1, 2, 5), settings, devices=3)
    assert str(caught.value) == (
        f"optimizer {name}: 3 devices; expected one device: it would give each of them other weights; "
        "pass --device cpu or --device gpu:0, or --set optimizer.name=adam"
    )
