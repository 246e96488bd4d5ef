from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from gluon_ref.errors import Interrupted
from gluon_ref.interrupts import watching


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """SIGINT as a terminal's program has it: a shell's background job ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_noted_and_met_where_it_suits(number: int, code: int) -> None:
    before = signal.getsignal(number)
    with watching() as watch:
        watch.look("train", "resume")
        os.kill(os.getpid(), number)
        with pytest.raises(Interrupted) as caught:
            watch.look("train", "resume")
        assert caught.value.exit_code == code
        assert str(caught.value) == f"train: stopped by signal {int(number)}; resume"
    assert signal.getsignal(number) == before


def test_a_second_signal_stops_at_once() -> None:
    with watching(), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with watching() as watch:
            os.kill(os.getpid(), signal.SIGINT)
            assert watch.signal == 0
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_changes_no_handlers() -> None:
    before, found = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with watching() as watch:
            found.append((watch.signal, signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [(0, before)]
