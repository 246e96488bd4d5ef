"""What a network of anyone's can take is found out by running it, not only by what it says of shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref import machine
from gluon_ref.backend import mx
from gluon_ref.errors import OptionError
from gluon_ref.exports.strangers import of_files

from .files import write


def cases(symbol: Any, folder: Path, shapes: dict[str, tuple[int, ...]], seen: dict[str, tuple[int, ...]]) -> Any:
    return of_files(*write(symbol, folder, **seen), shapes, {}, None)


def losses() -> Any:
    """Refuses fewer steps than labels, steps being axis 0: as a shape says only when the network is run."""
    data, label = mx.sym.var("data"), mx.sym.var("wanted")
    return mx.sym.contrib.ctc_loss(data, label, name="loss")


def test_a_batch_that_the_network_cannot_be_run_with_is_not_free(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    seen = {"data": (6, 2, 4), "wanted": (2, 3)}
    subject = cases(losses(), tmp_path, seen, seen)
    assert [field.batch for field in subject.source.inputs] == [6, 2]
    assert [case.name for case in subject.cases] == ["random, batch 6", "zeros", "large"]
    assert capfd.readouterr() == ("", "")


def test_what_the_network_fails_on_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Crop finds out that its result is larger than its input when it runs."""
    data = mx.sym.var("data")
    symbol = mx.sym.Crop(mx.sym.Pooling(data, kernel=(2, 2), stride=(2, 2), pool_type="max"), data, num_args=2)
    seen = {"data": (1, 2, 8, 8)}
    with pytest.raises(OptionError, match=r"--shape: data=1,2,8,8 does not fit the network .*should be larger"):
        cases(symbol, tmp_path, seen, seen)
    assert capfd.readouterr() == ("", "")


HUGE = [
    ((1, 3, 400, 400), r"0.3 GB for the inputs and big_output of data=7,3,400,400, the largest batch that is tried"),
    ((1, 3, 1000, 4000), r"0.3 GB for the inputs of data=7,3,1000,4000"),
    ((1, 3, 2**32, 2**32), r"GB for the inputs of data=7,3,4294967296,4294967296"),
    ((2**40, 3, 8, 8), r"GB for the inputs of data=1099511627778,3,8,8"),
]


@pytest.mark.parametrize(("shape", "told"), HUGE)
def test_shapes_that_need_more_memory_than_there_is_are_refused(
    shape: tuple[int, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    symbol = mx.sym.sum(mx.sym.tile(mx.sym.var("data"), reps=(1, 20, 1, 1), name="big"), axis=(1, 2, 3))
    files = write(symbol, tmp_path, data=(1, 3, 8, 8))
    monkeypatch.setattr(machine, "memory", lambda: (10**8, 10**8))
    with pytest.raises(OptionError, match=rf"--shape: .*{told}.*; expected at most 0.1 GB"):
        of_files(*files, {"data": shape}, {}, None)
    of_files(*files, {"data": (1, 3, 8, 8)}, {}, None)


def test_a_network_that_divides_by_a_samples_deviation_is_not_compared_on_zeros(tmp_path: Path) -> None:
    """A convolution of zeros is its bias all over, whose deviation is rounding: 0.07 of 255 apart in ONNX Runtime."""
    x = mx.sym.Convolution(mx.sym.var("data"), num_filter=2, kernel=(3, 3), name="conv")
    seen = {"data": (1, 3, 6, 7)}
    subject = cases(mx.sym.InstanceNorm(x, name="norm"), tmp_path, seen, seen)
    assert [case.name for case in subject.cases][-2:] == ["small", "large"]
    assert 0 < np.abs(subject.cases[-2].groups[0][0]).max() < 0.1
