from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref import optimizers, schedules, states
from gluon_ref.backend import mx
from gluon_ref.errors import AlteredError
from gluon_ref.loop import step
from gluon_ref.place import choose, spread
from gluon_ref.records import Batch, Objective, State

SUM = Objective("sum", lambda net, batch: mx.nd.square(net(*batch.inputs)).sum(axis=1))
VARIANTS = [(name, {}) for name in optimizers.names()] + [
    ("sgd", {"momentum": 0.9}),
    ("nag", {"momentum": 0.9}),
    ("lars", {"momentum": 0.9}),
    ("lbsgd", {"momentum": 0.9}),
    ("rmsprop", {"centered": True}),
]


class Training:
    """A dense layer (batch, 2) -> (batch, 3) with its trainer, on some devices."""

    def __init__(self, name: str, given: dict[str, Any], device: str = "cpu") -> None:
        self.place = choose(device, "device")
        self.net = mx.gluon.nn.Dense(3, in_units=2, prefix="dense_")
        self.net.initialize(mx.init.One(), ctx=list(self.place.contexts))
        settings = optimizers.complete(name, given)
        self.trainer = mx.gluon.Trainer(
            self.net.collect_params(),
            optimizers.make(name, schedules.cosine(settings["learning_rate"], 2, 5), settings),
            kvstore=self.place.store or None,
            update_on_kvstore=False if self.place.store else None,
        )

    def steps(self, seed: int) -> Training:
        """Three updates on batches that depend on the seed."""
        mx.random.seed(seed)
        random = np.random.RandomState(seed)
        for _ in range(3):
            rows = random.rand(5, 2).astype(np.float32)
            pieces = spread(Batch((rows,), np.zeros(5, dtype=np.float32), 5), self.place)
            step(State(self.net, [self.trainer]), SUM, self.trainer, [pieces], 5, None)
        return self

    def restored(self, other: Training, folder: Path) -> Training:
        """This one, with the weights and states of the other by way of files."""
        other.net.save_parameters(str(folder / "weights"))
        states.write(other.trainer, str(folder / "states"))
        self.net.load_parameters(str(folder / "weights"), ctx=list(self.place.contexts))
        states.restore(self.trainer, str(folder / "states"), states.counts(other.trainer))
        return self

    def weights(self) -> list[np.ndarray]:
        """Weight and bias on every device."""
        return [array.asnumpy() for param in (self.net.weight, self.net.bias) for array in param.list_data()]


@pytest.mark.parametrize(("name", "given"), VARIANTS, ids=str)
def test_a_restored_optimizer_goes_on_bit_for_bit(name: str, given: dict[str, Any], tmp_path: Path) -> None:
    whole = Training(name, given).steps(1)
    halved = Training(name, given).restored(whole, tmp_path)
    before = whole.weights()
    for one, other in zip(whole.steps(2).weights(), halved.steps(2).weights()):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(before[0], whole.weights()[0])


@pytest.mark.parametrize(
    ("name", "given"), [(name, given) for name, given in VARIANTS if name not in optimizers.SINGLE], ids=str
)
def test_several_devices_keep_equal_weights_and_go_on_bit_for_bit(
    name: str, given: dict[str, Any], tmp_path: Path
) -> None:
    whole = Training(name, given, "cpu:2").steps(1)
    halved = Training(name, given, "cpu:2").restored(whole, tmp_path)
    weights = whole.steps(2).weights()
    for one, other in zip(weights, halved.steps(2).weights()):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(weights[0], weights[1])
    np.testing.assert_array_equal(weights[2], weights[3])


def test_the_trial_above_would_show_a_lost_state(tmp_path: Path) -> None:
    whole = Training("adam", {}).steps(1)
    halved = Training("adam", {})
    whole.net.save_parameters(str(tmp_path / "weights"))
    halved.net.load_parameters(str(tmp_path / "weights"))
    assert not np.array_equal(whole.steps(2).weights()[0], halved.steps(2).weights()[0])


