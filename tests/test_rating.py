"""The learning-rate finder: smoothing and slopes by hand, the end of a search, and a real one that writes nothing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref import preparation, rating
from gluon_ref import recipe as recipes
from gluon_ref.errors import FitError, OptionError
from gluon_ref.rating import Suggestion, ended, find_rate, rows, smooth, suggest

from .conftest import SMALL

DECADES = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0]


def plain(losses: list[float], rates: list[float] | None = None, **options: Any) -> Suggestion:
    """Without smoothing, a slope over the neighbours a decade away, from the first point on."""
    return suggest(rates or DECADES[: len(losses)], losses, **{"decay": 0.0, "width": 2.0, "ignored": 0, **options})


def test_the_running_mean_is_that_of_the_losses_so_far_weighted() -> None:
    # 1; (1 * 0.5 + 3) / 1.5; (1 * 0.25 + 3 * 0.5 + 5) / 1.75
    np.testing.assert_allclose(smooth([1, 3, 5], 0.5), [1, 3.5 / 1.5, 6.75 / 1.75], rtol=1e-12)
    np.testing.assert_array_equal(smooth([4, 2, 9], 0.0), [4, 2, 9])
    assert smooth([]).shape == (0,)


def test_a_constant_loss_stays_what_it_is() -> None:
    np.testing.assert_allclose(smooth([2.5] * 40), 2.5, rtol=1e-12)


@pytest.mark.parametrize(
    ("losses", "over"),
    [
        ([1], False), ([3, 1, 4], False), ([3, 1, 4.01], True), ([1, 4.01, 2], False), ([1, math.nan], True),
        ([1, math.inf], True), ([math.nan], True), ([-1, 5], False), ([0, 5], False),
    ],
)  # fmt: skip
def test_a_search_ends_above_four_times_the_minimum_or_at_no_number(losses: list[float], over: bool) -> None:
    assert ended(np.array(losses, dtype=np.float64)) is over


def test_the_suggestion_is_where_the_loss_falls_fastest() -> None:
    # Slopes per decade, over both neighbours: (5 - 8) / 2, (2 - 7.5) / 2, (1 - 5) / 2.
    found = plain([8, 7.5, 5, 2, 1, 3])
    assert found.rate == 1e-3
    assert found.lowest == 1e-1
    assert (found.rates, found.losses, found.smoothed) == (tuple(DECADES), (8, 7.5, 5, 2, 1, 3), (8, 7.5, 5, 2, 1, 3))


def test_what_comes_after_the_lowest_loss_counts_for_nothing() -> None:
    # 11 is no end, and (3.1 - 11) / 2 around 1.0 would be steeper than (3 - 9) / 2.
    found = plain([10, 9, 8, 3, 11, 3.1, 3.1], [*DECADES, 10.0])
    assert (found.rate, found.lowest) == (1e-3, 1e-2)


@pytest.mark.parametrize("end", [13.0, math.nan, math.inf])
def test_losses_end_where_they_explode(end: float) -> None:
    found = plain([8, 7, 5, 3, end, 0.1])
    assert found.losses == (8, 7, 5, 3)
    assert (found.rate, found.lowest) == (1e-3, 1e-2)


def test_points_at_the_begin_are_left_out() -> None:
    losses = [100, 50, 45, 44, 36, 36]
    assert plain(losses).rate == 1e-4
    assert plain(losses, ignored=1).rate == 1e-2


def test_a_slope_is_that_of_the_line_through_all_points_near() -> None:
    # One outlier of two neighbours does not count for more than the line through five points: by hand, with offsets
    # -1, -0.5, 0, 0.5, 1 around the third, (-1 * 10 - 0.5 * 9 + 0.5 * 4 + 1 * 3) / 2.5 = -3.8.
    rates = [10 ** (at / 2 - 5) for at in range(5)]
    assert rating._slopes(np.log10(rates), np.array([10.0, 9, 8, 4, 3]), 1.0)[2] == pytest.approx(-3.8, rel=1e-12)


def test_a_slope_needs_its_whole_reach_on_either_side() -> None:
    at = np.array([0.0, 0.5, 1.0, 1.5, 2.5])
    assert sorted(rating._slopes(at, at, 1.0)) == [2, 3]
    assert rating._slopes(at[:1], at[:1], 1.0) == {}


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        ([1, 2, 3, 3.5], r"the loss falls at no rate of 1e-05 to 0.01; expected rates from far too small"),
        ([2, 2, 2, 2], r"falls at no rate of 1e-05 to 0.01; .*; pass a smaller --low, or more --steps"),
        ([math.nan, 1, 1], r"the loss falls at no rate from 1e-05 on"),
        ([3.0], r"the loss falls at no rate of 1e-05 to 1e-05"),
        ([1, 9, 1, 1], r"the loss falls at no rate of 1e-05 to 1e-05"),
    ],
)
def test_a_loss_that_falls_nowhere_is_told(losses: list[float], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        plain(losses)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_noise_does_not_lead_far_away(seed: int) -> None:
    # A loss that falls by a logistic curve around 1e-3, and noise of a tenth of its height.
    rates = np.geomspace(1e-6, 1e-1, 200)
    losses = 2 / (1 + (rates / 1e-3) ** 1.5) + 0.5 + np.random.RandomState(seed).normal(0, 0.2, 200)
    found = suggest(rates.tolist(), losses.tolist())
    assert 5e-4 < found.rate < 4e-3  # the running mean comes a third of a decade late


def test_a_table_has_the_first_and_the_last_and_few_between() -> None:
    rates = tuple(float(at) for at in range(1, 101))
    found = Suggestion(1.0, 1.0, rates, rates, tuple(-rate for rate in rates))
    assert len(rows(found)) == 20
    assert (rows(found)[0], rows(found)[-1]) == ((1.0, -1.0), (100.0, -100.0))
    assert rows(Suggestion(1.0, 1.0, rates[:3], rates[:3], rates[:3])) == [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]


def recipe(*changes: tuple[str, Any]) -> recipes.Recipe:
    return recipes.read("mlp").change([*SMALL, *changes])


def test_a_search_suggests_a_rate_that_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gluon_ref.training import train

    monkeypatch.chdir(tmp_path)
    found = find_rate(recipe())
    assert list(tmp_path.iterdir()) == []
    assert 1e-3 < found.rate < 1e-1
    # Two epochs of eight updates, at which a tenth of the rate has hardly begun.
    best = {}
    for times in (0.1, 1.0):
        changes = [("optimizer.learning_rate", found.rate * times), ("schedule.name", "constant")]
        best[times] = train(recipe(*changes), tmp_path / str(times)).state["scores"]["cross_entropy"]
    assert best[1.0] < best[0.1]


def test_the_rate_rises_from_the_lowest_to_the_highest(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []
    after = rating.Rise.after_step

    def look(self: rating.Rise, state: Any) -> None:
        seen.append(state.rate)
        after(self, state)

    monkeypatch.setattr(rating.Rise, "after_step", look)
    # Of a schedule with a warm-up and an optimizer of its own rate nothing is left.
    found = find_rate(
        recipe(("optimizer.learning_rate", 7), ("train.factors", ".*bias=2")), low=1e-4, high=0.1, steps=50
    )
    np.testing.assert_allclose(seen, np.geomspace(1e-4, 0.1, 50), rtol=1e-9)
    assert found.rates == tuple(np.geomspace(1e-4, 0.1, 50))


def test_the_losses_are_means_over_the_samples_of_an_update() -> None:
    # At rates that change nothing, three batches for one update and one batch three times as large have the same mean.
    losses = []
    for changes in ([("train.batch_size", 15)], [("train.batch_size", 5), ("train.accumulate", 3)]):
        rise = rating.Rise(3)
        prepared = rating.prepare(recipe(*changes).check())
        prepared.state.trainers[0].optimizer.lr_scheduler = lambda update: 1e-30
        with pytest.raises(rating.Ended):
            prepared.train([rise])
        losses.append(rise.losses)
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)
    assert 0.5 < losses[0][0] < 5


@pytest.mark.parametrize(("size", "accumulate", "steps"), [(1, 1, 300), (1, 2, 200), (7, 1, 200)])
def test_a_search_is_one_pass_long_but_not_too_short(
    size: int, accumulate: int, steps: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    table = tmp_path / "t.csv"
    table.write_text("x,label\n" + "".join(f"{at},{'ab'[at % 2]}\n" for at in range(375)))  # 300 of them to train on
    found: list[int] = []

    def train(self: Any, hooks: list[rating.Rise]) -> None:
        found.append(hooks[0]._most)
        hooks[0].losses = [3.0 - at / steps for at in range(steps)]

    monkeypatch.setattr(preparation.Prepared, "train", train)
    changes = [("data.name", "table"), ("data.path", str(table)), ("train.batch_size", size)]
    find_rate(recipe(*changes, ("train.accumulate", accumulate)))
    assert found == [steps]


def test_the_same_seed_suggests_the_same() -> None:
    assert find_rate(recipe(), steps=60) == find_rate(recipe(), steps=60)
    assert find_rate(recipe(("train.seed", 1)), steps=60) != find_rate(recipe(), steps=60)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"low": 0.0}, r"find-rate: low=0, high=10; expected 0 < low < high; pass --low 1e-06 --high 10"),
        ({"low": 1.0, "high": 0.5}, r"low=1, high=0.5; expected 0 < low < high"),
        ({"high": math.inf}, r"high=inf"),
        ({"low": math.nan}, r"low=nan"),
        ({"steps": 49}, r"find-rate: steps=49; expected 50 or more; pass --steps 200"),
        ({"low": 1e3, "high": 1e6}, r"the loss falls at no rate"),
    ],
)
def test_a_range_that_is_none_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        find_rate(recipe(), **options)


def test_what_does_not_fit_is_refused_as_in_training() -> None:
    with pytest.raises(FitError, match=r"mlp with data names: samples are text"):
        find_rate(recipe(("data.name", "names")))
