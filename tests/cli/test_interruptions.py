"""Signals, kills, full disks, read-only folders and rivals: what is saved is whole, and goes on bit for bit.

Real processes wait at a step until the test lets them go on, so nothing here depends on the clock.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from gluon_ref import checkpoints, logs, runs
from gluon_ref import recipe as recipes
from gluon_ref.training import train
from tests.conftest import SMALL

from .conftest import Call

Patch = pytest.MonkeyPatch
# Four epochs of eight updates; within an epoch a checkpoint at each third update.
CHANGES = {
    **dict(SMALL),
    "model.units": "32",
    "model.dropout": "0.3",
    "train.epochs": "4",
    "train.ema": "0.9",
    "train.patience": "4",
    "train.log_steps": "1",
    "train.checkpoint_steps": "3",
}
SETTINGS = [word for key, value in CHANGES.items() for word in ("--set", f"{key}={value}")]
TRAIN = ["train", "mlp", *SETTINGS, "--out"]
PAGE = 4096
# gluonref, but that it stops after the log's record of one step until it is given a line.
WAITING = """
import sys
from gluon_ref import logs
append = logs.append

def told(folder, record):
    append(folder, record)
    if (record["event"], record["step"]) == ("step", int(sys.argv[1])):
        print("waiting", flush=True)
        sys.stdin.readline()

logs.append = told
from gluon_ref_cli.main import main
main(sys.argv[2:])
"""


def start(step: int, *arguments: str) -> subprocess.Popen[str]:
    """A process that waits at a step, or nowhere at step 0."""
    return subprocess.Popen(
        [sys.executable, "-c", WAITING, str(step), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background has its children ignore the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@contextmanager
def waiting(step: int, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has come to a step and waits there."""
    with start(step, *arguments) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "waiting\n"
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run holds that was never stopped."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    train(recipes.read("mlp").change(list(CHANGES.items())), folder)
    return contents(folder)


def contents(folder: Path) -> dict[str, Any]:
    """Every file that a run ends with, but for the seconds that its epochs took."""
    run = runs.load(folder)
    log = [{key: value for key, value in record.items() if key != "time_s"} for record in logs.read(folder)]
    files = {name: run.file(name).read_bytes() for name in run.entry("files", dict)}
    return {**files, "state": run.state, "log": log, "facts": (folder / runs.FACTS).read_bytes()}


def place(folder: Path) -> tuple[int, int, int]:
    """Epochs finished, batches of the next, updates; of a checkpoint whose files are all whole."""
    state = contents(folder)["state"]
    assert not list(folder.glob("*.new"))
    return state["epoch"], state["batch"], state["step"]


def goes_on(call: Call, folder: Path, whole: dict[str, Any]) -> None:
    result = call("train", "--resume", folder)
    assert result.exit_code == 0, result.stderr
    assert contents(folder) == whole


def failed(result: Result, code: int, words: str) -> None:
    """One message, after the progress."""
    assert result.exit_code == code, result.stderr
    assert result.stdout == ""
    *progress, message = result.stderr.splitlines()
    assert message.startswith("error: ")
    assert all(line.startswith("epoch ") for line in progress)
    for part in words.split("|"):
        assert part in message


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_step_saves_within_the_epoch_and_says_how_to_go_on(
    call: Call, here: Path, whole: dict[str, Any], number: signal.Signals
) -> None:
    with waiting(11, *TRAIN, "new") as process:
        process.send_signal(number)
        stdout, stderr = process.communicate("\n", timeout=180)
    assert process.returncode == 128 + number
    assert stdout == ""
    message = f"error: train: run new: stopped by signal {number:d}; `gluonref train --resume new` goes on from here"
    assert stderr.splitlines()[-1] == message
    assert "Traceback" not in stderr
    assert place(here / "new") == (1, 3, 11)
    goes_on(call, here / "new", whole)


def test_a_second_signal_stops_at_once_and_leaves_the_checkpoint_before(
    call: Call, here: Path, whole: dict[str, Any]
) -> None:
    with waiting(11, *TRAIN, "new") as process:
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        stdout, stderr = process.communicate("\n", timeout=180)
    assert process.returncode == 130
    assert stdout == ""
    message = (
        "stopped; nothing is half-written, and a training that has a checkpoint goes on from there with "
        "`gluonref train --resume RUN`"
    )
    assert stderr.splitlines()[-1] == message
    assert place(here / "new") == (1, 1, 9)
    goes_on(call, here / "new", whole)


