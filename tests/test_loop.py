from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.hooks import Hook, Limit
from gluon_ref.loop import answering, epoch_seed, fit, measure, step
from gluon_ref.place import Place, choose, spread
from gluon_ref.records import Batch, Objective, State
from gluon_ref.tasks import classify
from tests.conftest import VECTOR

SQUARE = Objective("square", lambda net, batch: mx.nd.square(net(*batch.inputs).reshape((-1,)) - batch.targets))


def built(place: Place, inputs: int, rate: float, momentum: float = 0.0) -> tuple[Any, Any]:
    """A linear net (batch, inputs) -> (batch, 1) without bias, its weights 1, and an SGD trainer."""
    net = mx.gluon.nn.Dense(1, in_units=inputs, use_bias=False, prefix="dense_")
    net.initialize(mx.init.One(), ctx=list(place.contexts))
    options = {"learning_rate": rate, "momentum": momentum}
    store = place.store or None
    return net, mx.gluon.Trainer(
        net.collect_params(), "sgd", options, kvstore=store, update_on_kvstore=False if store else None
    )


def batch(rows: Sequence[Sequence[float]], targets: Sequence[float]) -> Batch:
    return Batch((np.array(rows, dtype=np.float32),), np.array(targets, dtype=np.float32), len(rows))


# Loss (w x - y)^2 with w = 1: 4 and 1; its gradient 2 (w x - y) x: -4 and 4, 8 and 24 below.
CALM = batch([[1], [2]], [3, 1])
STEEP = batch([[2], [4]], [0, 1])


def test_one_step_of_sgd_follows_the_gradient_of_the_mean_loss() -> None:
    place = choose("cpu", "device")
    net, trainer = built(place, 1, rate=0.1)
    loss = step(State(net, [trainer]), SQUARE, trainer, [spread(STEEP, place)], 2, None)
    assert loss.asscalar() == 13  # 4 + 9
    # The mean gradient is (8 + 24) / 2 = 16.
    np.testing.assert_allclose(net.weight.data().asnumpy(), [[1 - 0.1 * 16]], rtol=1e-6)  # float32


@pytest.mark.parametrize(("clip_norm", "gradient"), [(4.0, 4.0), (15.0, 15.0), (17.0, 16.0)])
@pytest.mark.parametrize("device", ["cpu", "cpu:2", "cpu:3"])
def test_a_gradient_longer_than_clip_norm_is_cut_to_it(device: str, clip_norm: float, gradient: float) -> None:
    place = choose(device, "device")
    net, trainer = built(place, 1, rate=0.1)
    step(State(net, [trainer]), SQUARE, trainer, [spread(STEEP, place)], 2, clip_norm)
    for weight in net.weight.list_data():
        np.testing.assert_allclose(weight.asnumpy(), [[1 - 0.1 * gradient]], rtol=1e-6)  # float32


def test_clipping_is_by_the_norm_over_all_weights() -> None:
    place = choose("cpu", "device")
    net, trainer = built(place, 2, rate=1.0)
    # Gradient 2 (3 + 4 - 6.5) (3, 4) = (3, 4), of norm 5; cut to 1 it is (0.6, 0.8).
    step(State(net, [trainer]), SQUARE, trainer, [spread(batch([[3, 4]], [6.5]), place)], 1, 1.0)
    np.testing.assert_allclose(net.weight.data().asnumpy(), [[0.4, 0.2]], rtol=1e-5)  # float32, and MXNet adds 1e-8


@pytest.mark.parametrize("clip_norm", [None, 0.5])
@pytest.mark.parametrize("device", ["cpu:2", "cpu:3"])
@pytest.mark.parametrize("store", ["local", "device"])
def test_several_devices_learn_the_weights_of_one_and_agree(device: str, store: str, clip_norm: float | None) -> None:
    weights = []
    for name in ("cpu", device):
        place = choose(name, store)
        net, trainer = built(place, 5, rate=0.05, momentum=0.9)
        random = np.random.RandomState(3)
        for size in (7, 2, 7, 1):  # batches of fewer samples than devices among them
            given = batch(random.rand(size, 5), random.rand(size))
            step(State(net, [trainer]), SQUARE, trainer, [spread(given, place)], size, clip_norm)
        weights += [weight.asnumpy() for weight in net.weight.list_data()]
    for other in weights[1:]:
        np.testing.assert_allclose(other, weights[0], atol=1e-6)  # the order of additions in float32
        np.testing.assert_array_equal(other, weights[1])


