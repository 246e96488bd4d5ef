"""The network pulse: who knows the token joins, silence is noticed on both sides, and strangers get nowhere."""

from __future__ import annotations

import select
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from gluon_ref.launches.pulses import GREETING, STRANGERS, Hub, Spoke, greeting

TOKEN = "0123456789abcdef" * 2
SILENCE_S = 0.5
LIMIT_S = 5.0
HERE = "127.0.0.1"


@pytest.fixture
def selector() -> Iterator[selectors.BaseSelector]:
    """Closes what was registered with it."""
    with selectors.DefaultSelector() as chosen:
        yield chosen
        for key in list(chosen.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]


def turn(selector: selectors.BaseSelector, until: Callable[[], object], *sides: Hub | Spoke) -> None:
    """Let these live until something is so."""
    limit = time.monotonic() + LIMIT_S
    while not until():
        assert time.monotonic() < limit, "waited for too long"
        for key, _ in selector.select(0.01):
            key.data()
        for side in sides:
            side.beat()


def hub(selector: selectors.BaseSelector) -> Hub:
    return Hub(selector, HERE, TOKEN, 3, SILENCE_S)


def spoke(selector: selectors.BaseSelector, port: int, index: int = 2, token: str = TOKEN) -> Spoke:
    return Spoke(selector, (HERE, port), token, index, SILENCE_S)


def test_who_knows_the_token_joins_and_both_stay_content(selector: selectors.BaseSelector) -> None:
    center = hub(selector)
    side = spoke(selector, center.port)
    assert not side.joined
    turn(selector, lambda: side.joined, center, side)
    end = time.monotonic() + 2 * SILENCE_S
    turn(selector, lambda: time.monotonic() > end, center, side)
    assert (center.lost(time.monotonic()), side.lost(time.monotonic())) == ([], False)


def test_a_spoke_that_falls_silent_is_told_once(selector: selectors.BaseSelector) -> None:
    center = hub(selector)
    side = spoke(selector, center.port)
    turn(selector, lambda: side.joined, center, side)
    found: list[int] = []
    turn(selector, lambda: found.extend(center.lost(time.monotonic())) or found, center)
    assert found == [2]
    assert center.lost(time.monotonic()) == []


def test_a_hub_that_falls_silent_is_noticed(selector: selectors.BaseSelector) -> None:
    center = hub(selector)
    side = spoke(selector, center.port)
    turn(selector, lambda: side.joined, center, side)
    turn(selector, lambda: side.lost(time.monotonic()), side)


def test_a_hub_that_never_answers_is_noticed(selector: selectors.BaseSelector) -> None:
    with socket.create_server((HERE, 0)) as deaf:
        side = spoke(selector, deaf.getsockname()[1])
        turn(selector, lambda: side.lost(time.monotonic()), side)
        assert not side.joined


def test_a_spoke_tries_until_the_hub_is_there(selector: selectors.BaseSelector) -> None:
    with socket.socket() as free:
        free.bind((HERE, 0))
        side = spoke(selector, free.getsockname()[1])
        end = time.monotonic() + 0.1
        turn(selector, lambda: time.monotonic() > end, side)
        free.listen()
        free.setblocking(False)
        turn(selector, lambda: select.select([free], [], [], 0)[0], side)


def test_one_that_leaves_is_not_lost(selector: selectors.BaseSelector) -> None:
    center = hub(selector)
    with socket.create_connection((HERE, center.port)) as other:
        other.sendall(greeting(TOKEN, 1))
        turn(selector, lambda: len(selector.get_map()) == 2, center)
        end = time.monotonic() + 0.1
        turn(selector, lambda: time.monotonic() > end, center)
        assert other.recv(1) == b"."
    turn(selector, lambda: len(selector.get_map()) == 1, center)
    end = time.monotonic() + 2 * SILENCE_S
    turn(selector, lambda: time.monotonic() > end, center)
    assert center.lost(time.monotonic()) == []


@pytest.mark.parametrize(
    "words",
    [
        greeting("f" * 32, 1),
        greeting(TOKEN, 3),
        greeting(TOKEN, 1).replace(b"000001", b"00000x"),
        b"GET /index.html HTTP/1.1\r\nHost: example.org\r\n\r\n",
        b"\x80\x04\x95" + b"\x00" * GREETING,
    ],
)
def test_strangers_are_sent_away(selector: selectors.BaseSelector, words: bytes) -> None:
    center = hub(selector)
    with socket.create_connection((HERE, center.port)) as other:
        other.sendall(words)
        turn(selector, lambda: len(selector.get_map()) == 2, center)
        turn(selector, lambda: len(selector.get_map()) == 1, center)
        with suppress(ConnectionResetError):  # it had said more than was read
            assert other.recv(1) == b""


def test_strangers_that_say_nothing_are_few_and_not_kept(selector: selectors.BaseSelector) -> None:
    center = hub(selector)
    others = [socket.create_connection((HERE, center.port)) for _ in range(STRANGERS + 5)]
    end = time.monotonic() + SILENCE_S / 2
    turn(selector, lambda: time.monotonic() > end, center)
    assert len(selector.get_map()) == STRANGERS + 1
    turn(selector, lambda: center.lost(time.monotonic()) or len(selector.get_map()) == 1, center)
    for other in others:
        other.close()


def test_nobody_takes_the_place_of_one_who_has_joined(selector: selectors.BaseSelector) -> None:
    center = hub(selector)
    side = spoke(selector, center.port, index=1)
    turn(selector, lambda: side.joined, center, side)
    again = spoke(selector, center.port, index=1)
    turn(selector, lambda: again.lost(time.monotonic()), center, side, again)
    assert not again.joined
    assert (center.lost(time.monotonic()), side.lost(time.monotonic())) == ([], False)
