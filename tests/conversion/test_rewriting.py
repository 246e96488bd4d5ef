from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from gluon_ref.conversion import rewriting

from .models import SCALES, copy, model, operators, rounding, run, step


def dense(*after: Any) -> onnx.ModelProto:
    """A product whose result is rounded, and what comes after."""
    steps = [step("Gemm", "data w", "made", name="dense:"), *rounding("made", "rounded"), *after]
    return model(steps, {**SCALES, "w": np.eye(3, dtype=np.float32)}, (3,))


@pytest.mark.parametrize("op", ["Identity", "Softmax", "Exp"])
def test_products_that_no_rounded_step_reads_keep_their_bits(op: str) -> None:
    made = rewriting.wide(dense(step(op, "rounded", "result")))
    assert operators(made) == ["Gemm", op]
    data = np.array([[0.123456, 1, 2]], np.float32)
    wanted = {"Identity": data, "Exp": np.exp(data), "Softmax": np.exp(data) / np.exp(data).sum()}[op]
    np.testing.assert_allclose(run(made, data), wanted, rtol=1e-6)


def test_a_product_that_is_a_result_keeps_its_bits_and_its_name() -> None:
    steps = [step("Gemm", "data w", "made", name="dense:"), *rounding("made", "result")]
    made = rewriting.wide(model(steps, {**SCALES, "w": np.eye(3, dtype=np.float32)}, (3,)))
    assert operators(made) == ["Gemm"]
    data = np.array([[0.123456, 1, 2]], np.float32)
    np.testing.assert_array_equal(run(made, data), data)


def test_products_that_a_rounded_step_reads_stay_rounded() -> None:
    whole = dense(
        step("Softmax", "rounded", "shares"), step("Gemm", "rounded w", "again"), step("Add", "again shares", "result")
    )
    assert rewriting.wide(copy(whole)) == whole


INFINITE = np.float32(-np.inf)


def bordered(filler: Any, border: tuple[int, ...], *more: Any, **options: Any) -> onnx.ModelProto:
    """A pooling of 2x2 over an image with a border."""
    steps = [
        step("Pad", "data border filler", "padded", mode="constant"),
        step("MaxPool", "padded", "result", kernel_shape=[2, 2], strides=[2, 2], **options),
        *more,
    ]
    return model(steps, {"border": np.array(border, np.int64), "filler": np.array(filler, np.float32)}, (3, 7, 5), 4)


@pytest.mark.parametrize(
    ("border", "options", "pads"),
    [
        ((0, 0, 0, 0, 0, 0, 1, 1), {}, [0, 0, 1, 1]),
        ((0, 0, 1, 0, 0, 0, 0, 1), {"pads": [0, 1, 1, 0]}, [1, 1, 1, 1]),
    ],
)
def test_a_border_of_minus_infinity_is_the_poolings(
    border: tuple[int, ...], options: dict[str, Any], pads: list[int]
) -> None:
    whole = bordered(INFINITE, border, **options)
    made = rewriting.unpadded(copy(whole))
    assert operators(made) == ["MaxPool"]
    assert not made.graph.initializer
    (found,) = [list(one.ints) for one in made.graph.node[0].attribute if one.name == "pads"]
    assert found == pads
    data = np.random.normal(size=(2, 3, 7, 5)).astype(np.float32)
    np.testing.assert_array_equal(run(made, data), run(whole, data))


@pytest.mark.parametrize(
    "whole",
    [
        bordered(0, (0, 0, 0, 0, 0, 0, 1, 1)),  # zeros are numbers
        bordered(INFINITE, (0, 0, 0, 0, 0, 0, 2, 2)),  # a window of the border alone, which ONNX has not
        bordered(INFINITE, (0, 0, 0, 0, 0, 0, 1, 1), pads=[0, 0, 1, 0]),
        bordered(INFINITE, (0, 0, 0, 0, 0, 0, -1, 1)),
        bordered(INFINITE, (0, 1, 0, 0, 0, 0, 1, 1)),  # channels
        bordered(INFINITE, (0, 0, 0, 0, 0, 0, 1, 1), step("Relu", "padded", "other")),
    ],
)
def test_other_borders_stay(whole: onnx.ModelProto) -> None:
    assert rewriting.unpadded(copy(whole)) == whole


