"""The network pulse: each second a byte from every agent to the scheduler's and back, over the network that trains.

The pipes to an agent may work while the network between two hosts does not. Nothing that comes is parsed but a fixed
short greeting, and whoever does not know the launch's token is sent away.
"""

from __future__ import annotations

import errno
import hmac
import selectors
import socket
import time
from contextlib import suppress

DIGITS = 6
TOKEN = 32  # bytes: 16 random ones as hexadecimal digits
GREETING = TOKEN + DIGITS + 1
STRANGERS = 64  # connections that have not greeted yet
BEAT = b"."
# How a connection ends when its other side has: not a sign that the network is gone.
LEFT = (errno.ECONNRESET, errno.EPIPE)
NEVER = float("-inf")


def greeting(token: str, index: int) -> bytes:
    """What the one who connects says first."""
    return f"{token}{index:0{DIGITS}d}\n".encode()


class Hub:
    """The scheduler's side.

    Args:
        selector: that waits for its sockets; it calls what is registered with them.
        address: to listen at; the system chooses the port.
        token: that greetings must have.
        seats: how many processes there are.
        silence_s: after which one is lost.
    """

    def __init__(
        self, selector: selectors.BaseSelector, address: str, token: str, seats: int, silence_s: float
    ) -> None:
        self._selector, self._token, self._seats, self._silence_s = selector, token.encode(), seats, silence_s
        self._strangers: dict[socket.socket, tuple[float, bytes]] = {}
        self._known: dict[int, tuple[socket.socket, float]] = {}
        self._listening = socket.create_server((address, 0), backlog=1024)
        self._listening.setblocking(False)
        self.port: int = self._listening.getsockname()[1]
        selector.register(self._listening, selectors.EVENT_READ, self._accept)

    def beat(self) -> None:
        """Tell all who have joined that this host lives."""
        for connection, _ in self._known.values():
            _send(connection)

    def lost(self, now: float) -> list[int]:
        """Who was not heard for too long, each told once; `now` from before the sockets were looked at."""
        for stranger, (since, _) in list(self._strangers.items()):
            if now - since > self._silence_s:
                self._send_away(stranger)
        found = [index for index, (_, heard) in self._known.items() if now - heard > self._silence_s]
        for index in found:
            self._forget(index)
        return found

    def _accept(self) -> None:
        try:
            connection, _ = self._listening.accept()
        except OSError:
            return
        connection.setblocking(False)
        if len(self._strangers) >= STRANGERS:
            connection.close()
            return
        self._strangers[connection] = (time.monotonic(), b"")
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._greet(connection))

    def _greet(self, connection: socket.socket) -> None:
        since, said = self._strangers[connection]
        chunk, _ = _receive(connection, GREETING - len(said))
        said += chunk or b""
        if chunk is None or (chunk and len(said) < GREETING):
            self._strangers[connection] = (since, said)
            return
        index = self._recognize(said)
        if index is None:
            self._send_away(connection)
            return
        del self._strangers[connection]
        self._selector.unregister(connection)
        self._known[index] = (connection, time.monotonic())
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._hear(index))
        _send(connection)

    def _recognize(self, said: bytes) -> int | None:
        """The number in a right greeting of somebody who has not joined."""
        digits = said[TOKEN : TOKEN + DIGITS]
        if len(said) != GREETING or not hmac.compare_digest(said[:TOKEN], self._token) or not digits.isdigit():
            return None
        index = int(digits)
        return index if index < self._seats and index not in self._known else None

    def _hear(self, index: int) -> None:
        connection, _ = self._known[index]
        chunk, gone = _receive(connection, 4096)
        if chunk:
            self._known[index] = (connection, time.monotonic())
        elif gone == "network":
            self._known[index] = (connection, NEVER)
            self._selector.unregister(connection)
        elif gone:
            self._forget(index)

    def _send_away(self, connection: socket.socket) -> None:
        del self._strangers[connection]
        self._selector.unregister(connection)
        connection.close()

    def _forget(self, index: int) -> None:
        connection, _ = self._known.pop(index)
        if connection in self._selector.get_map():
            self._selector.unregister(connection)
        connection.close()


class Spoke:
    """The side of all others.

    Args:
        selector: as for the hub.
        place: address and port of the hub.
        token: of the launch.
        index: of this process.
        silence_s: after which the hub is lost.
    """

    def __init__(
        self, selector: selectors.BaseSelector, place: tuple[str, int], token: str, index: int, silence_s: float
    ) -> None:
        self._selector, self._place, self._silence_s = selector, place, silence_s
        self._greeting, self._heard = greeting(token, index), time.monotonic()
        self._connection: socket.socket | None = None
        self.joined = self.left = False
        self._connect()

    def beat(self) -> None:
        """Tell the hub that this host lives, or try once more to reach it."""
        if self.joined and self._connection is not None:
            _send(self._connection)
        elif self._connection is None and not self.left:
            self._connect()

    def lost(self, now: float) -> bool:
        """Whether the hub was not heard for too long; `now` as above."""
        return not self.left and now - self._heard > self._silence_s

    def _connect(self) -> None:
        connection = socket.socket()
        connection.setblocking(False)
        if connection.connect_ex(self._place) not in (0, errno.EINPROGRESS):
            connection.close()
            return
        self._connection = connection
        self._selector.register(connection, selectors.EVENT_WRITE, self._greet)

    def _greet(self) -> None:
        assert self._connection is not None
        self._selector.unregister(self._connection)
        try:
            self._connection.send(self._greeting)
        except OSError:
            self._close()
            return
        self._selector.register(self._connection, selectors.EVENT_READ, self._hear)

    def _hear(self) -> None:
        assert self._connection is not None
        chunk, gone = _receive(self._connection, 4096)
        if chunk:
            self.joined, self._heard = True, time.monotonic()
        elif gone:
            self._selector.unregister(self._connection)
            self._close()
            self.left = self.joined and gone == "left"
            if self.joined and not self.left:
                self._heard = NEVER

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _send(connection: socket.socket) -> None:
    with suppress(OSError):  # what is wrong shows when it is read
        connection.send(BEAT)


def _receive(connection: socket.socket, size: int) -> tuple[bytes | None, str]:
    """What came, and how the connection ended if it has: "left" or "network"; None when nothing came yet."""
    try:
        chunk = connection.recv(size)
        return chunk, "" if chunk else "left"
    except BlockingIOError:
        return None, ""
    except OSError as error:
        return b"", "left" if error.errno in LEFT else "network"
