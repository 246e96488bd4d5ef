"""The command line of a bundle: what it does when its output goes nowhere, and where there is nothing to answer."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.bundled import box, command
from gluon_ref.errors import DataError
from gluon_ref.exporters import bundle
from gluon_ref.exports.sources import from_net
from gluon_ref.records import Field
from tests.exporters.bundles import START, prepare


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of one dense layer, and rows for it."""
    folder = tmp_path_factory.mktemp("bundle")
    net = mx.gluon.nn.Dense(2, in_units=3, prefix="dense_")
    net.initialize(mx.init.One())
    bundle.write(from_net(net, (Field("data", (3,)),)), folder)
    np.save(folder / "rows.npy", np.arange(6, dtype=np.float32).reshape(2, 3))
    return folder / bundle.BUNDLE


def test_the_command_line_is_read_and_answered(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([str(path.parent / "rows.npy")], str(path)) == 0
    assert [line.split("\t")[1] for line in capsys.readouterr().out.splitlines()] == ["scores 3 3", "scores 12 12"]


def test_options_may_stand_between_inputs(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = str(path.parent / "rows.npy")
    assert command.main([rows, "--json", rows], str(path)) == 0
    assert capsys.readouterr().out.count('"input"') == 4


def test_paths_of_arrays_come_from_standard_input_too(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{path.parent / 'rows.npy'}\n\n"))
    assert command.main(["-"], str(path)) == 0
    assert capsys.readouterr().out.count("\n") == 2


def test_batches_do_not_change_answers(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [str(path.parent / "rows.npy")]
    together = list(command.answering(box.load(str(path)))(rows))
    monkeypatch.setattr(command, "BATCH", 1)
    assert list(command.answering(box.load(str(path)))(rows)) == together
    assert [one["input"][-5:] for one in together] == ["row 1", "row 2"]


def test_a_network_of_one_batch_is_given_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = mx.gluon.nn.Dense(2, in_units=3, prefix="dense_")
    net.initialize(mx.init.One())
    bundle.write(from_net(net, (Field("data", (3,), batch=2),)), tmp_path)
    np.save(tmp_path / "four.npy", np.arange(12, dtype=np.float32).reshape(4, 3))
    np.save(tmp_path / "three.npy", np.zeros((3, 3), dtype=np.float32))
    assert command.main([str(tmp_path / "four.npy")], str(tmp_path / bundle.BUNDLE)) == 0
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()] == ["3", "12", "21", "30"]
    assert command.main([str(tmp_path / "three.npy")], str(tmp_path / bundle.BUNDLE)) == 1
    told = capsys.readouterr().err
    assert "invalid dimensions for input: data" in told and "Got: 1 Expected: 2" in told
    assert told.startswith("error: ") and told.count("\n") == 1


def test_nothing_to_answer_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(DataError, match="nothing to answer"):
        list(command.answering(box.load(str(path)))(["-"]))


def test_a_wrong_array_is_refused_as_gluonref_does(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([str(path.parent / "none.npz")], str(path)) == 2
    np.save(path.parent / "wide.npy", np.zeros((2, 4)))
    assert command.main([str(path.parent / "wide.npy")], str(path)) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("error: predict: ") and "none.npz cannot be read" in first
    assert "wide.npy: data 2x4 float64; expected data Nx3, with a row for each sample" in second


def test_ctrl_c_ends_without_a_traceback(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(where: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(box, "load", stop)
    assert command.main(["x"], str(path)) == command.INTERRUPTED


@pytest.mark.parametrize(("output", "told"), [("closed", ""), ("full", "error: standard output: No space left")])
def test_output_that_cannot_be_written_leaves_no_traceback(path: Path, tmp_path: Path, output: str, told: str) -> None:
    read, write = os.pipe()
    os.close(read)
    out = os.open("/dev/full", os.O_WRONLY) if output == "full" else write
    packages = prepare(tmp_path / "packages")
    program = [sys.executable, "-I", "-S", "-c", START, str(packages), str(path), str(path.parent / "rows.npy")]
    done = subprocess.run(program, stdout=out, stderr=subprocess.PIPE, text=True, timeout=120)
    for one in {out, write}:
        os.close(one)
    assert (done.returncode, done.stderr[: len(told)] == told) == (1, True)
    assert done.stderr.count("\n") == (1 if told else 0)