def test_states_are_named_by_parameter_and_place() -> None:
    assert {name: array.shape for name, array in states.arrays(Training("adam", {}).steps(1).trainer).items()} == {
        "0.s.0": (3,),  # the bias comes first: parameters are sorted by name
        "0.s.1": (3,),
        "1.s.0": (3, 2),
        "1.s.1": (3, 2),
    }
    assert states.arrays(Training("sgd", {}).steps(1).trainer) == {}


def test_counts_are_plain_numbers() -> None:
    counts = states.counts(Training("nadam", {}).steps(1).trainer)
    assert counts["updates"] == {"0": 3, "1": 3}
    assert counts["own"]["m_schedule"] < 1
    assert "rescale_grad" not in counts["own"]


@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_the_file_is_an_mxnet_list_and_no_pickle(name: str, tmp_path: Path) -> None:
    states.write(Training(name, {}).steps(1).trainer, str(tmp_path / "states"))
    assert mx.nd.load(str(tmp_path / "states"))
    with pytest.raises(pickle.UnpicklingError):
        pickle.loads((tmp_path / "states").read_bytes())


def test_the_states_of_another_optimizer_are_refused(tmp_path: Path) -> None:
    sgd, adam = Training("sgd", {}).steps(1), Training("adam", {})
    with pytest.raises(AlteredError) as caught:
        adam.restored(sgd, tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'states'}: no array 0.s.0 of shape (3,); expected the states of this run's optimizer; "
        "resume with the run's own optimizer and model"
    )


NUMBERS: list[tuple[Any, str]] = [
    ([], "updates None"),
    ({"own": {}}, "updates None"),
    ({"updates": [1], "own": {}}, "updates [1]"),
    ({"updates": {"2": 1}, "own": {}}, "updates {'2': 1}"),
    ({"updates": {"-1": 1}, "own": {}}, "updates {'-1': 1}"),
    ({"updates": {"0": 1.5}, "own": {}}, "updates {'0': 1.5}"),
    ({"updates": {"0": -1}, "own": {}}, "updates {'0': -1}"),  # Adam divides by 0 at the next
    ({"updates": {"0": 10**400}, "own": {}}, "updates {'0': 1" + "0" * 62 + "..."),
    ({"updates": {"0": 1}, "own": []}, "own numbers []"),
    ({"updates": {"0": 1}, "own": {"num_update": "os.path"}}, "num_update 'os.path'"),
    ({"updates": {"0": 1}, "own": {"num_update": float("nan")}}, "num_update nan"),
    ({"updates": {"0": 1}, "own": {"num_update": 1e-320}}, "num_update 1e-320"),
    ({"updates": {"0": 1}, "own": {"num_update": True}}, "num_update True"),
    ({"updates": {"0": 1}, "own": {"num_update": -1}}, "num_update -1"),
]


@pytest.mark.parametrize(("numbers", "given"), NUMBERS)
def test_numbers_that_no_optimizer_keeps_are_refused(tmp_path: Path, numbers: Any, given: str) -> None:
    training = Training("adam", {}).steps(0)
    states.write(training.trainer, str(tmp_path / "states"))
    with pytest.raises(AlteredError) as caught:
        states.restore(Training("adam", {}).trainer, str(tmp_path / "states"), numbers)
    assert str(caught.value) == (
        f"{tmp_path / 'states'}: kept beside {given}; expected the numbers of this run's optimizer; "
        "restore state.json from a copy"
    )


def test_only_numbers_that_the_optimizer_has_are_put_back(tmp_path: Path) -> None:
    training = Training("adam", {}).steps(0)
    states.write(training.trainer, str(tmp_path / "states"))
    numbers = states.counts(training.trainer)
    other = Training("adam", {}).trainer
    # Its options are the recipe's to say: with beta1 of 1 Adam divides by 0.
    own = {**numbers["own"], "lr_scheduler": 3, "beta1": 1.0, "epsilon": 1e-320, "wd": "x", "lr": 7.0}
    states.restore(other, str(tmp_path / "states"), {**numbers, "own": own})
    assert states.counts(other) == numbers
    assert other._optimizer.lr_scheduler != 3
