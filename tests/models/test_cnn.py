"""The convolutional network: its shape as written in the book, its options, and what it refuses."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from gluon_ref.backend import mx
from gluon_ref.errors import FitError, OptionError
from gluon_ref.inputs import image
from gluon_ref.layers import settle
from gluon_ref.models import cnn

from ..conftest import IMAGE


def shapes(**options: Any) -> list[tuple[int, ...]]:
    net = cnn.build(IMAGE, **options)
    net.initialize()
    settle(net, image.fields(IMAGE), mx.cpu())
    return [param.shape for name, param in net._collect_params_with_prefix().items() if name.endswith("weight")]


def test_three_blocks_of_32_64_128_and_a_dense_layer_of_128_fit_8x9_images() -> None:
    assert shapes() == [(32, 1, 3, 3), (64, 32, 3, 3), (128, 64, 3, 3), (128, 128), (3, 128)]


def test_filters_and_units_are_options() -> None:
    assert shapes(filters=(2, 3), units=7) == [(2, 1, 3, 3), (3, 2, 3, 3), (7, 3 * 2 * 2), (3, 7)]


def test_pooling_by_hand() -> None:
    for pooling, expected in (("max", 4.0), ("average", 2.5)):
        net = cnn.build(IMAGE, filters=(1,), pooling=pooling, batch_norm=False)
        pool = next(child for child in net.features if "Pool" in type(child).__name__)
        assert pool(mx.nd.array([[[[1, 2], [3, 4]]]])).asscalar() == expected


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_every_activation_runs_with_and_without_batch_norm(activation: str, batch_norm: bool) -> None:
    net = cnn.build(IMAGE, filters=(2, 3), activation=activation, batch_norm=batch_norm)
    net.initialize()
    assert net(mx.nd.random.uniform(0, 255, shape=(5, 1, 8, 9))).shape == (5, 3)
    assert any(isinstance(child, mx.gluon.nn.BatchNorm) for child in net.features) is batch_norm


def test_images_too_small_for_the_blocks_are_refused() -> None:
    small = dataclasses.replace(IMAGE, shape=(1, 7, 28))
    with pytest.raises(FitError, match=r"model cnn: images of 7x28 for 3 blocks; expected at least 8 pixels a side"):
        cnn.build(small)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"filters": ()}, "model cnn: filters=; expected at least one block"),
        ({"filters": (3, 0)}, "model cnn: filters=3,0"),
        ({"units": 0}, "model cnn: units=0"),
        ({"dropout": 1.0}, "model cnn: dropout=1.0"),
    ],
)
def test_an_option_out_of_range_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        cnn.build(IMAGE, **options)