class Diary(Hook):
    """What the loop told after each step and epoch."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int, int, float, float]] = []
        self.epochs: list[tuple[int, dict[str, float]]] = []

    def after_step(self, state: State) -> None:
        self.steps.append((state.epoch, state.step, state.seen, state.rate, state.losses["square"]))

    def after_epoch(self, state: State) -> None:
        self.epochs.append((state.epoch, dict(state.losses)))


def test_the_loop_counts_and_tells_mean_losses_over_the_epoch_so_far() -> None:
    place, diary = choose("cpu", "device"), Diary()
    net, trainer = built(place, 1, rate=1e-30)  # the weight stays 1
    state = fit(
        State(net, [trainer]), [SQUARE], lambda epoch, start: [CALM, batch([[1]], [5])], place, [diary, Limit(2)]
    )
    assert diary.steps == [(1, 1, 2, 1e-30, 2.5), (1, 2, 3, 1e-30, 7.0), (2, 3, 5, 1e-30, 2.5), (2, 4, 6, 1e-30, 7.0)]
    assert diary.epochs == [(1, {"square": 7.0}), (2, {"square": 7.0})]
    assert (state.epoch, state.step, state.seen, state.stop) == (2, 4, 6, True)


def test_the_loop_asks_for_the_batches_of_each_epoch_and_goes_on_where_it_stood() -> None:
    place, asked = choose("cpu", "device"), []

    def batches(epoch: int, start: int) -> list[Batch]:
        asked.append((epoch, start))
        return [CALM]

    net, trainer = built(place, 1, rate=0.1)
    fit(State(net, [trainer], epoch=3), [SQUARE], batches, place, [Limit(5)])
    assert asked == [(4, 0), (5, 0)]


def test_a_stopped_run_does_nothing() -> None:
    state = State(None, (), stop=True)
    assert fit(state, [SQUARE], lambda epoch, start: [CALM], choose("cpu", "device"), []) is state
    assert state.epoch == 0


def test_dropout_of_an_epoch_depends_on_seed_and_epoch_only() -> None:
    def draw(seed: int, epoch: int) -> list[float]:
        found: list[float] = []
        noise = Objective(
            "noise", lambda net, batch: found.extend(mx.nd.random.uniform(shape=3).asnumpy()) or SQUARE.loss(net, batch)
        )
        place = choose("cpu", "device")
        net, trainer = built(place, 1, rate=0.1)
        fit(
            State(net, [trainer], epoch=epoch - 1),
            [noise],
            lambda epoch, start: [CALM],
            place,
            [Limit(epoch)],
            seed=seed,
        )
        return found

    assert draw(5, 2) == draw(5, 2)
    assert draw(5, 2) != draw(5, 3) != draw(6, 2)


def noisy(found: list[float]) -> Objective:
    """A loss that notes a random number of each batch, and depends on it."""

    def loss(net: Any, batch: Batch) -> Any:
        number = mx.nd.random.uniform(shape=1)
        found.append(float(number.asscalar()))
        return SQUARE.loss(net, batch) * number

    return Objective("noise", loss)


@pytest.mark.parametrize(("accumulate", "segment"), [(1, 4), (1, 1), (2, 3)])
@pytest.mark.parametrize("done", [2, 4, 6, 10, 14])
def test_from_any_batch_on_a_resumed_epoch_draws_the_same_numbers(accumulate: int, segment: int, done: int) -> None:
    place = choose("cpu", "device")
    random = np.random.RandomState(3)
    every = [batch(random.rand(2, 1), random.rand(2)) for _ in range(14)]

    def train(state: State, found: list[float]) -> list[Any]:
        weights: list[Any] = []

        class Note(Hook):
            def after_step(self, state: State) -> None:
                weights.append((state.batch, state.net.weight.data().asnumpy(), state.losses["noise"]))

        if accumulate > 1:
            state.net.weight.grad_req = "add"
        fit(
            state, [noisy(found)], lambda epoch, start: every[start:], place, [Note(), Limit(1)],
            accumulate=accumulate, segment=segment, seed=7,
        )  # fmt: skip
        return weights

    net, trainer = built(place, 1, rate=0.1)
    drawn: list[float] = []
    whole = train(State(net, [trainer]), drawn)
    at = next((entry for entry in whole if entry[0] == done), None)
    assert at is not None
    net, trainer = built(place, 1, rate=0.1)
    net.weight.set_data(mx.nd.array(at[1]))
    again: list[float] = []
    state = State(net, [trainer], batch=done, epoch_seen=2 * done, sums={"noise": at[2] * 2 * done})
    rest = train(state, again)
    missed = (done // accumulate) % segment * accumulate  # drawn again to catch up
    assert again == drawn[done - missed :]
    expected = [entry for entry in whole if entry[0] > done]
    assert [(number, weight.tolist(), loss) for number, weight, loss in rest] == [
        (number, weight.tolist(), loss) for number, weight, loss in expected
    ]


def test_catching_up_leaves_statistics_as_they_were() -> None:
    place = choose("cpu", "device")
    net = mx.gluon.nn.HybridSequential(prefix="net_")
    with net.name_scope():
        net.add(mx.gluon.nn.BatchNorm(in_channels=1), mx.gluon.nn.Dense(1, in_units=1))
    net.initialize()
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd")
    before = net[0].running_mean.data().asnumpy()
    fit(State(net, [trainer], batch=2), [SQUARE], lambda epoch, start: [STEEP, STEEP][start:], place, [Limit(1)])
    np.testing.assert_array_equal(net[0].running_mean.data().asnumpy(), before)


@pytest.mark.parametrize("device", ["cpu", "cpu:2"])
@pytest.mark.parametrize("clip_norm", [None, 0.5])
def test_accumulated_batches_give_the_update_of_one_large_batch(device: str, clip_norm: float | None) -> None:
    place = choose(device, "device")
    random = np.random.RandomState(3)
    rows, targets = random.rand(7, 5), random.rand(7)
    found = []
    for accumulate, parts in ((1, [slice(0, 7)]), (3, [slice(0, 3), slice(3, 6), slice(6, 7)])):
        net, trainer = built(place, 5, rate=0.05, momentum=0.9)
        net.weight.grad_req = "add" if accumulate > 1 else "write"
        given = [batch(rows[part], targets[part]) for part in parts]
        state = State(net, [trainer])
        fit(
            state, [SQUARE], lambda epoch, start: given, place, [Limit(3)], clip_norm=clip_norm, accumulate=accumulate  # noqa: B023
        )  # fmt: skip
        assert (state.step, state.seen) == (3, 21)
        found.append(net.weight.list_data()[-1].asnumpy())
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)  # the order of additions in float32


@pytest.mark.parametrize("clip_norm", [None, 4.0])
def test_the_norm_of_the_mean_gradient_is_noted_before_it_is_cut(clip_norm: float | None) -> None:
    place = choose("cpu", "device")
    net, trainer = built(place, 1, rate=0.1)
    state = State(net, [trainer], norm=mx.nd.zeros(1))
    step(state, SQUARE, trainer, [spread(STEEP, place)], 2, clip_norm)
    assert state.norm.asscalar() == pytest.approx(16)
    np.testing.assert_allclose(net.weight.data().asnumpy(), [[1 - 0.1 * (clip_norm or 16)]], rtol=1e-6)  # float32


def test_the_seeds_of_epochs_are_distinct_and_fit_mxnet() -> None:
    assert epoch_seed(0, 1) == 1
    assert len({epoch_seed(seed, epoch) for seed in range(5) for epoch in range(1, 8)}) == 35
    assert 0 <= epoch_seed(2**31 - 1, 7) < 2**31


def test_a_measure_over_batches_is_that_of_the_whole_part() -> None:
    task = classify.build(VECTOR)
    scores = np.array([[5, 0, 0], [0, 5, 0], [0, 0, 5], [5, 0, 0], [0, 5, 0]], dtype=np.float32)
    targets = np.array([0, 1, 2, 1, 1], dtype=np.int32)
    parts = [Batch((scores[at],), targets[at], len(targets[at])) for at in (slice(0, 2), slice(2, 5))]
    found = measure(lambda data: (data,), task, parts)
    assert found["accuracy"] == 0.8
    assert found["confusion"] == [[1, 0, 0], [1, 2, 0], [0, 0, 1]]
    whole = measure(lambda data: (data,), task, [Batch((scores,), targets, 5)])
    assert found["cross_entropy"] == pytest.approx(whole["cross_entropy"], rel=1e-12)  # order of additions in float64
    assert found["macro_f1"] == whole["macro_f1"]


def test_a_network_answers_numpy_with_numpy() -> None:
    net, _ = built(choose("cpu", "device"), 2, rate=0.1)
    (scores,) = answering(net, mx.cpu())(np.array([[1, 2], [3, 4], [5, 6]], dtype=np.float32))
    assert scores.tolist() == [[3], [7], [11]]
    assert len(answering(lambda data: (data, data), mx.cpu())(np.zeros(3, dtype=np.int32))) == 2
