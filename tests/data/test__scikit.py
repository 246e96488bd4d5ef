"""What all data sets that come with a dependency have in common."""

from __future__ import annotations

import numpy as np
import pytest

from gluon_ref import catalog
from gluon_ref.errors import DataError, OptionError, RequestError
from gluon_ref.samples import ArraySamples

ROWS = {"iris": 150, "wine": 178, "breast_cancer": 569, "diabetes": 442, "digits": 1797}


def lines(samples: ArraySamples) -> list[bytes]:
    return [one.tobytes() for one in samples.inputs]


@pytest.mark.parametrize(("name", "count"), ROWS.items())
def test_every_row_is_in_one_part_and_one_in_five_is_held_out(name: str, count: int) -> None:
    load = catalog.find("data", name).load
    data, half = load(""), load("", held_out=0.5)
    assert len(data.train) + len(data.held_out) == count
    assert len(data.held_out) == pytest.approx(count / 5, abs=2)
    assert len(half.held_out) == pytest.approx(count / 2, abs=5)  # half of each class, rounded
    assert sorted(lines(data.train) + lines(data.held_out)) == sorted(lines(half.train) + lines(half.held_out))


@pytest.mark.parametrize("name", ROWS)
def test_the_statistics_are_those_of_the_training_part(name: str) -> None:
    data = catalog.find("data", name).load("")
    axis = (0, 2, 3) if data.facts.takes == "image" else 0
    np.testing.assert_allclose(data.facts.mean, data.train.inputs.mean(axis=axis, dtype=np.float64), rtol=1e-12)
    assert min(data.facts.std) > 0


@pytest.mark.parametrize("name", sorted({*ROWS, "names"} - {"diabetes"}))
def test_each_label_is_in_both_parts(name: str) -> None:
    data = catalog.find("data", name).load("")
    every = set(range(len(data.facts.labels)))
    assert set(data.train.targets.tolist()) == set(data.held_out.targets.tolist()) == every
    assert data.train.targets.dtype == np.int32


@pytest.mark.parametrize("name", [*ROWS, "names"])
def test_contents_of_another_release_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = catalog.find("data", name)
    monkeypatch.setattr(module, "CHECKSUM", "0" * 64)
    with pytest.raises(DataError) as caught:
        module.load("")
    assert str(caught.value).startswith(f"data {name}: contents with checksum ")
    assert "; expected 000000000000, as shipped by " in str(caught.value)


@pytest.mark.parametrize("name", [*ROWS, "names"])
def test_a_path_is_refused(name: str) -> None:
    with pytest.raises(RequestError) as caught:
        catalog.find("data", name).load("own.csv")
    assert str(caught.value) == (
        f"data {name}: path 'own.csv'; expected no path: it comes with the package's dependencies; "
        f"pass --data {name}, or --data table:own.csv for a file of your own"
    )


def test_a_share_outside_0_to_1_is_refused() -> None:
    with pytest.raises(OptionError, match=r"data: held_out=1.5; expected a share above 0 and below 1"):
        catalog.find("data", "iris").load("", held_out=1.5)
