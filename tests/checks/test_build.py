from __future__ import annotations

import pytest

from gluon_ref.checks import build

from .conftest import FEATURES, Answer, bad, failed, named

AGAIN = "-m pip install --force-reinstall --no-deps mxnet==1.9.1"


def test_the_features_are_one_line_with_what_no_wheel_has(answer: Answer) -> None:
    (one,) = build.check(answer())
    assert one.found == (
        "DIST_KVSTORE, LAPACK, MKLDNN, OPENCV, OPENMP; without F16C float16 is slow on the CPU; "
        "without INT64_TENSOR_SIZE arrays have less than 2^31 elements"
    )
    assert build.features(answer()) == FEATURES


@pytest.mark.parametrize(
    ("name", "cost"),
    [
        ("DIST_KVSTORE", "`gluonref launch` fails"),
        ("LAPACK", "linear algebra"),
        ("MKLDNN", "several times as long"),
        ("OPENCV", "RecordIO"),
        ("OPENMP", "one thread"),
    ],
)
def test_a_feature_that_is_missed_is_told_with_its_cost(answer: Answer, name: str, cost: str) -> None:
    (one,) = bad(build.check(answer(features={"features": {**FEATURES, name: False}})))
    assert (one.name, one.state, one.found) == (name, "warning", "not in this build")
    assert cost in one.why
    assert one.command.endswith(AGAIN)


def test_a_build_for_gpus_is_asked_for_more(answer: Answer) -> None:
    found = named(bad(build.check(answer(features={"features": {**FEATURES, "CUDA": True, "CUDNN": False}}))))
    assert set(found) == {"CUDNN", "NCCL"}
    assert "no LSTM" in found["CUDNN"].why
    assert "--kvstore device" in found["NCCL"].why


def test_a_build_that_did_not_say_is_not_told_twice(answer: Answer) -> None:
    ended = answer(features=None)
    assert (build.check(ended), build.features(ended)) == ([], {})


def test_a_step_that_comes_out_right_is_well(answer: Answer) -> None:
    (one,) = build.step(answer(), [], 30)
    assert one.state == "ok"
    assert one.found == "a two-layer network learns; largest difference from numpy 1e-06"


STEPS = [
    ({"step": {"difference": 0.5}}, "differ from numpy's by up to 0.5, above 0.0001", "would be wrong"),
    ({"step": {"difference": float("nan")}}, "by up to nan", "would be wrong"),
    ({"step": failed("no kernel image", "MXNetError")}, "MXNetError: no kernel image", "would end like this"),
    ({"step": None}, "its process was ended by SIGILL", "would end like this"),
]


@pytest.mark.parametrize(("stages", "told", "why"), STEPS)
def test_a_step_that_does_not_is_a_problem(answer: Answer, stages: dict, told: str, why: str) -> None:
    (one,) = build.step(answer("mxnet", -4, **stages), [], 30)
    assert one.state == "problem"
    assert told in one.found
    assert why in one.why
    assert one.command.endswith(AGAIN)


def test_a_step_that_hangs_is_told(answer: Answer) -> None:
    (one,) = build.step(answer("mxnet", None, step=None), [], 30)
    assert one.found == "it had not finished after 30 s and was ended"


@pytest.mark.parametrize("outcome", [None, failed("gone", "RuntimeError")])
def test_without_mxnet_no_step_is_tried(answer: Answer, outcome: dict | None) -> None:
    (one,) = build.step(answer("mxnet", 1, step=None, **{"import": outcome}), [], 30)
    assert (one.state, one.found) == ("problem", "not tried: mxnet does not import")
    assert one.command.endswith(AGAIN)
