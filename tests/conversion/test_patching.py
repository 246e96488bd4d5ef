from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from gluon_ref.conversion.patching import patched

from .models import SCALES, copy, model, operators, rounding, run, step


def convolution(channels: int, window: tuple[int, int], **options: Any) -> tuple[onnx.ModelProto, np.ndarray]:
    """A rounded convolution over images of 8x9, and images."""
    weight = np.random.randint(-127, 128, (5, channels // options.get("group", 1), *window)).astype(np.int8)
    steps = [
        *rounding("data", "given"),
        step("DequantizeLinear", "w wscale wzero", "weight"),
        step("Conv", "given weight", "made", name="conv:", kernel_shape=window, **options),
        *rounding("made", "result"),
    ]
    images = np.random.normal(size=(2, channels, 8, 9)).astype(np.float32)
    return model(steps, {**SCALES, "w": weight}, (channels, 8, 9)), images


@pytest.mark.parametrize(
    ("channels", "window", "options"),
    [
        (1, (3, 3), {"pads": [1, 1, 1, 1]}),
        (2, (3, 2), {"pads": [1, 0, 2, 3]}),
        (3, (2, 3), {}),
        (3, (3, 3), {"pads": [1, 1, 1, 1], "strides": [1, 1], "dilations": [1, 1], "group": 1}),
        (1, (5, 5), {"pads": [2, 2, 2, 2]}),
    ],
)
def test_patches_give_the_same_answers_bit_for_bit(channels: int, window: tuple[int, int], options: Any) -> None:
    whole, images = convolution(channels, window, **options)
    made = patched(copy(whole))
    assert operators(made).count("Slice") >= window[0] * window[1]
    (weight,) = (one for one in made.graph.initializer if one.name == "w")
    width = channels * window[0] * window[1]
    assert list(weight.dims) == [5, width + -width % 4, 1, 1]
    np.testing.assert_array_equal(run(made, images), run(whole, images))
    assert run(whole, images).std() > 0.1


@pytest.mark.parametrize(
    ("channels", "window", "options"),
    [
        (4, (3, 3), {}),
        (3, (1, 1), {}),
        (3, (3, 3), {"strides": [2, 1]}),
        (3, (3, 3), {"dilations": [1, 2]}),
        (5, (3, 3), {"group": 5}),
        (1, (6, 5), {}),
        (1, (3, 3), {"auto_pad": "SAME_UPPER"}),
    ],
)
def test_other_convolutions_stay(channels: int, window: tuple[int, int], options: Any) -> None:
    whole, _ = convolution(channels, window, **options)
    assert patched(copy(whole)) == whole


def test_a_convolution_in_float32_stays() -> None:
    weight = np.ones((5, 1, 3, 3), np.float32)
    whole = model([step("Conv", "data weight", "result")], {"weight": weight}, (1, 8, 9))
    assert patched(copy(whole)) == whole


def test_weights_that_two_layers_read_stay() -> None:
    whole, _ = convolution(1, (3, 3))
    whole.graph.node.insert(2, step("DequantizeLinear", "w wscale wzero", "again"))
    assert "Slice" not in operators(patched(whole))
