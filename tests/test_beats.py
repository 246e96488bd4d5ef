"""What the launcher is told goes through its pipe in whole lines; without one, nobody is told and nothing happens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gluon_ref import beats


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The end that the launcher reads."""
    reader, writer = os.pipe()
    monkeypatch.setenv(beats.BEATS, str(writer))
    monkeypatch.setattr(beats, "_told", 0.0)
    yield reader
    os.close(reader)
    os.close(writer)


def lines(reader: int) -> list[dict[str, object]]:
    """All that was told."""
    return [json.loads(line) for line in os.read(reader, 1 << 16).decode().splitlines()]


def test_each_thing_is_a_line_of_json(pipe: int) -> None:
    beats.tell(rank=1)
    beats.tell(failed="a line\nbreak", again=False)
    assert lines(pipe) == [{"rank": 1}, {"failed": "a line\nbreak", "again": False}]


def test_steps_are_told_at_most_five_times_a_second(pipe: int) -> None:
    for number in range(1000):
        beats.step(number)
    assert lines(pipe) == [{"step": 0}]


def test_a_long_text_is_cut_so_that_its_line_is_written_whole(pipe: int) -> None:
    beats.tell(failed="x" * 100_000, again=False)
    told = os.read(pipe, 1 << 16)
    assert len(told) < 4096
    assert told.endswith(b"\n")
    assert json.loads(told) == {"failed": "x" * (beats.LONGEST // 8), "again": False}


@pytest.mark.parametrize("number", [None, "", "no number", "999999"])
def test_without_a_pipe_nobody_is_told(number: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(beats.BEATS, raising=False)
    if number is not None:
        monkeypatch.setenv(beats.BEATS, number)
    beats.tell(rank=0)


def test_leaving_ends_at_once_and_loses_no_line() -> None:
    program = (
        "import atexit; from gluon_ref import beats; atexit.register(print, 'late'); print('told'); beats.leave(3)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (3, "told\n")


def test_a_server_without_a_role_is_refused(tmp_path: Path) -> None:
    environ = {key: value for key, value in os.environ.items() if key != "DMLC_ROLE"}
    ended = subprocess.run(
        [sys.executable, "-m", "gluon_ref.serving"], env=environ, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: serving: DMLC_ROLE=; expected server or scheduler; start it by `gluonref")
