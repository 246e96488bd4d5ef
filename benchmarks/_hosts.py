"""Hosts of benchmarks/scaling.py: network namespaces of this machine, each behind a cable of a limited rate.

With slow cables the processors are not what limits an exchange, so that a few cores can stand for many hosts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHELL = "ip netns exec"
SUBNET = "10.213.8"
BURST_BYTES = 65536  # that a cable passes at once; what does not pass waits for up to a second, so that nothing is lost


@contextmanager
def cabled(count: int, rate_mbit_per_s: int, folder: Path) -> Iterator[Path | None]:
    """A hosts file of namespaces at one bridge; None where the machine does not allow them.

    Args:
        count: of hosts.
        rate_mbit_per_s: of each cable, each way.
        folder: for the file.
    """
    if not all(shutil.which(name) for name in ("ip", "tc")) or os.geteuid():
        yield None
        return
    bridge, number = f"gs{os.getpid() % 100_000}", os.getpid() % 100_000
    names = [f"gs{number}n{at}" for at in range(1, count + 1)]
    try:
        if not _run("ip", "link", "add", bridge, "type", "bridge") or not _run("ip", "link", "set", bridge, "up"):
            yield None
            return
        for at, name in enumerate(names, 1):
            if not _cable(bridge, name, at, rate_mbit_per_s):
                yield None
                return
        file = folder / "hosts"
        file.write_text("".join(f"{name} address={SUBNET}.{at}\n" for at, name in enumerate(names, 1)))
        yield file
    finally:
        for name in names:
            _run("ip", "netns", "del", name)
        _run("ip", "link", "del", bridge)


def _cable(bridge: str, name: str, at: int, rate_mbit_per_s: int) -> bool:
    limit = ("root", "tbf", "rate", f"{rate_mbit_per_s}mbit", "burst", str(BURST_BYTES), "latency", "1s")
    return all(
        _run(*words)
        for words in (
            ("ip", "netns", "add", name),
            ("ip", "link", "add", f"{name}o", "type", "veth", "peer", "name", "eth0", "netns", name),
            ("ip", "link", "set", f"{name}o", "master", bridge, "up"),
            ("ip", "-n", name, "address", "add", f"{SUBNET}.{at}/24", "dev", "eth0"),
            ("ip", "-n", name, "link", "set", "lo", "up"),
            ("ip", "-n", name, "link", "set", "eth0", "up"),
            ("tc", "qdisc", "add", "dev", f"{name}o", *limit),
            ("ip", "netns", "exec", name, "tc", "qdisc", "add", "dev", "eth0", *limit),
        )
    )


def _run(*words: str) -> bool:
    return not subprocess.run(words, capture_output=True).returncode
