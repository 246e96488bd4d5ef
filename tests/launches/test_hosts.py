"""Hosts files: what they say, and what is wrong with them, by file and line."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from gluon_ref.errors import PathError, RequestError
from gluon_ref.launches import hosts
from gluon_ref.launches.records import Host


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "hosts"
    path.write_text(text)
    return path


def test_without_a_file_all_is_on_the_loopback_address() -> None:
    assert hosts.here(3) == (Host("", 3, "127.0.0.1"),)


def test_names_slots_and_addresses_are_read_and_comments_left_out(tmp_path: Path) -> None:
    text = "# two\n\nfirst slots=2 address=10.0.0.1  # the big one\nme@second.lan address=192.168.3.4\n"
    found = (Host("first", 2, "10.0.0.1"), Host("me@second.lan", 1, "192.168.3.4"))
    assert hosts.read(write(tmp_path, text)) == found


def test_an_address_that_is_not_given_is_that_of_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def resolve(name: str, *rest: object) -> list[object]:
        asked.append(name)
        return [(None, None, None, None, ("10.1.2.3", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert hosts.read(write(tmp_path, "me@node7\n")) == (Host("me@node7", 1, "10.1.2.3"),)
    assert asked == ["node7"]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", "", "no host in it; expected a host a line: NAME [slots=K] [address=A]; add one"),
        ("a address=10.0.0.1\n\nb slots=x address=10.0.0.2", ", line 3", "slots=x; expected a whole number, 1 or more"),
        ("a slots=0 address=10.0.0.1", ", line 1", "slots=0; expected a whole number, 1 or more; write a slots=2"),
        ("a slots=-1", ", line 1", "slots=-1; expected"),
        ("a slots=2 slots=3", ", line 1", "'slots=3'; expected slots=K or address=A, each once"),
        ("a slot=2", ", line 1", "'slot=2'; expected slots=K or address=A, each once; write NAME"),
        ("a 4", ", line 1", "'4'; expected slots=K"),
        ("-oProxyCommand=x address=10.0.0.1", ", line 1", "'-oProxyCommand=x'; expected a host's name first"),
        ("a;b address=10.0.0.1", ", line 1", "'a;b'; expected a host's name first"),
        ("a address=10.0.0.1\na address=10.0.0.2", ", line 2", "a again; expected each host once; give it more slots"),
        ("a address=", ", line 1", "address=; expected an IPv4 address"),
        ("a address=fd00::1", ", line 1", "address=fd00::1; expected an IPv4 address"),
        ("no-such-host.invalid", ", line 1", "no-such-host.invalid has no IPv4 address that is known here; expected"),
        ("a address=0.0.0.0", "", "a has the address 0.0.0.0; expected one by which the other hosts reach it"),
        ("a address=127.0.0.1\nb address=10.0.0.1", "", "a has the address 127.0.0.1; expected one by which the other"),
    ],
)
def test_a_wrong_line_is_named_with_what_is_expected(tmp_path: Path, text: str, place: str, words: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(RequestError) as told:
        hosts.read(path)
    assert str(told.value).startswith(f"{path}{place}: {words}")


def test_loopback_addresses_alone_are_taken(tmp_path: Path) -> None:
    found = hosts.read(write(tmp_path, "a address=127.0.0.2\nb address=127.0.0.3"))
    assert [host.address for host in found] == ["127.0.0.2", "127.0.0.3"]


@pytest.mark.parametrize("address", ["8.8.8.8", "100.64.0.1", "203.0.114.5", "172.32.0.1"])
def test_a_public_address_is_refused_with_the_reason(tmp_path: Path, address: str) -> None:
    path = write(tmp_path, f"a address={address}")
    with pytest.raises(RequestError) as told:
        hosts.read(path)
    assert str(told.value).startswith(f"{path}, line 1: a has the public address {address}; expected a private one")
    assert "unpickle what they are sent, so that whoever reaches their port runs code" in str(told.value)
    assert "pass --allow-public" in str(told.value)
    assert told.value.exit_code == 2
    assert hosts.read(path, allow_public=True) == (Host("a", 1, address),)


@pytest.mark.parametrize("address", ["10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.1.1", "127.0.0.1"])
def test_private_and_link_local_addresses_are_taken(tmp_path: Path, address: str) -> None:
    assert hosts.read(write(tmp_path, f"a address={address}"))[0].address == address


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PathError, match="cannot be read \\(No such file or directory\\); expected a host a line"):
        hosts.read(tmp_path / "none")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PathError, match="cannot be read \\(not text in UTF-8\\)"):
        hosts.read(tmp_path / "binary")
