from __future__ import annotations

import hashlib
import io
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gluon_ref import downloading
from gluon_ref.downloading import Remote, fetch, unpack
from gluon_ref.errors import DataError, GluonRefError, MachineError, PathError

from .servers import Server, serving

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(downloading, "ANSWER_S", 0.5)
    monkeypatch.setattr(downloading, "STALL_S", 0.5)
    with serving({"/file": CONTENT}) as server:
        yield server


def remote(server: Server, path: str = "/file", size: int = len(CONTENT)) -> Remote:
    return Remote(server.address + path, SHA256, size)


def refused(kind: type[GluonRefError], one: Remote, folder: Path, timeout_s: float = 30.0) -> str:
    """The message of a fetch that leaves nothing behind."""
    with pytest.raises(kind) as caught:
        fetch(one, folder / "new" / "file", timeout_s)
    assert not list(folder.iterdir())
    return str(caught.value).replace(str(folder), "DIR").replace(one.url, "URL")


def test_a_file_is_fetched_into_a_new_folder(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new" / "file"
    assert fetch(remote(server), path, 30.0)
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]
    assert capsys.readouterr().err == f"fetching {server.address}/file (0.3 MB)\n"


def test_a_file_that_is_there_is_not_fetched_again(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    assert not fetch(remote(server), tmp_path / "file", 30.0)
    assert capsys.readouterr().err == ""
    (tmp_path / "file").write_bytes(b"my own")
    assert not fetch(remote(server), tmp_path / "file", 30.0)
    assert capsys.readouterr().err == (
        f"warning: {tmp_path}/file is not the file published as {server.address}/file; it is used as it is\n"
    )
    assert ((tmp_path / "file").read_bytes(), server.asked) == (b"my own", [])


def test_a_file_that_moved_is_followed_but_not_out_of_http(server: Server, tmp_path: Path) -> None:
    server.moved["/old"] = "/file"
    assert fetch(remote(server, "/old"), tmp_path / "file", 30.0)
    server.moved["/trap"] = "file:///etc/hostname"
    (tmp_path / "file").unlink()
    assert "URL: answers 302" in refused(MachineError, remote(server, "/trap"), tmp_path)


def test_another_file_than_the_published_is_refused(server: Server, tmp_path: Path) -> None:
    by_hand = f"try again later, or put the file there by hand as DIR/new/file (SHA-256 {SHA256})"
    server.files["/other"] = CONTENT[::-1]
    message = refused(DataError, remote(server, "/other"), tmp_path)
    given = hashlib.sha256(CONTENT[::-1]).hexdigest()[:12]
    assert message == f"URL: has SHA-256 {given}; expected {SHA256[:12]}, as published; {by_hand}"
    server.files["/short"] = CONTENT[:-1]
    assert "URL: ends after 255,999 bytes; expected 256,000;" in refused(DataError, remote(server, "/short"), tmp_path)


def test_no_more_than_the_published_size_is_read(server: Server, tmp_path: Path) -> None:
    server.trickling.add("/file")  # without end
    assert "URL: more than 256,000 bytes; expected that many;" in refused(DataError, remote(server), tmp_path)


def test_an_answer_that_is_none_is_told(server: Server, tmp_path: Path) -> None:
    assert refused(MachineError, remote(server, "/none"), tmp_path).startswith(
        "URL: answers 404 Not Found; expected the file, in time; try again later, or put the file there by hand as DIR"
    )


def test_no_network_is_told_at_once(tmp_path: Path) -> None:
    with serving({}) as gone:
        one = remote(gone)
    assert refused(MachineError, one, tmp_path).startswith("URL: cannot be reached (Connection refused); expected the")
    one = Remote("gopher://127.0.0.1/file", SHA256, 9)
    assert "URL: cannot be reached (unknown url type: gopher)" in refused(MachineError, one, tmp_path)


def test_a_name_that_is_never_found_is_given_up(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(*args: object, **options: object) -> None:
        server.over.wait()
        raise OSError("not found")

    monkeypatch.setattr(downloading, "ANSWER_S", 0.1)
    monkeypatch.setattr("socket.getaddrinfo", wait)
    assert "URL: silent for 0.1 s;" in refused(MachineError, remote(server), tmp_path)


def test_a_server_that_is_silent_is_given_up(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloading, "ANSWER_S", 0.1)
    server.files["/silent"] = b""
    assert "URL: silent for 0.1 s;" in refused(MachineError, remote(server, "/silent"), tmp_path)


def test_a_server_that_stalls_is_given_up(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloading, "STALL_S", 0.1)
    server.files["/half"] = CONTENT[:1000]
    server.stalling.add("/half")
    message = refused(MachineError, remote(server, "/half"), tmp_path)
    # The reading thread's own limit is as long: whichever ends first tells.
    assert "URL: silent for 0.1 s;" in message or "timed out" in message


def test_a_server_that_trickles_is_given_up(server: Server, tmp_path: Path) -> None:
    server.files["/slow"] = b""
    server.trickling.add("/slow")
    start = time.monotonic()
    assert "URL: not whole after 0.2 s;" in refused(MachineError, remote(server, "/slow"), tmp_path, 0.2)
    assert time.monotonic() - start < 5


def test_a_full_disk_leaves_nothing(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(downloading, "_write", full)
    message = refused(PathError, remote(server), tmp_path)
    assert (
        message == "DIR/new/file: cannot be written (No space left on device); expected a folder with room; free some"
    )


def archive(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content) if member.isreg() else None)
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_only_the_files_that_are_wanted_leave_an_archive(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "a.tar.gz",
        (member("in/a"), b"one"),
        (member("../out"), b"bad"),
        (member("/abs"), b"bad"),
        (member("in/b"), b"two"),
        (member("in/c"), b"three"),
    )
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "a").write_bytes(b"old")
    unpack(path, {"in/a": tmp_path / "to" / "a", "in/b": tmp_path / "to" / "new" / "b"}, 3)
    assert sorted(file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*") if file.is_file()) == [
        "a.tar.gz",
        "to/a",
        "to/new/b",
    ]
    assert (tmp_path / "to" / "a").read_bytes() == b"one"


@pytest.mark.parametrize(
    "members",
    [
        [(member("in/b"), b"x")],
        [(member("in/a", tarfile.SYMTYPE, "/etc/hostname"), b"")],
        [(member("in/b"), b"x"), (member("in/a", tarfile.LNKTYPE, "in/b"), b"")],
        [(member("in/a", tarfile.DIRTYPE), b"")],
        [(member("in/a"), b"four")],
    ],
    ids=["missing", "link", "hard link", "folder", "too large"],
)
def test_a_file_that_is_not_in_the_archive_as_one_is_refused(
    tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]]
) -> None:
    path = archive(tmp_path / "a.tar.gz", *members)
    with pytest.raises(DataError, match=r"a.tar.gz: no file in/a of proper size in it; expected the published file; f"):
        unpack(path, {"in/a": tmp_path / "a"}, 3)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("alter", [lambda whole: b"", lambda whole: b"text", lambda whole: whole[:40]])
def test_a_damaged_archive_is_refused(tmp_path: Path, alter: Callable[[bytes], bytes]) -> None:
    path = archive(tmp_path / "a.tar.gz", (member("in/a"), b"x" * 3), (member("b"), bytes(range(256)) * 9))
    path.write_bytes(alter(path.read_bytes()))
    with pytest.raises(
        DataError, match=r"a.tar.gz: no whole .tar.gz \(.*; expected the published file; fetch it again"
    ):
        unpack(path, {"in/a": tmp_path / "a"}, 3)
