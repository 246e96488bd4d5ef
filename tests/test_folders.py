"""Where results go: what is there already is seen, and never overwritten."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gluon_ref import folders
from gluon_ref.errors import PathError


def test_a_folder_that_cannot_be_looked_into_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(
        PathError, match=r"cannot be read \(Permission denied\); expected a folder you may read; pass an"
    ):
        folders.vacant(tmp_path)


def test_the_next_free_name_is_counted_up(tmp_path: Path) -> None:
    found = []
    for _ in range(3):
        found.append(folders.free(tmp_path, "mlp").name)
        folders.free(tmp_path, "mlp").mkdir()
    assert found == ["mlp", "mlp-2", "mlp-3"]
