from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from gluon_ref.errors import MachineError, PathError
from gluon_ref.locking import locked

Patch = pytest.MonkeyPatch


def test_only_one_process_trains_in_a_folder(tmp_path: Path) -> None:
    with locked(tmp_path):
        with pytest.raises(PathError) as caught, locked(tmp_path):
            pass
        assert str(caught.value) == (
            f"run {tmp_path}: another process is training in it; expected one process for a run folder; "
            "wait for it, or stop it; `gluonref evaluate` may read the run meanwhile"
        )
    with locked(tmp_path):
        pass


def test_where_there_are_no_locks_it_is_said(
    tmp_path: Path, monkeypatch: Patch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(handle: int, operation: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with locked(tmp_path):
        pass
    assert "cannot be locked (No locks available); train it only once" in capsys.readouterr().err


def test_a_folder_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PathError) as caught, locked(tmp_path / "none"):
        pass
    assert str(caught.value) == (
        f"run {tmp_path / 'none'}: cannot be opened (No such file or directory); expected a folder you may read; "
        "check the path"
    )


def test_a_folder_that_was_moved_or_replaced_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    with locked(folder) as held:
        held()
        folder.rename(tmp_path / "moved")
        with pytest.raises(MachineError, match=r"run .*run: the folder was moved, removed or replaced while this tra"):
            held()
        folder.mkdir()
        with pytest.raises(MachineError, match=r"goes on with it where it is now; if it is gone, train anew"):
            held()
