"""The cost of an exchange, worked by hand, and found again from measurements that obey it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).parents[2] / "benchmarks" / "_scaling.py"


@pytest.fixture(scope="module")
def scaling() -> ModuleType:
    spec = importlib.util.spec_from_file_location("_scaling", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("workers", "servers", "apart", "carried"),
    [
        (1, 1, True, 2 * 60),  # pushed and pulled
        (5, 1, True, 2 * 5 * 120),  # the server's link has everyone's, in halves
        (5, 3, True, 2 * 5 * 40),
        (5, 5, True, 2 * 120),  # each link has the same
        (2, 3, True, 2 * 60),  # the worker's link has all of its own
        (1, 1, False, 0),  # on one host
        (2, 1, False, 2 * 60),  # one of two has a way to go
        (5, 1, False, 2 * 4 * 120),
        (5, 3, False, 2 * 4 * 40),
        (5, 5, False, 2 * 4 * 24),  # as in a ring
        (3, 2, False, 2 * 2 * 60),
    ],
)
def test_the_busiest_link_is_the_server_s_or_a_worker_s(
    scaling: ModuleType, workers: int, servers: int, apart: bool, carried: float
) -> None:
    assert scaling.Exchange(60, workers, servers, apart).carried_bytes == carried


def test_an_exchange_is_the_sum_of_its_four_costs(scaling: ModuleType) -> None:
    network = scaling.Network(latency_s=0.5, rate_bytes_per_s=100, message_s=0.01, passing_bytes_per_s=1000)
    exchange = scaling.Exchange(300, workers=2, servers=3, apart=True)
    # 2 * 300 through a worker's link, 3 messages there and back; 5 times 100 read through by a server, 2 * 300 copied.
    assert scaling.exchange_s(network, exchange) == pytest.approx(0.5 + 6.0 + 0.06 + 1.1)
    assert scaling.efficiency(network, exchange, 7.66) == pytest.approx(0.5)


def test_three_and_more_workers_exchange_twice_and_send_halves(scaling: ModuleType) -> None:
    network = scaling.Network(latency_s=0.5, rate_bytes_per_s=100, message_s=0.01, passing_bytes_per_s=1000)
    exchange = scaling.Exchange(300, workers=3, servers=2)
    # 2 * 2 * 300 through a server's link, 6 and 6 messages; 7 times 300 read through, and 14 times 300 by a worker.
    assert scaling.exchange_s(network, exchange) == pytest.approx(1.0 + 12.0 + 0.12 + 6.3)


def test_each_worker_has_a_message_for_each_server_and_each_server_one_for_each_worker(scaling: ModuleType) -> None:
    assert scaling.Exchange(60, workers=5, servers=2).messages == 20
    assert scaling.Exchange(60, workers=2, servers=5, apart=True).messages == 10


def test_what_measurements_were_made_of_is_found_again(scaling: ModuleType) -> None:
    true = scaling.Network(latency_s=3e-4, rate_bytes_per_s=2e7, message_s=5e-5, passing_bytes_per_s=2e9)
    exchanges = [scaling.Exchange(size, *who) for size in (1e6, 7e6) for who in ((2, 1), (5, 1), (3, 4), (1, 6, True))]
    found = scaling.fit([(one, scaling.exchange_s(true, one)) for one in exchanges], 2e9)
    for name in ("latency_s", "rate_bytes_per_s", "message_s", "passing_bytes_per_s"):
        assert getattr(found, name) == pytest.approx(getattr(true, name), rel=1e-6), name


def test_no_share_of_a_fit_is_negative(scaling: ModuleType) -> None:
    exchanges = [scaling.Exchange(size, 1, apart=True) for size in (1e6, 2e6, 4e6)]
    found = scaling.fit(zip(exchanges, (0.001, 0.003, 0.007)), 1e12)  # a line that begins below 0
    assert found.latency_s == 0
    assert found.rate_bytes_per_s > 0


def test_workers_pay_until_their_server_s_link_is_full(scaling: ModuleType) -> None:
    network = scaling.Network(latency_s=0, rate_bytes_per_s=100, message_s=0, passing_bytes_per_s=1e12)
    # 2 (W - 1) * 2 * 50 / 100 seconds of exchange against 10 of computing: W = 6 is the last with a half.
    assert scaling.paying(network, 50, 10.001, lambda workers: 1) == 6
    assert scaling.paying(network, 50, 10, lambda workers: workers) == scaling.MOST
    assert scaling.paying(network, 50, 0.4, lambda workers: 1) == 1


def test_a_faster_link_than_the_processes_does_not_help(scaling: ModuleType) -> None:
    network = scaling.Network(latency_s=0.1, rate_bytes_per_s=100, message_s=0, passing_bytes_per_s=1)
    assert scaling.slower(network, 1000, 0.2).rate_bytes_per_s == 100
    assert scaling.slower(network, 10, 0.2).rate_bytes_per_s == 10
    assert scaling.slower(network, 10, 0.2).latency_s == pytest.approx(0.3)
