"""Shared layers, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.errors import FitError, OptionError
from gluon_ref.layers import Head, Standardize, check_dropout, check_units, settle, zeros
from gluon_ref.records import Field

from .conftest import IMAGE, TEXT, VALUE, VECTOR


def test_standardizing_is_by_channel_or_feature_and_is_not_trained() -> None:
    for facts, shape in ((IMAGE, (2, 1, 8, 9)), (VECTOR, (2, 5))):
        layer = Standardize(facts)
        layer.initialize()
        mean = facts.mean[0]
        assert layer(mx.nd.full(shape, 7.0)).asnumpy() == pytest.approx((7.0 - mean) / 2)
        assert all(param.grad_req == "null" for param in layer.collect_params().values())


def test_a_head_has_a_score_per_label_or_a_value_in_its_own_units() -> None:
    for facts, expected in ((VECTOR, [[2.0, 2.0, 2.0]]), (VALUE, [[2.0 * 3 + 7]])):
        head = Head(facts)
        head.initialize(mx.init.One())
        assert head(mx.nd.ones((1, 2))).asnumpy().tolist() == expected


def test_zeros_have_the_declared_shapes_with_a_length_of_one() -> None:
    from gluon_ref.inputs import text

    tokens, length = zeros(text.fields(TEXT), batch=2, steps=3)
    assert (tokens.shape, tokens.dtype, length.tolist()) == ((2, 3), np.int32, [1, 1])


def test_inputs_no_layer_can_take_are_said() -> None:
    net = mx.gluon.nn.HybridSequential(prefix="tiny_")
    net.add(mx.gluon.nn.Conv2D(2, 5))
    net.initialize()
    with pytest.raises(FitError, match=r"model tiny: inputs data 1x2x3 \(.*kernel size exceed"):
        settle(net, [Field("data", (1, 2, 3))], mx.cpu())


def test_shares_and_widths_out_of_range_are_refused() -> None:
    check_dropout("model x", "dropout", 0.0)
    with pytest.raises(OptionError, match=r"model x: dropout=1; expected a share from 0 to below 1"):
        check_dropout("model x", "dropout", 1)
    with pytest.raises(OptionError, match=r"model x: units=2,0; expected 1 or more"):
        check_units("model x", "units", (2, 0))
    with pytest.raises(OptionError, match=r"model x: units=257 widths; expected 256 at most"):
        check_units("model x", "units", (2,) * 257)
