from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from gluon_ref.checks import folders
from gluon_ref.checks.findings import Finding

from .conftest import bad, named

Patch = pytest.MonkeyPatch
MIB, BLOCK = 1 << 20, 4096


class Disks:
    """What statvfs says of folders: free and all bytes, and free inodes."""

    def __init__(self) -> None:
        self.free: dict[str, int] = {}
        self.shared: int | None = 1024 * MIB
        self.inodes = (100, 7)

    def statvfs(self, folder: str) -> SimpleNamespace:
        if folder == folders.SHARED and self.shared is None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", folder)
        size = self.shared if folder == folders.SHARED else self.free.get(folder, 5000 * MIB)
        assert size is not None
        files, left = self.inodes
        return SimpleNamespace(
            f_bavail=size // BLOCK, f_blocks=size // BLOCK, f_frsize=BLOCK, f_files=files, f_favail=left
        )


@pytest.fixture(autouse=True)
def disks(monkeypatch: Patch, tmp_path: Path) -> Disks:
    """Disks with room; the working folder is `here`, the temporary one `scratch`, the home `home`."""
    for name in ("here", "scratch", "home"):
        (tmp_path / name).mkdir()
    found = Disks()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "scratch"))
    monkeypatch.setattr(folders.os, "statvfs", found.statvfs)
    return found


@pytest.fixture
def refuse(monkeypatch: Patch):
    """Let files in one folder be refused, as permission or a file system would: root may write anywhere else."""

    def refuse(folder: Path, number: int) -> None:
        plain = tempfile.TemporaryFile

        def make(dir: str) -> object:
            if Path(dir) == folder:
                raise OSError(number, os.strerror(number), dir)
            return plain(dir=dir)

        monkeypatch.setattr(tempfile, "TemporaryFile", make)

    return refuse


def look(tmp_path: Path, **environ: str) -> dict[str, Finding]:
    return named(folders.check({"HOME": str(tmp_path / "home"), **environ}))


def test_folders_with_room_are_well(tmp_path: Path) -> None:
    found = look(tmp_path)
    assert not bad(found.values())
    assert found["working folder"].found == f"{tmp_path / 'here'}, 4.9 GiB free"
    assert found["/dev/shm"].found == "1.0 GiB in all"
    assert found["cache"].found == f"{tmp_path / 'home' / '.mxnet'} can be written"
    assert not list((tmp_path / "home").iterdir())
    assert not list((tmp_path / "here").iterdir())


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_working_folder_that_cannot_be_written_is_a_problem(tmp_path: Path, refuse, number: int) -> None:
    refuse(tmp_path / "here", number)
    (one,) = bad(look(tmp_path).values())
    assert (one.name, one.state) == ("working folder", "problem")
    assert one.found == f"{tmp_path / 'here'}: {os.strerror(number)}"
    assert one.command == "cd DIR, or gluonref train RECIPE --out DIR/RUN"


def test_a_working_folder_that_is_gone_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "here").rmdir()
    (one,) = bad(look(tmp_path).values())
    assert (one.state, one.found, one.command) == ("problem", "it has been removed", "cd")


@pytest.mark.parametrize(("size", "state"), [(19 * MIB, "problem"), (500 * MIB, "warning"), (1100 * MIB, "ok")])
def test_little_room_here_is_told(tmp_path: Path, disks: Disks, size: int, state: str) -> None:
    disks.free[str(tmp_path / "here")] = size
    one = look(tmp_path)["working folder"]
    assert one.state == state
    assert state == "ok" or one.command.endswith("; cd DIR, or gluonref train RECIPE --out DIR/RUN")


@pytest.mark.parametrize(("inodes", "state"), [((100, 0), "problem"), ((0, 0), "ok")])
def test_a_disk_without_inodes_is_full(tmp_path: Path, disks: Disks, inodes: tuple[int, int], state: str) -> None:
    disks.inodes = inodes
    assert look(tmp_path)["working folder"].state == state


def test_little_room_in_the_temporary_folder_is_told(tmp_path: Path, disks: Disks) -> None:
    disks.free[str(tmp_path / "scratch")] = 10 * MIB
    (one,) = bad(look(tmp_path).values())
    assert (one.name, one.state, one.why) == ("temporary folder", "warning", "exports are verified through it")
    assert one.command.endswith("; export TMPDIR=DIR")


def test_no_temporary_folder_at_all_is_told(tmp_path: Path, monkeypatch: Patch) -> None:
    def none() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    (one,) = bad(look(tmp_path).values())
    assert "No usable temporary directory found" in one.found
    assert one.command == "export TMPDIR=DIR"


@pytest.mark.parametrize(("size", "told"), [(64 * MIB, "64 MiB in all"), (None, "No such file or directory")])
def test_small_shared_memory_is_told(tmp_path: Path, disks: Disks, size: int | None, told: str) -> None:
    disks.shared = size
    (one,) = bad(look(tmp_path).values())
    assert (one.name, one.state, one.found) == ("/dev/shm", "warning", told)
    assert one.why.startswith("worker processes of a DataLoader (num_workers above 0)")
    assert one.command.startswith("mount -o remount,size=1G /dev/shm")


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, refuse) -> None:
    refuse(tmp_path / "home", errno.EACCES)
    (one,) = bad(look(tmp_path).values())
    assert (one.name, one.found) == ("cache", f"{tmp_path / 'home' / '.mxnet'}: Permission denied")
    assert one.command == "mkdir -p DIR && export MXNET_HOME=DIR"
    assert not bad(look(tmp_path, MXNET_HOME=str(tmp_path / "scratch" / "a" / "b")).values())


def test_a_cache_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "home" / ".mxnet").write_text("")
    (one,) = bad(look(tmp_path).values())
    assert one.found.endswith(".mxnet: not a folder")
