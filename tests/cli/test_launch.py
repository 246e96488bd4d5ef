"""gluonref launch: what is asked wrongly is told before anything starts; --dry-run prints lines for a shell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gluon_ref import launching
from gluon_ref.launches.records import Options, Timing

from .conftest import Call


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--workers 2", "error: launch: no command after --; expected train, the only command that works as several"),
        ("--workers 2 -- evaluate runs/cnn", "command 'evaluate' after --; expected train"),
        ("-- train cnn", "Missing option '--workers'"),
        ("--workers 0 -- train cnn", "0 is not in the range x>=1"),
        ("--workers 2 --servers 0 -- train cnn", "0 is not in the range x>=1"),
        ("--workers 2 --max-restarts -1 -- train cnn", "-1 is not in the range x>=0"),
        ("--workers 2 --batch grow -- train cnn", "'grow' is not one of 'keep', 'scale'"),
        ("--workers 2 --rendezvous-timeout 0 -- train cnn", "rendezvous-timeout=0.0; expected above 0"),
        ("--workers 2 --stall-timeout nan -- train cnn", "stall-timeout=nan; expected 0 or more"),
        ("--workers 2 --hosts= -- train cnn", "nothing given; give a value or leave it out"),
        ("--workers 2 --hosts none -- train cnn", "--hosts none cannot be read (No such file or directory)"),
        ("--workers 2 --hosts public -- train cnn", "a has the public address 8.8.8.8; expected a private one"),
        ("--workers 2 --hosts few -- train cnn", "workers=2; expected 1 or fewer, as few has 1 slots"),
        ("--workers 2 -- train cnn --epoch 3", "No such option"),
        ("--workers 2 -- train cnn --epochs x", "'x' is not a valid integer"),
        ("--workers 2 --dry-run -- train cnn --resume=", "nothing given"),
    ],
)
def test_a_wrong_request_is_refused_once_and_nothing_is_started(
    call: Call, here: Path, arguments: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launching, "Attempts", None)
    (here / "public").write_text("a slots=2 address=8.8.8.8\n")
    (here / "few").write_text("a address=10.0.0.1\n")
    result = call("launch", *arguments.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_a_dry_run_prints_each_process_and_starts_nothing(
    call: Call, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launching, "Attempts", None)
    (here / "hosts").write_text("a address=10.0.0.1\nb address=8.8.8.8\n")
    result = call(
        *("launch", "--workers", "2", "--hosts", "hosts", "--allow-public", "--dry-run", "--python", "python3"),
        *("--", "train", "cnn", "--epochs", "2"),
    )
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line for line in lines if line.startswith("# ") and " on " in line][-4:] == [
        *("# scheduler on a (10.0.0.1)", "# server 0 on a (10.0.0.1)"),
        *("# worker 0 on a (10.0.0.1)", "# worker 1 on b (8.8.8.8)"),
    ]
    assert lines[-1].endswith("python3 -c 'from gluon_ref_cli.main import main; main()' train cnn --epochs 2")
    assert "DMLC_ROLE=worker" in lines[-1] and "DMLC_PS_ROOT_PORT=9091" in lines[-1]


def test_options_come_through_and_the_command_needs_no_dashes(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[tuple[str, ...], Options]] = []
    monkeypatch.setattr(launching, "launch", lambda command, options: asked.append((command, options)))
    words = "--workers 3 --servers 2 --max-restarts 4 --rendezvous-timeout 5 --stall-timeout 6.5 --batch scale"
    assert call("launch", *words.split(), "--shell", "rsh -x", "train", "cnn", "--epochs", "2").exit_code == 0
    timing = Timing(rendezvous_s=5, stall_s=6.5)
    options = Options(3, 2, max_restarts=4, batch="scale", shell="rsh -x", python=sys.executable, timing=timing)
    assert asked == [(("train", "cnn", "--epochs", "2"), options)]


def test_the_launcher_imports_no_mxnet() -> None:
    code = (
        "import sys; from gluon_ref import launching; from gluon_ref_cli import launch; print('mxnet' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
