"""What every exporter promises: what it writes opens, and answers like the network it was made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gluon_ref import catalog
from gluon_ref.backend import mx
from gluon_ref.exports.sources import from_net
from gluon_ref.layers import settle
from gluon_ref.loop import answering

from .test_models import FACTS, PAIRS


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
    module.write(from_net(net, form.fields(facts), classes=True), tmp_path)
    answer = module.open(tmp_path, form.fields(facts))
    for one, scores in zip(arrays, expected):
        np.testing.assert_allclose(answer(*one)[0], scores, rtol=1e-4, atol=1e-4)
    assert 0 < module.TOLERANCE < 1
