from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref.averaging import Average
from gluon_ref.backend import mx
from gluon_ref.errors import AlteredError


def net(devices: int = 1, units: int = 2) -> Any:
    """Batch norm and a dense layer, weights of ones."""
    made = mx.gluon.nn.HybridSequential(prefix="net_")
    with made.name_scope():
        made.add(mx.gluon.nn.BatchNorm(in_channels=3), mx.gluon.nn.Dense(units, in_units=3))
    made.initialize(mx.init.One(), ctx=[mx.cpu(index) for index in range(devices)])
    return made


def values(made: Any) -> list[float]:
    return [float(array.asnumpy().flat[0]) for array in made[1].weight.list_data()]


def test_the_average_moves_by_its_decay() -> None:
    made = net()
    average = Average(made, 0.75)
    made[1].weight.set_data(mx.nd.full((2, 3), 5.0))
    average.update(1000)
    assert average.arrays["1.weight"].asnumpy().tolist() == [[2.0] * 3] * 2  # 0.75 * 1 + 0.25 * 5
    average.update(1000)
    assert average.arrays["1.weight"].asnumpy().tolist() == [[2.75] * 3] * 2
    assert average.arrays["1.bias"].asnumpy().tolist() == [0, 0]


def test_in_the_first_updates_the_average_follows_closely() -> None:
    made = net()
    average = Average(made, 0.999)
    made[1].weight.set_data(mx.nd.full((2, 3), 12.0))
    average.update(1)  # decay 2 / 11
    np.testing.assert_allclose(average.arrays["1.weight"].asnumpy(), 1 * 2 / 11 + 12 * 9 / 11, rtol=1e-6)  # float32


def test_batch_norms_statistics_are_averaged_too() -> None:
    made = net()
    average = Average(made, 0.5)
    made[0].running_mean.set_data(mx.nd.full((3,), 4.0))
    average.update(1000)
    assert average.arrays["0.running_mean"].asnumpy().tolist() == [2, 2, 2]


@pytest.mark.parametrize("devices", [1, 2])
def test_inside_the_network_has_the_average_and_after_it_its_own(devices: int) -> None:
    made = net(devices)
    average = Average(made, 0.5)
    made[1].weight.set_data(mx.nd.full((2, 3), 3.0))
    with pytest.raises(ZeroDivisionError), average.applied():
        assert values(made) == [1.0] * devices
        raise ZeroDivisionError
    assert values(made) == [3.0] * devices


def test_a_written_average_is_a_file_of_parameters_and_comes_back(tmp_path: Path) -> None:
    made = net()
    average = Average(made, 0.5)
    made[1].weight.set_data(mx.nd.full((2, 3), 3.0))
    average.update(1000)
    average.write(str(tmp_path / "mean.params"))
    other = net()
    other.load_parameters(str(tmp_path / "mean.params"))
    assert values(other) == [2.0]
    again = Average(net(), 0.5)
    again.restore(tmp_path / "mean.params")
    assert again.arrays["1.weight"].asnumpy().tolist() == [[2.0] * 3] * 2


def test_another_networks_average_is_refused(tmp_path: Path) -> None:
    Average(net(), 0.5).write(str(tmp_path / "mean.params"))
    with pytest.raises(AlteredError, match=r"mean.params: no array 1.weight of shape \(5, 3\)"):
        Average(net(units=5), 0.5).restore(tmp_path / "mean.params")
