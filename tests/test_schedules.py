from __future__ import annotations

import pytest

from gluon_ref.errors import OptionError
from gluon_ref.schedules import SCHEDULES, constant, cosine, poly, step

# Two steps per epoch, five epochs: the updates are numbered 1 to 10.
RUN = (0.8, 2, 5)


def rates(schedule: object, updates: list[int]) -> list[float]:
    return [round(schedule(update), 6) for update in updates]


def test_constant_never_changes() -> None:
    assert rates(constant(*RUN), [1, 5, 10, 99]) == [0.8, 0.8, 0.8, 0.8]


def test_step_multiplies_the_rate_after_each_moment() -> None:
    assert rates(step(*RUN, at=(0.3, 0.5), factor=0.5), [1, 3, 4, 5, 6, 10]) == [0.8, 0.8, 0.4, 0.4, 0.2, 0.2]


def test_moments_that_fall_on_one_step_multiply_once() -> None:
    assert rates(step(*RUN, at=(0.5, 0.51), factor=0.5), [5, 6, 10]) == [0.8, 0.4, 0.4]


def test_poly_falls_along_its_power() -> None:
    assert rates(poly(*RUN), [5, 10]) == [0.2, 0.0]  # 0.8 * (1 - 5 / 10) ** 2
    assert rates(poly(*RUN, power=1.0, final=0.25), [5, 10]) == [0.5, 0.2]


def test_cosine_falls_along_half_a_cosine() -> None:
    assert rates(cosine(*RUN), [5, 10]) == [0.4, 0.0]
    assert rates(cosine(*RUN, final=0.5), [5, 10]) == [0.6, 0.4]


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_warm_up_rises_in_a_straight_line_to_the_peak(name: str) -> None:
    assert rates(SCHEDULES[name](*RUN, warmup=0.4), [0, 1, 2, 3, 4]) == [0.0, 0.2, 0.4, 0.6, 0.8]


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_peak_rate_is_the_base_rate(name: str) -> None:
    assert SCHEDULES[name](*RUN, warmup=0.4).base_lr == 0.8


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_entered_in_the_middle_takes_the_same_rates(name: str) -> None:
    whole, late = SCHEDULES[name](*RUN, warmup=0.15), SCHEDULES[name](*RUN, warmup=0.15)
    rates(whole, list(range(1, 7)))
    assert rates(whole, [7, 8, 9, 10]) == rates(late, [7, 8, 9, 10])


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("run", [RUN, (0.8, 1, 1)], ids=["ten_steps", "one_step"])
def test_a_warm_up_of_nearly_the_whole_run_leaves_the_last_step(name: str, run: tuple[float, int, int]) -> None:
    schedule = SCHEDULES[name](*run, warmup=0.99)
    assert all(0 <= rate <= 0.8 for rate in rates(schedule, list(range(1, run[1] * run[2] + 1))))


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("share", [-0.1, 1.0, 2.0])
def test_a_warm_up_that_is_no_share_of_the_run_is_refused(name: str, share: float) -> None:
    with pytest.raises(OptionError) as caught:
        SCHEDULES[name](*RUN, warmup=share)
    assert str(caught.value) == (
        f"schedule {name}: warmup={share}; expected a share of the run from 0 to below 1; "
        "pass --set schedule.warmup=0.05"
    )


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("step", {"at": ()}, "schedule step: at=(); expected rising shares of the run between 0 and 1"),
        ("step", {"at": (0.7, 0.3)}, "schedule step: at=(0.7, 0.3); expected rising"),
        ("step", {"at": (0.3, 0.3)}, "schedule step: at=(0.3, 0.3); expected rising"),
        ("step", {"at": (0.0, 0.5)}, "schedule step: at=(0.0, 0.5); expected rising"),
        ("step", {"at": (0.5, 1.0)}, "schedule step: at=(0.5, 1.0); expected rising"),
        ("step", {"factor": 0.0}, "schedule step: factor=0.0; expected above 0, at most 1"),
        ("step", {"factor": 1.5}, "schedule step: factor=1.5; expected above 0, at most 1"),
        ("poly", {"power": 0.0}, "schedule poly: power=0.0; expected above 0"),
        ("poly", {"final": -0.1}, "schedule poly: final=-0.1; expected a share from 0 to 1"),
        ("cosine", {"final": 1.1}, "schedule cosine: final=1.1; expected a share from 0 to 1"),
    ],
)
def test_an_option_out_of_range_is_refused(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        SCHEDULES[name](*RUN, **options)
    assert str(caught.value).startswith(message)
    assert "; pass --set schedule." in str(caught.value)