def pooled(op: str, *after: str) -> onnx.ModelProto:
    """A pooling of what `op` makes, steps after it, and a rounding."""
    steps = [step(op, "data", "made"), step("MaxPool", "made", "pool", kernel_shape=[2, 2], strides=[2, 2])]
    value = "pool"
    for at, one in enumerate(after):
        steps.append(step(one, value, f"after{at}"))
        value = f"after{at}"
    return model([*steps, *rounding(value, "result")], SCALES, (3, 8, 6), 2 if "Flatten" in after else 4)


@pytest.mark.parametrize("after", [(), ("Transpose",), ("Flatten",)])
def test_a_rounding_stays_below_a_pooling_in_float32(after: tuple[str, ...]) -> None:
    whole = pooled("Exp", *after)
    made = rewriting.barred(copy(whole))
    assert operators(made) == ["Exp", "MaxPool", "Max", *after, "QuantizeLinear", "DequantizeLinear"]
    data = np.random.normal(size=(2, 3, 8, 6)).astype(np.float32)
    np.testing.assert_array_equal(run(made, data), run(whole, data))


def test_other_poolings_stay() -> None:
    rounded = pooled("Exp")
    rounded.graph.node[0].op_type = "DequantizeLinear"
    unread = pooled("Exp", "Exp")
    for whole in (rounded, unread):
        assert rewriting.barred(copy(whole)) == whole


def test_layers_are_named_as_the_network_names_them() -> None:
    steps = [
        step("MatMul", "data w", "a", name="dense:_1"),
        step("MatMul", "a w", "b", name="dense:_2"),
        step("MatMul", "a b", "c", name="attention:_1"),
        step("Gather", "w number", "d", name="table:"),
        step("Add", "c d", "result", name="sum:"),
    ]
    made = model(steps, {"w": np.eye(3, dtype=np.float32), "number": np.int64(0)}, (3,))
    assert rewriting.layers(made) == {"dense": "dense:_1", "dense_2": "dense:_2"}
    made.graph.node.append(step("LSTM", "data w w", "e", name="lstm:"))
    assert list(rewriting.layers(made)) == ["dense", "dense_2", "table", "lstm"]


@pytest.mark.parametrize(
    ("channels", "group", "expected"), [(1, 1, {"conv"}), (3, 1, {"conv"}), (4, 1, set()), (3, 3, set())]
)
def test_convolutions_over_few_channels_are_narrow(channels: int, group: int, expected: set[str]) -> None:
    weight = np.ones((6, channels // group, 3, 3), np.float32)
    steps = [step("Conv", "data w", "conv", group=group), step("Conv", "conv data", "result")]
    assert rewriting.narrow(model(steps, {"w": weight}, (channels, 8, 9))) == expected


def test_what_nothing_reads_is_dropped_and_the_header_kept() -> None:
    about = model([], {}, (3,))
    helper.set_model_props(about, {"task": "classify"})
    made = model([step("Exp", "data", "result"), step("Exp", "w", "unread")], {"w": np.ones(3, np.float32)}, (3,))
    made.opset_import.append(helper.make_opsetid("ai.onnx.ml", 5))
    tidied = rewriting.tidy(made, about)
    assert operators(tidied) == ["Exp"]
    assert not tidied.graph.initializer
    assert (tidied.producer_name, tidied.metadata_props[0].value) == ("test", "classify")
    assert [(one.domain, one.version) for one in tidied.opset_import] == [("", 13)]


def test_steps_without_a_name_take_that_of_their_result() -> None:
    made = model([step("Exp", "data", "a", name=""), step("Exp", "a", "result", name="last")], {}, (3,))
    assert [node.name for node in rewriting.named(made).graph.node] == ["a", "last"]
