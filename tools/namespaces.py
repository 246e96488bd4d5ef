"""Hosts made of network namespaces, at a bridge by a cable each that can be pulled; Linux, as root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

SHELL = "ip netns exec"
NET = "10.213.7"


class Refused(Exception):
    """This machine does not allow it; says why."""


def ip(*words: str) -> None:
    """Run ip."""
    subprocess.run(["ip", *words], check=True, capture_output=True)


def cable(name: str, state: str) -> None:
    """Pull a host's cable (down), or put it in (up)."""
    ip("link", "set", f"{name}o", state)


def lines(names: Sequence[str]) -> str:
    """The hosts file of them."""
    return "".join(f"{name} address={NET}.{number}\n" for number, name in enumerate(names, 1))


@contextmanager
def network(count: int) -> Iterator[list[str]]:
    """A bridge with that many hosts, whose addresses end with 1, 2 ...

    Yields:
        their names.
    Raises:
        Refused: when there can be none.
    """
    if shutil.which("ip") is None or os.geteuid() != 0:
        raise Refused("network namespaces need the command ip and root")
    bridge = f"gr{os.getpid() % 10_000}"
    names = [f"{bridge}{letter}" for letter in "abcdefgh"[:count]]
    try:
        ip("netns", "add", names[0])
    except subprocess.CalledProcessError as error:
        raise Refused(f"network namespaces are not allowed here: {error.stderr.decode().strip()}") from None
    try:
        ip("link", "add", bridge, "type", "bridge")
        ip("link", "set", bridge, "up")
        for number, name in enumerate(names, 1):
            if number > 1:
                ip("netns", "add", name)
            ip("link", "add", f"{name}o", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", f"{name}o", "master", bridge, "up")
            ip("-n", name, "address", "add", f"{NET}.{number}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "link", "set", "eth0", "up")
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "link", "del", f"{name}o"], capture_output=True)
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        subprocess.run(["ip", "link", "del", bridge], capture_output=True)
