"""What every exporter promises: what it writes opens, and answers like the network it was made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gluon_ref import catalog
from gluon_ref.backend import mx
from gluon_ref.errors import ConversionError
from gluon_ref.exports.sources import from_net
from gluon_ref.layers import settle
from gluon_ref.loop import answering

from .test_models import FACTS, PAIRS

# What a format refuses on purpose, and says so.
REFUSED = {("int8", "lstm"): "is recurrent"}


@pytest.mark.parametrize("exporter", catalog.names("exporters"))
@pytest.mark.parametrize(("name", "takes"), PAIRS)
def test_an_artefact_answers_like_the_network(exporter: str, name: str, takes: str, tmp_path: Path) -> None:
    module, facts = catalog.find("exporters", exporter), FACTS[takes]
    form = catalog.find("inputs", takes)
    net = catalog.find("models", name).build(facts)
    net.initialize(mx.init.Xavier())
    settle(net, form.fields(facts), mx.cpu())
    arrays = [form.collate(form.imagine(facts, size, np.random.RandomState(size)), facts) for size in (1, 2, 5)]
    expected = [answering(net, mx.cpu())(*one)[0] for one in arrays]
    source = from_net(net, form.fields(facts), classes=True, about={"takes": takes}, calibration=arrays)
    if (exporter, name) in REFUSED:
        with pytest.raises(ConversionError, match=REFUSED[exporter, name]):
            module.write(source, tmp_path)
        return
    module.write(source, tmp_path)
    answer = module.open(tmp_path, form.fields(facts))
    lossy = getattr(module, "LOSSY", False)
    for one, scores in zip(arrays, expected):
        # Sums in another order; rounding by the largest score.
        close = module.TOLERANCE * (1 + np.abs(scores).max()) if lossy else 1e-4 * (1 + np.abs(scores))
        assert (np.abs(answer(*one)[0] - scores) <= close).all()
    assert 0 < module.TOLERANCE < 1


@pytest.mark.parametrize("exporter", catalog.names("exporters"))
def test_a_format_says_what_it_lacks(exporter: str) -> None:
    module = catalog.find("exporters", exporter)
    lacking = module.lacks({"Convolution", "Activation"}) if hasattr(module, "lacks") else set()
    assert lacking == set()
    assert bool(getattr(module, "LOSSY", False)) == hasattr(module, "layers")
