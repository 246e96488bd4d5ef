"""Published files, fetched when asked for: whole, checked and within a time limit, or not at all."""

from __future__ import annotations

import hashlib
import http.client
import os
import queue
import shutil
import sys
import tarfile
import threading
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from .errors import DataError, GluonRefError, MachineError, PathError

# A server that says nothing for so long, at first or later on, is given up.
ANSWER_S = 10.0
STALL_S = 20.0
CHUNK = 1 << 16


@dataclass(frozen=True)
class Remote:
    """A published file.

    Args:
        url: http or https; the checksum vouches for the contents.
        sha256: hexadecimal.
        size_bytes: of the file; nothing longer is read.
    """

    url: str
    sha256: str
    size_bytes: int


def fetch(remote: Remote, path: Path, timeout_s: float) -> bool:
    """Fetch a file, unless there is one already; it is never overwritten.

    Args:
        remote: what to fetch.
        path: where to; its folder is made. The file appears there when it is whole, and nothing does before.
        timeout_s: most that it may take.
    Returns:
        whether it was fetched.
    Raises:
        MachineError: when it cannot be reached, or not in time.
        DataError: when what comes is not that file.
        PathError: when it cannot be written.
    """
    if path.exists():
        if checksum(path) != remote.sha256:
            print(f"warning: {path} is not the file published as {remote.url}; it is used as it is", file=sys.stderr)
        return False
    print(f"fetching {remote.url} ({remote.size_bytes / 1e6:,.1f} MB)", file=sys.stderr)
    made = not path.parent.exists()
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "wb") as file:
            _write(remote, path, file, timeout_s)
        os.replace(part, path)
    except OSError as error:
        raise PathError(str(path), f"cannot be written ({error.strerror})", "a folder with room", "free some") from None
    finally:
        part.unlink(missing_ok=True)
        if made and path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()
    return True


def checksum(path: Path) -> str:
    """SHA-256 of a file, hexadecimal.

    Raises:
        PathError: when it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while part := file.read(1 << 20):
                digest.update(part)
    except OSError as error:
        raise PathError(
            str(path), f"cannot be read ({error.strerror})", "a readable file", "check its rights"
        ) from None
    return digest.hexdigest()


def unpack(archive: Path, wanted: Mapping[str, Path], largest_bytes: int) -> None:
    """Take files out of a gzipped tar archive, by their names in it; whatever else it holds stays in it.

    Args:
        archive: the file.
        wanted: name in the archive -> where to put it; its folder is made, and a file there replaced.
        largest_bytes: of any of them.
    Raises:
        DataError: when it is no such archive, or one of the files is not in it as a regular file of that size.
        PathError: when one cannot be written.
    """
    found = set()
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                source = tar.extractfile(member) if member.name in wanted and member.isreg() else None
                if source and member.size <= largest_bytes:
                    _place(source, wanted[member.name])
                    found.add(member.name)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DataError(str(archive), f"no whole .tar.gz ({error})", "the published file", "fetch it again") from None
    except OSError as error:
        told = error.strerror or str(error)
        raise PathError(str(archive), f"cannot be unpacked ({told})", "a folder with room", "free some") from None
    missing = sorted(set(wanted) - found)
    if missing:
        raise DataError(
            str(archive), f"no file {', '.join(missing)} of proper size in it", "the published file", "fetch it again"
        )


def _place(source: IO[bytes], path: Path) -> None:
    """Write a file that appears when it is whole."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "wb") as file:
            shutil.copyfileobj(source, file)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _write(remote: Remote, path: Path, file: BinaryIO, timeout_s: float) -> None:
    """Write what comes to a file, and check it."""
    digest, size = hashlib.sha256(), 0
    for content in _contents(remote, path, timeout_s):
        size += len(content)
        if size > remote.size_bytes:
            raise _other(remote, path, f"more than {remote.size_bytes:,} bytes", "that many")
        digest.update(content)
        file.write(content)
    if size != remote.size_bytes:
        raise _other(remote, path, f"ends after {size:,} bytes", f"{remote.size_bytes:,}")
    if digest.hexdigest() != remote.sha256:
        raise _other(remote, path, f"has SHA-256 {digest.hexdigest()[:12]}", f"{remote.sha256[:12]}, as published")


def _contents(remote: Remote, path: Path, timeout_s: float) -> Iterator[bytes]:
    """What comes, in pieces, as long as it comes in time."""
    transfer = _Transfer(remote.url)
    end, wait = time.monotonic() + timeout_s, ANSWER_S
    transfer.start()
    try:
        while True:
            left = end - time.monotonic()
            try:
                content = transfer.pieces.get(timeout=max(0.0, min(wait, left)))
            except queue.Empty:
                told = f"not whole after {timeout_s:g} s" if left <= wait else f"silent for {wait:g} s"
                raise _unreached(remote, path, told) from None
            if isinstance(content, Exception):
                raise _unreached(remote, path, _reason(content))
            if not content:
                return
            if time.monotonic() > end:
                raise _unreached(remote, path, f"not whole after {timeout_s:g} s")
            yield content
            wait = STALL_S
    finally:
        transfer.stopped.set()


class _Transfer(threading.Thread):
    """Reads an address in a thread of its own: looking up a name, for one, knows no time limit."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url = url
        self.pieces: queue.Queue[bytes | Exception] = queue.Queue(maxsize=8)
        self.stopped = threading.Event()

    def run(self) -> None:
        """Put the pieces, then an empty one, or the error."""
        try:
            with _opener().open(self.url, timeout=STALL_S) as response:
                while content := response.read1(CHUNK):
                    if not self._put(content):
                        return
                self._put(b"")
        except urllib.error.HTTPError as error:
            error.close()
            self._put(error)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._put(error)

    def _put(self, item: bytes | Exception) -> bool:
        while not self.stopped.is_set():
            try:
                self.pieces.put(item, timeout=0.5)
                return True
            except queue.Full:
                continue
        return False


def _opener() -> urllib.request.OpenerDirector:
    """HTTP and HTTPS and nothing else, through the proxies that the environment names; redirections likewise."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"answers {error.code} {error.reason}"
    cause = getattr(error, "reason", error)
    return f"cannot be reached ({getattr(cause, 'strerror', None) or cause or type(error).__name__})"


def _unreached(remote: Remote, path: Path, given: str) -> GluonRefError:
    return MachineError(remote.url, given, "the file, in time", _by_hand(remote, path))


def _other(remote: Remote, path: Path, given: str, expected: str) -> GluonRefError:
    return DataError(remote.url, given, expected, _by_hand(remote, path))


def _by_hand(remote: Remote, path: Path) -> str:
    return f"try again later, or put the file there by hand as {path} (SHA-256 {remote.sha256})"
