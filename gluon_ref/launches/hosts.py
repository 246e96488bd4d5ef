"""The hosts file: one host a line, how many workers it may have, and the address by which the others reach it."""

from __future__ import annotations

import ipaddress
import re
import socket
from pathlib import Path

from ..errors import PathError, RequestError
from .records import LOOPBACK, Host

FORM = "NAME [slots=K] [address=A]"
# As ssh takes a name, with a user before it or not; one that begins with a dash would be an option.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*")
LONGEST = 1 << 20  # characters of a hosts file


def here(workers: int) -> tuple[Host, ...]:
    """This machine alone, out of reach of any other."""
    return (Host("", workers, LOOPBACK),)


def read(path: str | Path, *, allow_public: bool = False) -> tuple[Host, ...]:
    """Read a hosts file.

    Args:
        path: of the file.
        allow_public: take addresses that anyone may reach.
    Raises:
        PathError: when it cannot be read.
        RequestError: naming the line, when a line is wrong, a name has no address, or an address is public.
    """
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read(LONGEST).splitlines()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not text in UTF-8"
        raise PathError(
            "launch", f"--hosts {path} cannot be read ({why})", f"a host a line: {FORM}", "check the path"
        ) from None
    found: list[Host] = []
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        where = f"{path}, line {number}"
        host = _host(words, where)
        if host.name in {one.name for one in found}:
            raise RequestError(where, f"{host.name} again", "each host once", "give it more slots instead")
        if not allow_public:
            _refuse_public(host, where)
        found.append(host)
    if not found:
        raise RequestError(str(path), "no host in it", f"a host a line: {FORM}", "add one")
    _reach(found, str(path))
    return tuple(found)


def _host(words: list[str], where: str) -> Host:
    name, given = words[0], dict[str, str]()
    if not NAME.fullmatch(name):
        raise RequestError(where, repr(name), "a host's name first, as ssh takes it", f"write {FORM}")
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if key not in ("slots", "address") or not equals or key in given:
            raise RequestError(where, repr(word), "slots=K or address=A, each once", f"write {FORM}")
        given[key] = value
    slots = given.get("slots", "1")
    if not re.fullmatch("[0-9]{1,5}", slots) or not int(slots):
        raise RequestError(where, f"slots={slots}", "a whole number, 1 or more", f"write {name} slots=2")
    return Host(name, int(slots), _address(name, given.get("address"), where))


def _address(name: str, given: str | None, where: str) -> str:
    """The IPv4 address; ps-lite knows no other (tried: it cannot bind to ::1)."""
    try:
        found = socket.getaddrinfo(given or name.rpartition("@")[2], None, socket.AF_INET, socket.SOCK_STREAM)
        return str(found[0][4][0])
    except (OSError, UnicodeError):
        what = f"address={given}" if given is not None else f"{name} has no IPv4 address that is known here"
        raise RequestError(
            where, what, "an IPv4 address or a name of one", f"write {name} address=10.0.0.1, with its own"
        ) from None


def _refuse_public(host: Host, where: str) -> None:
    address = ipaddress.ip_address(host.address)
    if address.is_private or address.is_loopback or address.is_link_local:
        return
    raise RequestError(
        where,
        f"{host.name} has the public address {host.address}",
        "a private one: MXNet's servers ask for no password, do not encrypt, and unpickle what they are sent, so that "
        "whoever reaches their port runs code",
        "write address=A of a private network, or pass --allow-public if a firewall stands before it",
    )


def _reach(hosts: list[Host], where: str) -> None:
    """Refuse addresses that mean something else on each host, or nothing."""
    for host in hosts:
        address = ipaddress.ip_address(host.address)
        if address.is_unspecified or address.is_multicast or (address.is_loopback and _others(hosts)):
            raise RequestError(
                where,
                f"{host.name} has the address {host.address}",
                "one by which the other hosts reach it",
                f"write {host.name} address=A",
            )


def _others(hosts: list[Host]) -> bool:
    return any(not ipaddress.ip_address(host.address).is_loopback for host in hosts)
