"""A reshape to another number of elements is refused before MXNet reads past the end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gluon_ref import catalog, reshapes
from gluon_ref.backend import mx
from gluon_ref.errors import DataError, FitError
from gluon_ref.exports.sources import outputs
from gluon_ref.records import Field, Source

SYMBOL = mx.sym.reshape(mx.sym.var("data"), shape=(3, 8), name="flat")


def test_as_many_elements_are_accepted() -> None:
    reshapes.check(SYMBOL, {"data": (3, 2, 4)})
    reshapes.check(mx.sym.reshape(mx.sym.var("data"), shape=(0, -1)), {"data": (5, 2, 4)})


def test_another_number_is_refused() -> None:
    with pytest.raises(FitError, match=r"reshape flat: 4x2x4 to 3x8; expected as many elements after it as before"):
        reshapes.check(SYMBOL, {"data": (4, 2, 4)})


def test_a_guard_looks_at_each_new_set_of_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    guard, looks = reshapes.Guard(SYMBOL, {}), []
    check = reshapes.check
    monkeypatch.setattr(reshapes, "check", lambda symbol, shapes: looks.append(shapes) or check(symbol, shapes))
    for shape in ((3, 2, 4), (3, 2, 4), (6, 4)):
        guard.look({"data": shape})
    assert looks == [{"data": (3, 2, 4)}, {"data": (6, 4)}]
    for _ in range(2):  # what was refused is refused again
        with pytest.raises(FitError):
            guard.look({"data": (5, 2, 4)})


def test_a_network_without_reshapes_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    guard = reshapes.Guard(mx.sym.relu(mx.sym.var("data")), {})
    monkeypatch.setattr(reshapes, "check", lambda *_: pytest.fail("looked"))
    guard.look({"data": (4, 2)})


@pytest.mark.parametrize("exporter", ["symbol", "npz"])
def test_an_artefact_refuses_inputs_that_it_would_read_past(exporter: str, tmp_path: Path) -> None:
    fields = (Field("data", (2, 4), batch=3),)
    source = Source(SYMBOL + mx.sym.var("bias", shape=(3, 8)), {"bias": mx.nd.zeros((3, 8))}, fields, (), {"bias": "b"})
    module = catalog.find("exporters", exporter)
    module.write(source, tmp_path)
    answer = module.open(tmp_path, fields)
    assert answer(np.ones((3, 2, 4), dtype=np.float32))[0].shape == (3, 8)
    with pytest.raises(DataError, match=r"reshape flat: 4x2x4 to 3x8"):
        answer(np.ones((4, 2, 4), dtype=np.float32))


def test_results_of_such_shapes_are_not_told() -> None:
    assert outputs(SYMBOL, [Field("data", (2, 4))], {}, probes=((3, 8), (3, 12)))[0].shape == (8,)
    with pytest.raises(FitError, match=r"reshape flat"):
        outputs(SYMBOL, [Field("data", (2, 4))], {})
