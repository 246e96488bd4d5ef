"""The ResNet-20 family: depth, widths and shortcuts as in the paper."""

from __future__ import annotations

import dataclasses

import pytest

from gluon_ref.backend import mx
from gluon_ref.errors import FitError, OptionError
from gluon_ref.layers import settle
from gluon_ref.models import resnet
from gluon_ref.records import Facts, Field

from ..conftest import IMAGE

CIFAR = Facts("image", "label", (3, 32, 32), labels=tuple("0123456789"), mean=(0.0,) * 3, std=(1.0,) * 3)


@pytest.mark.parametrize("depth", [8, 20])
def test_depth_counts_the_weighted_layers(depth: int) -> None:
    net = resnet.build(CIFAR, depth=depth)
    net.initialize()
    settle(net, [Field("data", CIFAR.shape)], mx.cpu())
    names = [name for name in net._collect_params_with_prefix() if name.endswith("weight") and "shortcut" not in name]
    assert len(names) == depth


def test_resnet_20_has_the_papers_size() -> None:
    net = resnet.build(CIFAR)
    net.initialize()
    settle(net, [Field("data", CIFAR.shape)], mx.cpu())
    count = sum(param.data().size for param in net.collect_params().values() if param.grad_req != "null")
    # The paper's table 6 says 0.27 million; two 1x1 shortcuts are ours.
    assert 0.27e6 <= count < 0.28e6


def test_a_block_with_zero_weights_passes_its_input_on() -> None:
    block = resnet.Block(2, 1)
    block.initialize(mx.init.Zero())
    x = mx.nd.array([[[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 0.0]]]])
    assert (block(x) == x).asnumpy().all()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(OptionError, match=r"model resnet: depth=21; expected 6n \+ 2, 8 to 1202"):
        resnet.build(CIFAR, depth=21)
    with pytest.raises(OptionError, match=r"model resnet: depth=1208; expected 6n"):
        resnet.build(CIFAR, depth=1208)
    with pytest.raises(OptionError, match=r"model resnet: width=0"):
        resnet.build(CIFAR, width=0)
    with pytest.raises(FitError, match=r"model resnet: images of 3x9"):
        resnet.build(dataclasses.replace(IMAGE, shape=(1, 3, 9)))