def test_a_run_killed_within_an_epoch_goes_on_from_its_last_checkpoint(
    call: Call, here: Path, whole: dict[str, Any]
) -> None:
    with waiting(11, *TRAIN, "new") as process:
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert place(here / "new") == (1, 1, 9)
    assert [record["step"] for record in logs.read(here / "new")][-1] == 11
    goes_on(call, here / "new", whole)


def test_a_run_killed_while_its_last_files_took_their_names_is_finished(
    call: Call, here: Path, monkeypatch: Patch, whole: dict[str, Any]
) -> None:
    replace = os.replace

    def killed(source: Path, target: Path) -> None:
        if target.name == runs.LAST and runs.load(here / "new").state["epoch"] == 4:
            raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        assert call(*TRAIN, "new").exit_code == 130
    assert (here / "new" / "weights-last.params.new").is_file()
    assert contents(here / "new") == whole
    failed(call("train", "--resume", "new"), 2, "new has finished its 4 epochs")
    assert place(here / "new") == (4, 0, 32)
    assert contents(here / "new") == whole


def test_a_run_that_is_being_trained_can_be_read_but_not_trained_by_others(
    call: Call, here: Path, whole: dict[str, Any]
) -> None:
    with waiting(11, *TRAIN, "new") as process:
        before = contents(here / "new")
        failed(call("train", "--resume", "new"), 2, "run new: another process is training in it; expected one process")
        failed(call(*TRAIN, "new"), 2, "--out: new exists; expected a new or empty folder; nothing is overwritten")
        assert call("evaluate", "new", "--json").exit_code == 0
        assert contents(here / "new") == before
        stdout, stderr = process.communicate("\n", timeout=180)
    assert process.returncode == 0, stderr
    assert stdout.startswith("run         new\n")
    assert contents(here / "new") == whole


def test_of_two_processes_started_together_in_one_folder_one_trains(here: Path, whole: dict[str, Any]) -> None:
    with start(0, *TRAIN, "new") as one, start(0, *TRAIN, "new") as other:
        messages = [process.communicate(timeout=180)[1] for process in (one, other)]
    assert sorted([one.returncode, other.returncode]) == [0, 2], messages
    refusal = messages[one.returncode == 0]
    assert refusal.startswith("error: ")
    assert "another process is training in it" in refusal or "new exists" in refusal
    assert contents(here / "new") == whole


def mount(*arguments: object) -> None:
    """Mount, or skip the test where that is not allowed."""
    command = ["mount", *map(str, arguments)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs the right to mount")


@pytest.fixture
def disk(here: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    folder = here / "disk"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", "size=256k", "none", folder)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(disk: Path, pages: int) -> Path:
    """Leave no more than some pages free."""
    filler = disk / "filler"
    handle = os.open(filler, os.O_WRONLY | os.O_CREAT)
    with pytest.raises(OSError, match="No space left"):
        while True:
            os.write(handle, bytes(PAGE))
    os.truncate(filler, os.path.getsize(filler) - pages * PAGE)
    os.close(handle)
    return filler


def when(patch: Patch, step: int, do: Callable[[], object]) -> None:
    """Do something just before the checkpoint of a step is written."""
    save = checkpoints.save

    def prevented(folder: Path, state: Any, best: bool, rows: Any) -> None:
        if state.step == step:
            do()
        save(folder, state, best, rows)

    patch.setattr(checkpoints, "save", prevented)


def stopped(call: Call, folder: Path) -> None:
    """A run that has stopped after the checkpoint of its ninth update."""

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        when(patch, 12, stop)
        assert call(*TRAIN, folder).exit_code == 130
    assert place(folder) == (1, 1, 9)


FULL = "the checkpoint of step 15, epoch 2 cannot be written ([Errno |the checkpoint before is whole"


@pytest.mark.parametrize("pages", range(4))
def test_a_disk_that_fills_while_a_checkpoint_is_written_keeps_the_one_before(
    call: Call, disk: Path, monkeypatch: Patch, whole: dict[str, Any], pages: int
) -> None:
    # Each new file takes one page: last, mean, states and state.json.
    with monkeypatch.context() as patch:
        when(patch, 15, lambda: fill(disk, pages))
        failed(call(*TRAIN, disk / "new"), 1, f"{FULL}|No space left on device")
    assert place(disk / "new") == (1, 4, 12)
    (disk / "filler").unlink()
    goes_on(call, disk / "new", whole)


# 2000 bytes are room for all files but the optimizer's, whose end MXNet loses without a word.
@pytest.mark.parametrize("room", [0, 1, 1000, 2000])
def test_a_file_that_may_not_grow_fails_the_run_and_keeps_the_checkpoint_before(
    call: Call, here: Path, monkeypatch: Patch, whole: dict[str, Any], room: int
) -> None:
    _, most = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with monkeypatch.context() as patch:
            when(patch, 15, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, most)))
            result = call(*TRAIN, "new")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    failed(result, 1, f"{FULL}|File too large")
    assert place(here / "new") == (1, 4, 12)
    goes_on(call, here / "new", whole)


