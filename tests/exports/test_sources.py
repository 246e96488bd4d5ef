"""What an exporter is given."""

from __future__ import annotations

import numpy as np

from gluon_ref import catalog
from gluon_ref.backend import mx
from gluon_ref.exports.sources import from_net, outputs
from gluon_ref.layers import settle
from gluon_ref.records import Field

from ..conftest import IMAGE, TEXT


def test_inputs_are_called_as_the_fields_are() -> None:
    form = catalog.find("inputs", "text")
    net = catalog.find("models", "text_cnn").build(TEXT)
    net.initialize()
    settle(net, form.fields(TEXT), mx.cpu())
    source = from_net(net, form.fields(TEXT), classes=True)
    used = [name for name in source.symbol.list_inputs() if name not in source.arrays]
    assert used == [field.name for field in source.inputs if field.name in used] != []
    assert source.outputs == (Field("scores", (3,), "float32"),)
    assert source.classes


def test_every_array_has_a_name_by_the_structure() -> None:
    form = catalog.find("inputs", "image")
    net = catalog.find("models", "cnn").build(IMAGE, filters=(4,))
    net.initialize()
    settle(net, form.fields(IMAGE), mx.cpu())
    source = from_net(net, form.fields(IMAGE))
    assert set(source.structure) == set(source.arrays)
    assert source.structure["cnn_features_conv0_weight"] == "features.0.weight"


def test_an_axis_that_varies_is_told_and_one_that_does_not_is_not() -> None:
    data = mx.sym.var("data")
    symbol = mx.sym.Group([mx.sym.sum(data, axis=2), data * 2, mx.sym.slice_axis(data, axis=1, begin=0, end=3)])
    found = outputs(symbol, [Field("data", (-1, 4))], {})
    assert [field.shape for field in found] == [(-1,), (-1, 4), (3, 4)]


def test_outputs_of_the_same_name_are_told_apart() -> None:
    data = mx.sym.var("data")
    symbol = mx.sym.Group([data, mx.sym.SliceChannel(data, num_outputs=2, name="half")])
    names = [field.name for field in outputs(symbol, [Field("data", (4,))], {})]
    assert len(set(names)) == 3
    assert np.char.startswith(names, ("data", "half", "half")).all()


def test_a_result_that_is_asked_for_twice_has_two_names() -> None:
    data = mx.sym.var("data")
    net = mx.sym.relu(data, name="net")
    symbol = mx.sym.Group([net, net, data, net])
    names = [field.name for field in outputs(symbol, [Field("data", (4,))], {})]
    assert names == ["net_output", "net_output1", "data_output", "net_output2"]
