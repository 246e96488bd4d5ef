"""gluonref export: a verified artefact, or nothing."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gluon_ref.backend import mx

from ..exports.files import classifier, write
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


def test_a_refused_artefact_prints_its_table_and_leaves_nothing(call: Call, here: Path, run: Path) -> None:
    result = call("export", run, "--format", "onnx", "--tolerance", "0", "--out", "new")
    assert result.exit_code == 1
    assert "  too much" in result.stdout
    assert "outputs differ by up to" in result.stderr
    assert "pass --tolerance if that is acceptable" in result.stderr
    assert list(here.iterdir()) == []


FILES = ("--symbol", "net-symbol.json", "--params", "net-0000.params")


def test_a_model_of_anyones_is_exported_and_answers(call: Call, here: Path) -> None:
    write(classifier(), here, data=(1, 3, 6, 7))
    result = call("export", *FILES, "--shape", "data=1,3,6,7", "--format", "onnx")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[-3:] == [
        "artefact    net-onnx (verified in a fresh process, tolerance 0.0001)",
        "next        gluonref predict net-onnx INPUT...",
        "            gluonref benchmark net-onnx",
    ]
    np.save(here / "one.npy", np.zeros((1, 3, 6, 7)))
    answer = call("predict", "net-onnx", "one.npy")
    assert answer.stdout.startswith("one.npy, row 1\tsoftmax 0.")
    assert call("evaluate", "net-onnx").exit_code == 2


def test_a_step_of_a_model_is_exported(call: Call, here: Path) -> None:
    write(classifier(), here, data=(1, 3, 6, 7))
    result = call("export", *FILES, "--shape", "data=1,3,6,7", "--output", "dense", "--format", "npz")
    assert result.exit_code == 0, result.stderr
    np.save(here / "one.npy", np.zeros((1, 3, 6, 7)))
    assert "one.npy, row 1\tdense " in call("predict", "net-npz", "one.npy").stdout


def test_a_name_of_an_input_may_hold_an_equals_sign(call: Call, here: Path) -> None:
    write(mx.sym.relu(mx.sym.var("in=put"), name="relu"), here, **{"in=put": (1, 3)})
    result = call("export", *FILES, "--shape", "in=put=1,3", "--dtype", "in=put=float16", "--format", "symbol")
    assert result.exit_code == 0, result.stderr


def test_what_is_refused_is_told_by_the_process_that_ran_it(call: Call, here: Path) -> None:
    write(classifier(), here, data=(1, 3, 6, 7))
    before = sorted(here.iterdir())
    result = call("export", *FILES, "--shape", "data=1,3,6,7", "--format", "onnx", "--tolerance", "0")
    assert result.exit_code == 1
    assert "  too much" in result.stdout
    assert result.stderr.startswith("error: export to onnx: ")
    assert sorted(here.iterdir()) == before


def test_an_export_that_is_stopped_leaves_nothing_even_where_the_shell_ignores_ctrl_c(here: Path) -> None:
    write(classifier(), here, data=(1, 3, 6, 7))
    before = sorted(here.iterdir())
    command = "from gluon_ref_cli.main import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", command, "export", *FILES, "--shape", "data=1,3,6,7", "--format", "onnx"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    while not list(here.glob(".net-onnx-*")) and process.poll() is None:
        pass
    process.send_signal(signal.SIGTERM)
    if process.wait() == 0:  # an interrupt within a destructor is lost: then the export ends as if nothing had come
        assert sorted({*here.iterdir()} - {*before}) == [here / "net-onnx"]
        assert (here / "net-onnx" / "manifest.json").is_file()
    else:
        assert process.returncode == 128 + signal.SIGTERM
        assert sorted(here.iterdir()) == before


WRONG = [
    ((), "give RUN, or --symbol, --params and --shape; --symbol FILE is missing"),
    (FILES[:2], "give RUN, or --symbol, --params and --shape; --params FILE is missing"),
    (FILES, "give RUN, or --symbol, --params and --shape; --shape data=1,3,224,224 is missing"),
    ((*FILES, "--shape", "1,3,6,7"), "--shape 1,3,6,7: expected NAME=VALUE, for example --shape data=1,3,224,224"),
    ((*FILES, "--shape", "data=1,x"), "--shape data=1,x: expected whole numbers, batch first, -1 where an axis varies"),
    ((*FILES, "--shape", "data=1,0"), "--shape data=1,0: expected whole numbers"),
    ((*FILES, "--shape", "data="), "--shape data=: expected whole numbers"),
    ((*FILES, "--shape", "data=1,3", "--dtype", "int32"), "--dtype int32: expected NAME=VALUE"),
    (
        (*FILES, "--shape", "data=1,3,6,7", "--shape", "data=1,3,9,9"),
        "--shape data is given twice; give it once per input",
    ),
    (
        (*FILES, "--shape", "data=1,3", "--dtype", "data=int8", "--dtype", "data=int32"),
        "--dtype data is given twice; give it once per input",
    ),
    ((*FILES, "--shape", "a=b=1,x"), "--shape a=b=1,x: expected whole numbers, batch first, -1 where an axis varies"),
    (("run", "--symbol", "net-symbol.json"), "RUN and --symbol say two things; give RUN, or --symbol"),
    (("run", "--shape", "data=1"), "RUN and --shape say two things"),
    (
        (*FILES, "--shape", "data=1,3,6,7", "--output", "norm", "--output", "norm"),
        "--output norm is given twice; give it once per result",
    ),
    (("run", "--output", "dense"), "RUN and --output say two things"),
    (
        (*FILES, "--shape", "data=1,3,6,7", "--output", "dens"),
        "--output: net-symbol.json has no node called dens; expected the name of a step of it; did you mean dense?",
    ),
    (("run", "--set", "opset"), "--set opset: expected NAME=VALUE, for example --set opset=13"),
    (
        ("run", "--set", "opst=13"),
        "option format onnx.opst: unknown name 'opst'; expected one of opset, pixels",
    ),
    (("run", "--set", "opset=x"), "option format onnx.opset: 'x'; expected whole number; pass --set onnx.opset=1"),
    (("run", "--set", "onnx.opset=12"), "format onnx: opset=12; expected 13 to 17; pass --set opset=13"),
    (("run", "--watch", "similarity"), "RUN and --watch say two things"),
    (("run", "--max-drop", "-1"), "export: max-drop=-1.0; expected a number, 0 or more; pass --max-drop 0.001"),
]


@pytest.mark.parametrize(("arguments", "told"), WRONG)
def test_what_was_asked_wrongly_is_told(
    arguments: tuple[str, ...], told: str, call: Call, here: Path, run: Path
) -> None:
    write(classifier(), here, data=(1, 3, 6, 7))
    before = sorted(here.iterdir())
    given = [run if one == "run" else one for one in arguments]
    result = call("export", *given, "--format", "onnx", "--out", "new")
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in " ".join(result.stderr.split())
    assert sorted(here.iterdir()) == before