def test_a_disk_that_fills_while_the_log_is_written_fails_the_run_and_loses_no_record(
    call: Call, disk: Path, monkeypatch: Patch
) -> None:
    append = logs.append

    def filling(folder: Path, record: dict[str, Any]) -> None:
        if record["step"] == 130:
            fill(disk, 0)
        append(folder, record)

    many = ["--set", "train.batch_size=1", "--set", "train.epochs=2", "--set", "train.log_steps=1"]
    with monkeypatch.context() as patch:
        patch.setattr(logs, "append", filling)
        result = call("train", "mlp", "--data", "iris", *many, "--set", "model.units=16", "--out", disk / "new")
    failed(result, 1, "the log cannot be written (No space left on device)|the last checkpoint is whole")
    assert place(disk / "new") == (1, 0, 120)
    (disk / "filler").unlink()
    assert call("train", "--resume", disk / "new").exit_code == 0
    steps = [record["step"] for record in logs.read(disk / "new") if record["event"] == "step"]
    assert steps == list(range(1, 241))


def test_a_run_on_a_full_disk_does_not_go_on_until_there_is_room(call: Call, disk: Path, whole: dict[str, Any]) -> None:
    stopped(call, disk / "new")
    before = contents(disk / "new")
    filler = fill(disk, 0)
    failed(call("train", "--resume", disk / "new"), 1, "cannot be written (No space left on device)|mend that, then")
    assert contents(disk / "new") == before
    filler.unlink()
    goes_on(call, disk / "new", whole)


@pytest.mark.parametrize("pages", [0, 1])
def test_a_run_that_finds_no_room_to_begin_leaves_nothing(call: Call, disk: Path, pages: int) -> None:
    fill(disk, pages)
    failed(call(*TRAIN, disk / "new"), 2, "cannot be written (No space left on device)|pass another --out")
    assert list((disk / "new").iterdir()) == []


@pytest.fixture
def fixed(call: Call, here: Path) -> Iterator[Path]:
    """A folder that cannot be written, with a stopped run in it."""
    folder = here / "fixed"
    stopped(call, folder / "run")
    if os.geteuid():
        for path in (folder, folder / "run"):
            path.chmod(0o555)
        yield folder
        for path in (folder, folder / "run"):
            path.chmod(0o755)
        return
    mount("--bind", folder, folder)  # root may write whatever the rights say
    try:
        mount("-o", "remount,ro,bind", folder)
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_read_only_folder_is_said_and_can_still_be_read(call: Call, fixed: Path) -> None:
    before = contents(fixed / "run")
    reason = "Permission denied" if os.geteuid() else "Read-only file system"
    failed(call("train", "--resume", fixed / "run"), 1, f"run {fixed / 'run'}: it cannot be written ({reason})")
    failed(call(*TRAIN, fixed / "new"), 2, f"new cannot be written ({reason}); expected a folder you may write")
    assert call("evaluate", fixed / "run").exit_code == 0
    assert contents(fixed / "run") == before
    assert [path.name for path in fixed.iterdir()] == ["run"]


@pytest.mark.parametrize(("step", "replaced"), [(11, False), (11, True), (12, True)])
def test_a_folder_that_is_taken_away_while_training_is_said_and_what_comes_in_its_place_left_alone(
    call: Call, here: Path, monkeypatch: Patch, whole: dict[str, Any], step: int, replaced: bool
) -> None:
    append = logs.append

    def taking(folder: Path, record: dict[str, Any]) -> None:
        append(folder, record)
        if record["step"] == step:
            folder.rename("elsewhere")
            if replaced:
                shutil.copytree("elsewhere", folder)

    with monkeypatch.context() as patch:
        patch.setattr(logs, "append", taking)
        failed(call(*TRAIN, "new"), 1, "run new: the folder was moved, removed or replaced|if it is gone, train anew")
    assert (here / "new").exists() == replaced
    for name in ("elsewhere", "new")[: 1 + replaced]:
        assert place(here / name) == (1, 1, 9)
        goes_on(call, here / name, whole)
