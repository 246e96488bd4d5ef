from __future__ import annotations

import numpy as np
import pytest

from gluon_ref import place
from gluon_ref.backend import mx
from gluon_ref.errors import MachineError, OptionError
from gluon_ref.place import Place, choose, spread
from gluon_ref.records import Batch


def batch(size: int) -> Batch:
    """Two inputs, (size, 3) and (size,), of different types, that tell the samples apart."""
    rows = np.arange(size * 3, dtype=np.float32).reshape(size, 3)
    return Batch((rows, np.arange(size, dtype=np.int32)), np.arange(size, dtype=np.int32) + 5, size)


def test_one_context_needs_no_store_and_several_do() -> None:
    assert choose("cpu", "local") == choose("cpu:1", "local") == Place((mx.cpu(0),), "")
    assert choose("cpu:3", "local") == Place((mx.cpu(0), mx.cpu(1), mx.cpu(2)), "local")


@pytest.mark.parametrize("device", ["", "CPU", "cpu:0", "cpu:", "cpu:-1", "cpu:100", "gpu:", "gpu:a", "gpu:0,", "tpu"])
def test_another_name_is_refused(device: str) -> None:
    with pytest.raises(OptionError) as caught:
        choose(device, "device")
    assert str(caught.value) == f"train: device={device!r}; expected cpu, cpu:N or gpu:0,1; pass --device cpu"


def test_gpus_that_are_there_are_taken_as_numbered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "_gpus", lambda: 4)
    assert choose("gpu", "device") == Place((mx.gpu(0),), "")
    assert choose("gpu:3,1", "device") == Place((mx.gpu(3), mx.gpu(1)), "device")
    with pytest.raises(OptionError, match="train: device='gpu:1,1'; expected each GPU once; pass --device gpu:0,1"):
        choose("gpu:1,1", "device")


@pytest.mark.parametrize("device", ["gpu", "gpu:0,1", "gpu:99999999999"])
def test_a_gpu_is_refused_where_there_is_none(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    def fail() -> int:
        raise mx.base.MXNetError("no driver")

    monkeypatch.setattr(mx.context, "num_gpus", fail)
    with pytest.raises(MachineError) as caught:
        choose(device, "device")
    assert str(caught.value).startswith(
        f"train: device={device!r}; MXNet sees 0 GPUs here; expected indices below 0; pass --device cpu"
    )


@pytest.mark.parametrize(("size", "devices", "sizes"), [(7, 3, [3, 2, 2]), (2, 3, [1, 1]), (1, 3, [1]), (7, 1, [7])])
def test_an_uneven_batch_is_spread_as_evenly_as_can_be(size: int, devices: int, sizes: list[int]) -> None:
    given = batch(size)
    pieces = spread(given, choose(f"cpu:{devices}", "device"))
    assert [piece.size for piece in pieces] == sizes
    assert [piece.targets.context for piece in pieces] == [mx.cpu(index) for index in range(len(sizes))]
    for at, whole in enumerate([*given.inputs, given.targets]):
        parts = [[*piece.inputs, piece.targets][at].asnumpy() for piece in pieces]
        assert all(part.dtype == whole.dtype for part in parts)
        np.testing.assert_array_equal(np.concatenate(parts), whole)
