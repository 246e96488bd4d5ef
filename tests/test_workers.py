"""Two workers with half the batch each come to the weights of one with all of it, and tell the same figures."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gluon_ref import workers
from gluon_ref.errors import DataError, MachineError
from gluon_ref.workers import ALONE, packed, unpacked

from . import together
from .probes import PROBES

SAME = 1e-5


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what two workers came to in all cases."""
    folder = tmp_path_factory.mktemp("both")
    together.write_texts(folder)
    together.start("dist_sync", folder)
    return folder


@pytest.mark.parametrize("case", together.CASES)
def test_two_workers_end_like_one_with_their_batches_joined(case: str, both: Path) -> None:
    alone = together.trained(together.made(case, both))
    figures: dict[str, Any] = json.loads((both / f"{case}.json").read_text(encoding="utf-8"))
    with np.load(both / f"{case}.npz") as arrays:
        for kind in ("weights", "average"):
            for name, array in alone[kind].items():
                np.testing.assert_allclose(arrays[f"{kind} {name}"], array, rtol=0, atol=SAME, err_msg=name)
    assert figures["seen"] == alone["figures"]["seen"]
    assert figures["step"] == alone["figures"]["step"]
    assert figures["rate"] == pytest.approx(alone["figures"]["rate"])
    assert figures["loss"] == pytest.approx(alone["figures"]["loss"], rel=1e-4)
    scores = figures["scores"]
    assert scores["cross_entropy"] == pytest.approx(alone["figures"]["scores"]["cross_entropy"], rel=1e-4)
    assert np.sum(scores["confusion"]) == np.sum(alone["figures"]["scores"]["confusion"])


def test_three_workers_add_in_whatever_order_to_the_same_bits(tmp_path: Path) -> None:
    together.start("dist_sync", tmp_path, workers=3)
    alone = together.trained(together.made("mlp adam", tmp_path))
    with np.load(tmp_path / "mlp adam.npz") as arrays:
        for name, array in alone["weights"].items():
            np.testing.assert_allclose(arrays[f"weights {name}"], array, rtol=0, atol=SAME, err_msg=name)


def test_workers_who_do_not_wait_learn_too_and_hear_each_other(tmp_path: Path) -> None:
    together.start("dist_async", tmp_path, servers=2)
    figures = json.loads((tmp_path / "mlp adam.json").read_text(encoding="utf-8"))
    assert figures["scores"]["accuracy"] > 0.3
    assert figures["loss"]["cross_entropy"] < 2.3


@pytest.mark.parametrize("probe", sorted({*PROBES} - {"agrees", "totals", "averages", "grants", "orders"}))
def test_one_process_is_a_group_of_its_own(probe: str) -> None:
    assert workers.join("dist_sync") is ALONE
    if probe in ("gathers", "broadcasts"):
        assert PROBES[probe](ALONE)


def test_one_process_does_at_once_what_it_wishes() -> None:
    assert ALONE.wish("stop", True)
    assert not ALONE.wish("stop", False)
    assert ALONE.agree(True)
    assert not ALONE.agree(False)
    assert ALONE.share(np.arange(5)).tolist() == [0, 1, 2, 3, 4]


def test_half_the_variables_of_a_launch_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLUONREF_LAUNCHED", "1")
    monkeypatch.delenv("DMLC_ROLE", raising=False)
    with pytest.raises(MachineError, match=r"GLUONREF_LAUNCHED is set and DMLC_ROLE is not set; .*`gluonref launch"):
        workers.join("dist_sync")


@pytest.mark.parametrize(
    ("store", "own", "expected"),
    [("dist_sync", None, "65536"), ("dist_sync", "777", "777"), ("dist_async", None, None)],
    ids=["sync", "asked otherwise", "async"],
)
def test_gradients_are_cut_over_all_servers_unless_these_update(
    store: str, own: str | None, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(workers.BOUND, own or "")
    if own is None:
        monkeypatch.delenv(workers.BOUND)
    seen = []

    def create(name: str) -> Any:
        seen.append(os.environ.get(workers.BOUND))
        return SimpleNamespace(rank=0, num_workers=1, set_optimizer=lambda optimizer: None)

    monkeypatch.setattr(workers.mx.kvstore, "create", create)
    workers.Workers(store)
    assert seen == [expected]


@pytest.mark.parametrize("ranks", [2, 3, 7])
def test_shares_are_all_of_a_batch_and_none_twice(ranks: int) -> None:
    for size in (1, 2, 13, 64):
        shares = []
        for rank in range(ranks):
            group = workers.Group()
            group.rank, group.workers = rank, ranks
            shares.append(group.share(np.arange(size)))
        assert np.concatenate(shares).tolist() == list(range(size))
        assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_each_rank_has_a_seed_of_its_own_and_the_first_the_run_s() -> None:
    seeds = []
    for rank in range(5):
        group = workers.Group()
        group.rank = rank
        seeds.append(group.seed(77))
    assert seeds[0] == 77
    assert len(set(seeds)) == 5


def test_arrays_survive_the_way_and_what_is_none_is_refused() -> None:
    arrays = {"a": np.eye(2), "b": np.arange(3, dtype=np.int64)}
    found = unpacked(packed(arrays))
    assert all((found[name] == arrays[name]).all() and found[name].dtype == arrays[name].dtype for name in arrays)
    with pytest.raises(DataError, match=r"message of a worker"):
        unpacked(b"no arrays")
