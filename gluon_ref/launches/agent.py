"""The process that holds one process of a run, on whichever host: `python -m gluon_ref.launches.agent PULSE SILENCE`.

It gets its orders as lines of JSON on its standard input, and tells on its standard output what its child writes, does
and ends with. When the orders end, or no sign of life comes for SILENCE seconds, it ends the child and leaves.
It imports nothing that takes long, and no MXNet.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from ..machine import processors
from . import processes
from .cutting import Cutter
from .pulses import Hub, Spoke
from .wires import Inbox, Outbox

TICK_S = 0.2  # between two looks at the clock, where the pulse is not quicker
DRAIN_S = 1.0  # for what an ended child has written; what it started may hold the pipe open
BEAT_BYTES = 4096  # of a line that the child tells
WINDOW = 1 << 20  # characters of output that the launcher has not printed yet; then the child has to wait
FORCE_S = 3.0  # for the end by force, and for telling of it


class Agent:
    """One child, from its order to its end.

    Args:
        inbox: orders.
        outbox: reports.
        pulse_s: between two signs of life.
        silence_s: without one, after which the launcher counts as lost.
    """

    def __init__(self, inbox: Inbox, outbox: Outbox, pulse_s: float, silence_s: float) -> None:
        self._inbox, self._outbox, self._pulse_s, self._silence_s = inbox, outbox, pulse_s, silence_s
        self._selector = selectors.DefaultSelector()
        self._selector.register(inbox.number, selectors.EVENT_READ, self._obey)
        self._heard, self._pulsed = time.monotonic(), float("-inf")
        self._child: processes.Process[bytes] | None = None
        self._order: Mapping[str, Any] = {}
        self._hub: Hub | None = None
        self._spoke: Spoke | None = None
        self._reserved: socket.socket | None = None
        self._streams: dict[int, tuple[str, Cutter]] = {}
        self._beats: Inbox | None = None
        self._told = self._printed = 0
        self._over = self._paused = self._cut = False

    def run(self) -> None:
        """Serve until the child has ended, or nobody wants it any more."""
        while not self._over and not self._outbox.broken:
            now = time.monotonic()  # before what has come is taken: a process that stood still is late, not deaf
            for key, _ in self._selector.select(min(TICK_S, self._pulse_s / 2)):
                key.data()
            self._outbox.flush()
            self._look(now)
        self._finish()
        until = time.monotonic() + FORCE_S
        while self._outbox.waiting and not self._outbox.broken and time.monotonic() < until:
            time.sleep(0.01)
            self._outbox.flush()

    def _look(self, now: float) -> None:
        """Do what is due by then."""
        if now - self._heard > self._silence_s:
            self._outbox.put({"deaf": True})
            self._over = True
            return
        if now - self._pulsed >= self._pulse_s:
            self._beat(now)
        if self._hub:
            for index in self._hub.lost(now):
                self._outbox.put({"lost": index})
        if self._spoke and not self._cut and self._spoke.lost(now):
            self._cut = True
            self._outbox.put({"lost": 0})
        if self._order and self._child is None and (self._spoke is None or self._spoke.joined):
            self._start()
        elif self._child is not None and self._child.poll() is not None:
            self._over = True

    def _beat(self, now: float) -> None:
        self._pulsed = now
        if not self._outbox.waiting:
            self._outbox.put({"pulse": True})
        for side in (self._hub, self._spoke):
            if side:
                side.beat()

    def _obey(self) -> None:
        """Take orders; that there are any is a sign of life."""
        orders = self._inbox.read()
        self._heard = time.monotonic()
        for order in orders:
            self._printed = max(self._printed, order.get("printed", 0))
            if "begin" in order:
                self._prepare(order["begin"])
            if "end" in order and self._child is not None:
                self._child.send_signal(signal.SIGTERM)
            self._over |= "kill" in order
        self._over |= self._inbox.ended
        if self._paused and self._told - self._printed < WINDOW:
            self._pause(False)

    def _prepare(self, order: Mapping[str, Any]) -> None:
        """Reserve the root's port and listen, or connect to who does; then the child is started."""
        environ, network = dict(order["environ"]), order["network"]
        try:
            if order["index"] == 0:
                # Bound and not listening: the scheduler can bind it too, as ZeroMQ does so with SO_REUSEADDR, and
                # nobody who lets the system choose gets it.
                self._reserved = socket.socket()
                self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self._reserved.bind((environ["DMLC_PS_ROOT_URI"], 0))
                environ["DMLC_PS_ROOT_PORT"] = str(self._reserved.getsockname()[1])
                ports = {"port": environ["DMLC_PS_ROOT_PORT"], "hub": 0}
                if network:
                    self._hub = Hub(self._selector, order["address"], network["token"], order["seats"], self._silence_s)
                    ports["hub"] = self._hub.port
                self._outbox.put({"ready": ports})
            elif network:
                place = (network["address"], network["port"])
                self._spoke = Spoke(self._selector, place, network["token"], order["index"], self._silence_s)
        except OSError as error:
            self._give_up(f"{order['address']} cannot be listened at: {error.strerror or error}")
            return
        self._order = {**order, "environ": environ}

    def _start(self) -> None:
        order = self._order
        beats, told = os.pipe()
        environ = surroundings(os.environ, {**order["person"], **order["environ"]}, order["sharing"])
        environ["GLUONREF_BEATS"] = str(told)
        try:
            self._child = processes.child(order["command"], environ, order["folder"], told)
        except OSError as error:
            self._give_up(f"{error.filename or order['command'][0]}: {error.strerror or error}")
            return
        finally:
            os.close(told)
        self._beats = Inbox(beats, BEAT_BYTES)
        self._selector.register(beats, selectors.EVENT_READ, self._pass_on)
        for name, stream in (("out", self._child.stdout), ("err", self._child.stderr)):
            assert stream is not None
            os.set_blocking(stream.fileno(), False)
            self._streams[stream.fileno()] = (name, Cutter())
            self._selector.register(stream.fileno(), selectors.EVENT_READ, self._reading(stream.fileno()))
        self._outbox.put({"pid": self._child.pid})

    def _give_up(self, why: str) -> None:
        self._outbox.put({"broken": why})
        self._over = True

    def _reading(self, number: int) -> Callable[[], None]:
        return lambda: self._read(number)

    def _read(self, number: int) -> None:
        """Pass on what the child wrote to one of its streams."""
        name, cutter = self._streams[number]
        try:
            chunk = os.read(number, 1 << 16)
        except BlockingIOError:
            return
        lines = cutter.feed(chunk) if chunk else cutter.end()
        if not chunk:
            self._selector.unregister(number)
            del self._streams[number]
        for line in lines:
            self._told += len(line) + 1
            self._outbox.put({name: line})
        child = self._child
        if self._told - self._printed >= WINDOW and not self._paused and child and child.returncode is None:
            self._pause(True)

    def _pause(self, wait: bool) -> None:
        """Let the child wait for who prints, as in any pipe, or read on."""
        self._paused = wait
        for number in self._streams:
            if wait:
                self._selector.unregister(number)
            else:
                self._selector.register(number, selectors.EVENT_READ, self._reading(number))

    def _pass_on(self) -> None:
        """Pass on what the child told."""
        assert self._beats is not None
        for message in self._beats.read():
            self._outbox.put({"beat": message})
        if self._beats.ended:
            self._selector.unregister(self._beats.number)
            self._beats = None

    def _finish(self) -> None:
        """End the child, if it has not ended, and all that it started; tell what it wrote last, and how it ended."""
        if self._child is None:
            return
        with suppress(OSError):
            os.killpg(self._child.pid, signal.SIGKILL)
        with suppress(processes.TimeoutExpired):
            self._child.wait(FORCE_S)
        if self._paused:
            self._pause(False)
        until = time.monotonic() + DRAIN_S
        while (self._streams or self._beats) and time.monotonic() < until:
            for key, _ in self._selector.select(TICK_S):
                if key.fd in self._streams or key.data == self._pass_on:
                    key.data()
        for name, cutter in self._streams.values():
            for line in cutter.end():
                self._outbox.put({name: line})
        self._outbox.put({"exit": self._child.returncode})


def surroundings(here: Mapping[str, str], given: Mapping[str, str], sharing: int) -> dict[str, str]:
    """The child's environment.

    Args:
        here: the agent's own, of which what addresses other machines is left out.
        given: what the launcher sets and sends.
        sharing: processes that share the processors; 0 for one thread.
    """
    kept = {name: value for name, value in here.items() if not name.startswith("DMLC_") and name != "PORT"}
    threads = max(1, processors() // sharing) if sharing else 1
    return {"OMP_NUM_THREADS": str(threads), **kept, **given}


def main() -> None:
    """Serve one launcher."""
    with suppress(PermissionError):  # it leads a session already
        os.setsid()
    Agent(Inbox(0), Outbox(1), float(sys.argv[1]), float(sys.argv[2])).run()


if __name__ == "__main__":
    main()
