"""gluonref export: a verified artefact, or nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

from .conftest import TABLE, Call


def test_an_artefact_is_compared_and_its_next_commands_are_named(call: Call, here: Path, run: Path) -> None:
    result = call("export", run, "--format", "symbol", "--out", "ein ort ü/iris")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["compared", "on", "samples", "largest", "difference", "relative", "same", "answer"]
    cases = [*(f"random, batch {size}" for size in (1, 2, 7)), "extreme values", "held out"]
    assert [line[:22].strip() for line in lines[1:6]] == cases
    assert lines[-4].startswith("artefact    ein ort ü/iris (verified in a fresh process, tolerance 1e-05)")
    assert lines[-3] == "next        gluonref evaluate ein ort ü/iris"
    names = ["manifest.json", "model-0000.params", "model-symbol.json"]
    assert sorted(path.name for path in (here / "ein ort ü" / "iris").iterdir()) == names
    assert len(list((here / "ein ort ü").iterdir())) == 1


def test_the_artefact_lies_in_the_run_unless_told_otherwise_and_only_once(call: Call, here: Path, run: Path) -> None:
    shutil.copytree(run, here / "copy")
    assert call("export", "copy", "--format", "symbol").exit_code == 0
    assert (here / "copy" / "symbol" / "manifest.json").is_file()
    again = call("export", "copy", "--format", "symbol")
    assert (again.exit_code, again.stdout) == (2, "")
    assert "copy/symbol exists; expected a new or empty folder; nothing is overwritten" in again.stderr


def test_data_that_changed_since_is_left_out_of_the_comparison_and_told(call: Call, here: Path) -> None:
    (here / "table.csv").write_text(TABLE)
    small = ["--set", "model.units=2", "--epochs", "2", "--out", "new"]
    assert call("train", "mlp", "--data", "table:table.csv", *small).exit_code == 0
    (here / "table.csv").write_text(
        TABLE.replace("x,y,label", "x,y,z,label").replace(",a", ",1,a").replace(",b", ",2,b")
    )
    result = call("export", "new", "--format", "symbol")
    assert result.exit_code == 0, result.stderr
    assert "held out" not in result.stdout
    assert result.stderr.startswith("warning: held-out data could not be read, so only made-up inputs were compared")
