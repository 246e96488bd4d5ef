"""Tests of gluon_ref.conversion.normalizing: each operator and option as MXNet has it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.errors import ConversionError
from gluon_ref.records import Field

from .agreement import disagreement, make_source, runtime

DATA = mx.sym.var("data")
IMAGE = [Field("data", (6, 5, 7))]
STATISTICS = {"one_gamma": np.full(6, 3.0, np.float32)}
CASES = {
    "fixed_gamma": mx.sym.BatchNorm(DATA, name="norm"),
    "fixed_gamma_written_so": mx.sym.BatchNorm(DATA, name="norm", fix_gamma=True, use_global_stats=True),
    "free_gamma": mx.sym.BatchNorm(DATA, name="norm", fix_gamma=False, eps=0.3),
    "of_old": mx.sym.BatchNorm_v1(DATA, name="norm", eps=0.3),
    "axis_of_height": mx.sym.BatchNorm(DATA, name="norm", axis=2, fix_gamma=False),
    "last_axis": mx.sym.BatchNorm(DATA, name="norm", axis=-1, fix_gamma=False),
    "across_devices": mx.sym.contrib.SyncBatchNorm(DATA, name="norm", fix_gamma=True, key="k"),
    "instances": mx.sym.InstanceNorm(DATA, name="norm", eps=0.2),
    "last_layer_axis": mx.sym.LayerNorm(DATA, name="norm", eps=0.2),
    "first_layer_axis": mx.sym.LayerNorm(DATA, name="norm", axis=1),
    "groups": mx.sym.GroupNorm(DATA, name="norm", num_groups=3, eps=0.2),
    "neighbours": mx.sym.LRN(DATA, nsize=3, alpha=0.5),
    "neighbours_knorm": mx.sym.LRN(DATA, nsize=5, alpha=0.5, beta=0.6, knorm=1.5),
    "length_of_instance": mx.sym.L2Normalization(DATA, eps=0.4),
    "length_of_channels": mx.sym.L2Normalization(DATA, mode="channel", eps=0.4),
    "length_of_places": mx.sym.L2Normalization(DATA, mode="spatial", eps=0.4),
}


@pytest.mark.parametrize("symbol", CASES.values(), ids=CASES.keys())
def test_it_answers_as_mxnet_does(symbol: Any) -> None:
    """mx2onnx keeps a fixed gamma, refuses other axes and modes, and leaves L2Normalization's epsilon out."""
    assert disagreement(symbol, IMAGE) < 1e-5


def test_one_gamma_counts_in_one_node_and_not_in_the_other() -> None:
    """Ones written over the array itself would be wrong for the second."""
    gamma = mx.sym.var("one_gamma")
    fixed = mx.sym.BatchNorm(DATA, gamma=gamma, fix_gamma=True, name="fixed")
    free = mx.sym.BatchNorm(fixed, gamma=gamma, fix_gamma=False, name="free")
    assert disagreement(free, IMAGE, STATISTICS) < 1e-5


def test_a_vector_is_normalized() -> None:
    assert disagreement(mx.sym.BatchNorm(DATA, fix_gamma=False, name="norm"), [Field("data", (6,))]) < 1e-5


def test_statistics_as_outputs_are_refused() -> None:
    symbol = mx.sym.BatchNorm(DATA, output_mean_var=True, name="norm")[0]
    with pytest.raises(ConversionError, match=r"BatchNorm norm cannot be converted \(output_mean_var=True\)"):
        runtime(make_source(symbol, IMAGE), {})
