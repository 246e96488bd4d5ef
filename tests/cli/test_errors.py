"""A wrong request is refused by one message that says what to do; nothing is printed on stdout, nothing is written."""

from __future__ import annotations

import gzip
import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image

from gluon_ref import documents, runs
from gluon_ref.artefacts import FORMAT

from .conftest import TABLE, TEXTS, Call

RECIPE = '[task]\nname = "classify"\n[model]\nname = "mlp"\n[data]\nname = "iris"\n[train]\nepochs = 1\n'
LONG = "x" * 300
FILES: dict[str, str | bytes] = {
    "afile": "x",
    "bad.toml": "[task\n",
    "binary.toml": bytes(range(256)),
    "double.toml": '[task]\nname = "a"\nname = "b"\n',
    "empty.toml": "",
    "section.toml": '[modle]\nname = "cnn"\n',
    "scalar.toml": "model = 3\n",
    "newer.toml": "format = 99\n",
    "evil.toml": 'name = "../evil"\n' + RECIPE,
    "nul.toml": 'name = "a\\u0000b"\n' + RECIPE,
    "table.csv": TABLE,
    "texts.csv": TEXTS,
    "value.csv": "x,y,v\n" + "".join(f"{at},{at % 7},{at / 2}\n" for at in range(20)),
    "ragged.csv": "x,y,label\n1,2,a\n1,b\n",
    "word.csv": "x,y,label\n1,foo,a\n1,2,b\n3,4,a\n",
    "inf.csv": "x,y,label\n1,inf,a\n1,2,b\n3,4,a\n",
    "huge.csv": "x,y,label\n1,1e300,a\n1,2,b\n3,4,a\n",
    "void.csv": "x,y,label\n1,,a\n1,,b\n3,NA,a\n",
    "names.csv": "x,y,label\n1,foo,a\n1,bar,b\n3,baz,a\n",
    "semicolon.csv": "x;y;label\n1;2;a\n",
    "wide.csv": "x,y,label\n1,2,a\n".encode("utf-16"),
    "zip.csv": b"PK\x03\x04\x14\x00\xff\xfe",
    "one_class.csv": "x,y,label\n1,1,a\n1,2,a\n3,4,a\n",
    "one_row.csv": "x,y,label\n1,1,a\n",
    "header.csv": "x,y,label\n",
    "twice.csv": "x,x,label\n1,1,a\n1,2,b\n",
    "nul.csv": b"x,y,label\n1,1\x00,a\n1,2,b\n3,4,a\n",
    "empty.csv": "",
    "latin.csv": "x,y,label\n1,1,é\n".encode("latin-1"),
    "open.csv": 'x,y,label\n1,1,"a\n1,2,b\n',
    "no_text.csv": "text,label\n,q\nbar,p\n",
    "other.csv": "p,q\n1,2\n",
    "notes.png": "hello",
}
TRAIN = "train mlp --epochs 2 "
LSTM = " --set model.name=lstm"
REFUSED = [
    # unknown names suggest the nearest
    ("train cn", 2, "recipe: unknown name 'cn'|did you mean cnn?"),
    ("train nothing-like-it", 2, "expected one of |cnn, |; or give the path of a .toml file"),
    ("train none.toml", 2, "none.toml cannot be read|give a readable file"),
    (TRAIN + "--set model.name=mpl", 2, "model: unknown name 'mpl'|did you mean mlp?"),
    (TRAIN + "--set task.name=clasify", 2, "did you mean classify?"),
    (TRAIN + "--data irsi", 2, "data: unknown name 'irsi'|did you mean iris?"),
    (TRAIN + "--data x:y:z", 2, "data: unknown name 'x'"),
    (TRAIN + "--set optimizer.name=adamm", 2, "did you mean adam?"),
    (TRAIN + "--set schedule.name=cosin", 2, "did you mean cosine?"),
    (TRAIN + "--set model.unit=3", 2, "option model.unit|did you mean units?"),
    (TRAIN + "--set optimizer.learningrate=1", 2, "did you mean learning_rate?"),
    (TRAIN + "--set modle.units=3", 2, "'modle.units'|pass for example --set model.units=VALUE"),
    (TRAIN + "--set model.name=my_pkg.my_model", 2, "'my_pkg.my_model'|a module of your own that defines build()"),
    ("train section.toml", 2, "section: unknown name 'modle'|did you mean model?"),
    ("export {run} --format symbl", 2, "format: unknown name 'symbl'|did you mean symbol?"),
    ("evaluate {run} --data irsi", 2, "did you mean iris?"),
    ("show modle cnn", 2, "show: unknown name 'modle'|did you mean model?"),
    ("show model cn", 2, "did you mean cnn?"),
    ("show optimizer adamm", 2, "did you mean adam?"),
    ("show schedule cosin", 2, "did you mean cosine?"),
    ("show recipe cn", 2, "did you mean cnn?"),
    ("list modles", 2, "'models', 'data', 'tasks', 'formats', 'recipes'"),
    ("trian mlp", 2, "No such command 'trian'"),
    (TRAIN + "--epoch 3 --frob", 2, "No such option"),
    # types and ranges
    (TRAIN + "--epochs x", 2, "--epochs|not a valid integer"),
    (TRAIN + "--epochs 1.5", 2, "--epochs|not a valid integer"),
    (TRAIN + "--epochs 0", 2, "train: epochs=0; expected 1 or more"),
    (TRAIN + "--batch-size 0", 2, "batch_size=0; expected 1 or more"),
    (TRAIN + "--batch-size -3", 2, "batch_size=-3; expected 1 or more"),
    (TRAIN + "--lr 0", 2, "learning_rate=0.0; expected above 0"),
    (TRAIN + "--lr nan", 2, "option optimizer.learning_rate: nan; expected number"),
    (TRAIN + "--seed -1", 2, "seed=-1; expected 0 to 2147483647"),
    (TRAIN + "--device cuda", 2, "device='cuda'; expected cpu, cpu:N or gpu:0,1; pass --device cpu"),
    (TRAIN + "--device cpu:0", 2, "device='cpu:0'"),
    (TRAIN + "--kvstore dist", 2, "option train.kvstore: 'dist'; expected one of local, device"),
    (TRAIN + "--set model.units=x", 2, "'x'; expected whole numbers separated by commas"),
    (TRAIN + "--set model.units=0", 2, "model mlp: units=0; expected 1 or more"),
    (TRAIN + "--set model.units=99999999999999999999", 2, "model mlp: cannot be made|choose smaller options"),
    (TRAIN + "--set model.dropout=1", 2, "dropout=1.0; expected a share from 0 to below 1"),
    (TRAIN + "--set optimizer.beta1=1", 2, "optimizer adam: beta1=1.0; expected a share from 0 to below 1"),
    (TRAIN + "--set data.held_out=1", 2, "held_out=1.0; expected a share above 0 and below 1"),
    (TRAIN + "--set train.hybridize=perhaps", 2, "'perhaps'; expected true or false"),
    (TRAIN + "--set train.clip_norm=0", 2, "clip_norm=0.0; expected above 0, or none"),
    (TRAIN + "--set model.path=x", 2, "option model.path: unknown name 'path'"),
    (
        "export {run} --format symbol --tolerance -1",
        2,
        "tolerance=-1.0; expected a number, 0 or more; pass --tolerance",
    ),
    ("export {run} --format symbol --tolerance inf", 2, "tolerance=inf; expected a number, 0 or more"),
    ("predict {run} 1,2,3,4 --top 0", 2, "--top|0 is not in the range"),
    ("show data iris --samples 0", 2, "samples=0; expected 1 or more; pass --samples 5"),
    # the shape of a command
    ("train", 2, "give a RECIPE, for example `gluonref train cnn`, or --resume DIR"),
    (TRAIN + "--set model.units", 2, "expected SECTION.KEY=VALUE, for example --set model.units=128"),
    (TRAIN + "--set =3", 2, "expected SECTION.KEY with a section among task, model"),
    (TRAIN + "--set units=3", 2, "'units'; expected SECTION.KEY"),
    (TRAIN + "--set model.=3", 2, "'model.'; expected SECTION.KEY|--set model.KEY=VALUE"),
    (TRAIN + "--data=", 2, "--data|nothing given; give a value or leave it out"),
    (TRAIN + "--out=", 2, "--out|nothing given"),
    (TRAIN + "--resume=", 2, "--resume|nothing given"),
    ("train --resume {run} --out new", 2, "--resume goes on in its own folder; leave out --out"),
    ("evaluate", 2, "Missing argument 'RUN_OR_ARTEFACT'"),
    ("evaluate {run} --data=", 2, "--data|nothing given"),
    ("predict {run}", 2, "Missing argument 'INPUT...'"),
    ("export {run}", 2, "Missing option '--format'"),
    ("show model", 2, "Missing argument 'NAME'"),
    ("show model cnn --samples 2", 2, "--samples goes with data"),
    ("show model cnn --out new", 2, "--out goes with --samples"),
    # recipes
    ("train bad.toml", 2, "recipe bad.toml: not TOML"),
    ("train double.toml", 2, "not TOML|each key once"),
    ("train binary.toml", 2, "binary.toml cannot be read|a TOML file in UTF-8"),
    ("train empty.toml", 2, "section [task] has no name; expected [task] with name"),
    ("train scalar.toml", 2, "model = 3; expected a section [model]"),
    ("train newer.toml", 2, "format 99; expected format 1 or older"),
    ("train evil.toml", 2, "name = '../evil'; expected the name of a folder"),
    ("train nul.toml", 2, "expected the name of a folder"),
    ("train folder", 2, "recipe: folder cannot be read"),
    # paths
    (
        TRAIN + "--data table",
        2,
        "data table: no file; expected a CSV or TSV file with a header; pass --data table:FILE",
    ),
    (TRAIN + "--data table:none.csv", 2, "none.csv cannot be read (No such file or directory)"),
    (TRAIN + "--data table:folder", 2, "folder cannot be read (Is a directory)"),
    (TRAIN + "--data mnist", 2, "data mnist: no folder"),
    (TRAIN + "--data mnist:none", 2, "none is no folder"),
    (TRAIN + f"--data mnist:{LONG}", 2, "is no folder"),
    (TRAIN + "--data mnist:folder", 2, "holds no train-images-idx3-ubyte"),
    (TRAIN + "--data iris:here", 2, "path 'here'; expected no path"),
    (TRAIN + "--out afile", 2, "afile exists; expected a new or empty folder; nothing is overwritten"),
    (TRAIN + "--out idx", 2, "idx exists; expected a new or empty folder"),
    (TRAIN + "--out afile/below", 2, "afile/below cannot be written (Not a directory)"),
    (TRAIN + f"--out {LONG}", 2, "cannot be written (File name too long)"),
    ("export {run} --format symbol --out afile", 2, "afile exists; expected a new or empty folder"),
    ("export {run} --format symbol --out afile/below/deep", 2, "cannot be written (Not a directory)"),
    ("show data iris --samples 2 --out idx", 2, "idx exists; expected a new or empty folder"),
    ("show data iris --samples 2 --out afile/below", 2, "afile/below cannot be written (Not a directory)"),
    ("train --resume none", 2, "run none: no such folder; expected a folder that `gluonref train` made"),
    ("train --resume folder", 2, "no run.toml in it"),
    ("train --resume {artefact}", 2, "no run.toml in it"),
    ("train --resume {run}", 2, "has finished its 2 epochs|pass --epochs 12 to go on"),
    ("train cnn --resume {run} --epochs 5", 2, "model cnn; expected model mlp|leave out the recipe"),
    ("train --resume {run} --epochs 5 --lr 1", 2, "optimizer.learning_rate=1.0; expected changes of train.epochs"),
    ("evaluate none", 2, "none: no such folder; expected a folder with run.toml or manifest.json"),
    (f"evaluate {LONG}", 2, "no such folder"),
    ("evaluate folder", 2, "folder: neither a run nor an artefact"),
    ("predict none 1,2,3,4", 2, "none: no such folder"),
    ("export none --format symbol", 2, "run none: no such folder"),
    ("export {artefact} --format symbol", 2, "no run.toml in it"),
    ("inspect none", 2, "none: no such folder or file; expected a run folder, an artefact's folder, or"),
    (f"inspect {LONG}", 2, "no such folder or file"),
    ("inspect afile", 1, "afile: not a symbol file"),
    ("show recipe folder", 2, "recipe: folder cannot be read"),
    # contents of files
    (TRAIN + "--data table:ragged.csv", 1, "ragged.csv, line 3: 2 cells; expected 3, as in the header"),
    (TRAIN + "--data table:word.csv", 1, "word.csv, line 2: y = 'foo'; expected a number"),
    (TRAIN + "--data table:inf.csv", 1, "y = 'inf'; expected a number"),
    (TRAIN + "--data table:huge.csv", 1, "y = '1e300'; expected a number"),
    (TRAIN + "--data table:void.csv", 2, "void.csv: no value at all in column y; |--set data.ignore=y"),
    (TRAIN + "--data table:names.csv", 2, "y (3 different values); |--set data.ignore=y"),
    (TRAIN + "--data table:semicolon.csv", 2, "semicolon.csv: one column; |pass --set data.separator=semicolon"),
    (TRAIN + "--data table:wide.csv", 1, "wide.csv: UTF-16; expected text in UTF-8; convert it: iconv -f UTF-16"),
    (TRAIN + "--data table:zip.csv", 1, "zip.csv: a binary file (its first bytes are b'PK"),
    (
        TRAIN + "--data table:table.csv --set data.held_out=1.5 --set data.test=table.csv",
        2,
        "held_out=1.5; expected a s",
    ),
    (TRAIN + "--data table:table.csv --set data.test=empty.csv", 1, "empty.csv: an empty file"),
    (TRAIN + "--data table:table.csv --set data.test=header.csv", 1, "header.csv: a header only"),
    (TRAIN + "--data table:table.csv --set data.ignore=z", 2, "column: unknown name 'z'; expected one of label, x, y"),
    (TRAIN + "--data table:table.csv --set data.ignore=x,2", 2, "no column left to learn from"),
    (TRAIN + "--data table:one_class.csv", 2, "one class only, label=a; expected at least two classes"),
    (TRAIN + "--data table:one_row.csv", 2, "one class only, label=a"),
    (TRAIN + "--data table:header.csv", 1, "a header only; expected a header and at least one row"),
    (TRAIN + "--data table:twice.csv", 1, "header x,x,label; expected a name for each column, each once"),
    (TRAIN + "--data table:nul.csv", 1, "nul.csv, line 2: a NUL byte; expected text"),
    (TRAIN + "--data table:empty.csv", 1, "an empty file; expected a header and at least one row"),
    (TRAIN + "--data table:latin.csv", 1, "latin.csv, line 2, byte 5: 0xe9, which is not UTF-8|iconv -f LATIN1"),
    (TRAIN + "--data table:open.csv", 1, "not CSV in the row that begins on line 2"),
    (TRAIN + "--data text_table:no_text.csv" + LSTM, 1, "no_text.csv, line 2: an empty text"),
    (TRAIN + "--data mnist:idx_cut", 1, "idx_cut/train-images-idx3-ubyte.gz: not a whole gzip file"),
    (TRAIN + "--data mnist:idx_plain", 1, "idx_plain/t10k-labels-idx1-ubyte.gz: not a whole gzip file"),
    (TRAIN + "--data mnist:idx_empty", 1, "idx_empty/t10k-labels-idx1-ubyte: starts with nothing"),
    # data that does not fit
    (TRAIN + "--data names", 2, "model mlp with data names: samples are text; expected vector or image"),
    (TRAIN + "--data diabetes", 2, "task classify with data diabetes: samples carry value; expected label"),
    (TRAIN + "--data iris --set model.name=cnn", 2, "model cnn with data iris: samples are vector; expected image"),
    (TRAIN + "--data mnist:idx --set model.name=cnn", 2, "images of 3x3 for 3 blocks; expected at least 8 pixels"),
    (TRAIN + "--data table:table.csv --set data.label=labl", 2, "column: unknown name 'labl'|did you mean label?"),
    (
        TRAIN + "--data table:value.csv",
        2,
        "v has 20 different labels in 20 rows|regress with --set data.target=value",
    ),
    (TRAIN + "--data text_table:table.csv" + LSTM, 2, "column: unknown name 'text'; expected one of label, x, y"),
    ("evaluate {run} --data wine", 2, "shape 13; expected 4, as in training; give data of the same kind"),
    ("evaluate {run} --data names", 2, "takes text; expected vector, as in training"),
    ("evaluate {run} --data diabetes", 2, "target value; expected label, as in training"),
    ("evaluate {run} --data table:table.csv", 1, "line 2: label = 'a'; expected a label of the training part: setosa"),
    ("evaluate {text} --data text_table:table.csv", 2, "column: unknown name 'text'"),
    # what predict is asked
    ("predict {run} 1,2", 1, "row 1,2, line 1: 2 values; expected 4: sepal length (cm)"),
    ("predict {run} 1,2,3,4,5", 1, "5 values; expected 4"),
    ("predict {run} 1,2,3,x", 1, "petal width (cm) = 'x'; expected a number"),
    ("predict {run} 1,2,3,1e300", 1, "petal width (cm) = '1e300'; expected a number"),
    ("predict {run} none.csv", 2, "none.csv cannot be read|a row of 4 numbers with commas"),
    ("predict {run} other.csv", 1, "other.csv, line 1: 2 values; expected 4"),
    ("predict {run} empty.csv", 1, "; expected |row|; check the input"),
    ("predict {image} none.png", 2, "none.png does not exist; expected the path of an image"),
    ("predict {image} notes.png", 1, "notes.png: not an image"),
    ("predict {image} cut.jpg", 1, "cut.jpg: cannot be read|expected a whole, readable image file"),
    ("predict {image} folder", 2, "folder: cannot be read"),
    (f"predict {{image}} {LONG}", 2, "cannot be read"),
]


@pytest.fixture
def files(here: Path) -> Path:
    """The working folder with all the wrong files."""
    for name, content in FILES.items():
        (here / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (here / "folder").mkdir()
    images = bytes([0, 0, 8, 3]) + struct.pack(">3I", 20, 3, 3) + bytes(180)
    labels = bytes([0, 0, 8, 1]) + struct.pack(">I", 20) + bytes(range(10)) * 2
    for name in ("idx", "idx_cut", "idx_plain", "idx_empty"):
        (here / name).mkdir()
        for part in ("train", "t10k"):
            (here / name / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
            (here / name / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))
    cut = here / "idx_cut" / "train-images-idx3-ubyte.gz"
    cut.write_bytes(cut.read_bytes()[:-9])
    (here / "idx_plain" / "t10k-labels-idx1-ubyte.gz").write_bytes(labels)
    (here / "idx_empty" / "t10k-labels-idx1-ubyte.gz").unlink()
    (here / "idx_empty" / "t10k-labels-idx1-ubyte").write_bytes(b"")
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(here / "cut.jpg")
    (here / "cut.jpg").write_bytes((here / "cut.jpg").read_bytes()[:-40])
    return here


def listing(*folders: Path) -> set[Path]:
    return {path for folder in folders for path in folder.rglob("*")}


def refused(result: Result, code: int, words: str) -> None:
    """One message, on stderr only."""
    assert result.exit_code == code, result.stderr
    assert result.stdout == ""
    for part in words.split("|"):
        assert part in result.stderr
    assert "Traceback" not in result.stderr
    if not result.stderr.startswith("Usage: "):  # click's own messages are four lines
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(("arguments", "code", "words"), REFUSED, ids=[row[0][:60] for row in REFUSED])
def test_a_wrong_request_is_refused_and_nothing_is_written(
    call: Call,
    files: Path,
    run: Path,
    artefact: Path,
    image_run: Path,
    text_run: Path,
    arguments: str,
    code: int,
    words: str,
) -> None:
    places = {"run": run, "artefact": artefact, "image": image_run, "text": text_run}
    before = listing(files, *places.values())
    result = call(*(word.format(**places) for word in arguments.split()))
    refused(result, code, words)
    assert listing(files, *places.values()) == before


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_text_is_refused(call: Call, text_run: Path, empty: str) -> None:
    refused(call("predict", text_run, empty), 1, "predict: an empty text; expected at least one character")


@pytest.mark.parametrize("fixture", ["run", "image_run", "text_run"])
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "; expected |row|; check the input"),
        ("\n\n", "; expected |row|; check the input"),
        (b"\xff\n", "standard input: byte 0xff is not utf-8; expected text in utf-8"),
    ],
)
def test_standard_input_without_an_answer_is_refused(
    call: Call, request: pytest.FixtureRequest, fixture: str, given: str | bytes, words: str
) -> None:
    refused(call("predict", request.getfixturevalue(fixture), "-", input=given), 1, words)


def test_a_path_with_a_nul_is_refused(call: Call, image_run: Path) -> None:
    refused(call("predict", image_run, "-", input="a\0b\n"), 1, "not an image")


def test_nothing_is_printed_when_a_late_row_is_wrong(call: Call, run: Path) -> None:
    lines = "1,2,3,4\n" * 300
    refused(call("predict", run, "-", input=lines + "1,2,3\n"), 1, "standard input, line 301: 3 values; expected 4")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-9] ^= 255
    path.write_bytes(bytes(content))


def amend(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def seal(path: Path, **changes: object) -> None:
    """What a document says is changed, and its checksum with it."""
    documents.write(path, {**documents.read(path, FORMAT), **changes})


def recast(folder: Path, key: str, value: object) -> None:
    """The recipe is changed, and its checksum with it."""
    run = runs.load(folder)
    runs.amend(run, run.recipe.change([(key, value)]))


UNSEALED = "its checksum differs from the one it ends with; expected the file as the run wrote it"
OTHER = "its checksum differs from state.json's; expected the file as the run wrote it"


DAMAGES = [
    ("weights-best.params", flip, 1, OTHER),
    ("weights-best.params", Path.unlink, 1, "weights-best.params: missing; expected the file as the run wrote it"),
    ("state.json", lambda path: path.write_text('{"epoch": 1,'), 1, "state.json: not readable as JSON"),
    ("state.json", lambda path: path.write_bytes(b"\xff\xfe"), 1, "state.json: not readable as JSON"),
    ("state.json", lambda path: path.write_text("[]"), 1, "state.json: not a JSON object"),
    ("state.json", lambda path: path.write_text("{}"), 1, "state.json: it has no checksum"),
    ("state.json", lambda path: amend(path, best=0.5), 1, f"state.json: {UNSEALED}"),
    ("state.json", lambda path: seal(path, files=3), 1, "state.json: files is 3; expected the file as the run wrote"),
    ("state.json", lambda path: amend(path, format=9), 2, "state.json: format 9; expected format 1 or older"),
    ("state.json", Path.unlink, 2, "holds no weights-best.params; expected a run that has finished an epoch"),
    ("facts.json", Path.unlink, 1, "facts.json: not readable as JSON"),
    ("facts.json", lambda path: amend(path, labels=None), 1, f"facts.json: {UNSEALED}"),
    ("facts.json", lambda path: seal(path, labels=None), 1, "facts.json: labels: None; expected texts separated by"),
    ("facts.json", lambda path: seal(path, shape="x"), 1, "facts.json: shape: 'x'; expected whole numbers"),
    ("facts.json", lambda path: seal(path, mean=[1.0]), 1, "facts.json: 1 means and 4 deviations for 4; expected the"),
    (
        "facts.json",
        lambda path: seal(path, labels=["a", "b"], counts=[60, 60]),
        1,
        "expected weights of the recipe's network",
    ),
    ("facts.json", lambda path: amend(path, format=9), 2, "facts.json: format 9; expected format 1 or older"),
    ("run.toml", lambda path: path.write_text("["), 1, f"run.toml: {OTHER}"),
    ("run.toml", lambda path: recast(path.parent, "model.units", "17"), 1, "weights of the recipe's"),
]
VERBS = ["evaluate {} --json", "predict {} 1,2,3,4 --json", "export {} --format symbol --out new"]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("name", "damage", "code", "words"), DAMAGES, ids=range(len(DAMAGES)))
def test_a_damaged_run_is_refused(
    call: Call, here: Path, run: Path, name: str, damage: object, code: int, words: str, verb: str
) -> None:
    shutil.copytree(run, here / "copy")
    damage(here / "copy" / name)
    before = listing(here)
    refused(call(*verb.format("copy").split()), code, words)
    assert listing(here) == before


def test_inspect_refuses_a_damaged_run(call: Call, here: Path, run: Path) -> None:
    shutil.copytree(run, here / "copy")
    seal(here / "copy" / "state.json", best_scores=None)
    refused(
        call("inspect", "copy", "--json"), 1, "state.json: best_scores is None; expected the file as the run wrote it"
    )
    flip(here / "copy" / "weights-best.params")
    refused(call("inspect", "copy", "--json"), 1, "its checksum differs from state.json's")


ALTERATIONS = [
    ("model-0000.params", flip, 1, "its checksum differs from the manifest's; expected the file as it was exported"),
    ("model-symbol.json", Path.unlink, 1, "model-symbol.json: missing"),
    ("manifest.json", lambda path: path.write_text("{"), 1, "manifest.json: not readable as JSON|a manifest as"),
    ("manifest.json", lambda path: path.write_text("[]"), 1, "manifest.json: not a JSON object; expected a manifest"),
    ("manifest.json", lambda path: path.write_bytes(b"\xff"), 1, "manifest.json: not readable as JSON|a manifest as"),
    ("manifest.json", lambda path: amend(path, facts=3), 1, "manifest.json: its checksum differs from the one it ends"),
    ("manifest.json", lambda path: amend(path, format=9), 2, "manifest.json: format 9; expected format 2 or older"),
    ("manifest.json", lambda path: seal(path, facts=3), 1, "manifest.json: not a manifest"),
    ("manifest.json", lambda path: seal(path, fields=3), 1, "manifest.json: not a manifest"),
]


@pytest.mark.parametrize("verb", ["evaluate {} --json", "predict {} 1,2,3,4 --json", "inspect {} --json"])
@pytest.mark.parametrize(("name", "damage", "code", "words"), ALTERATIONS, ids=range(len(ALTERATIONS)))
def test_an_altered_artefact_is_refused(
    call: Call, here: Path, artefact: Path, name: str, damage: object, code: int, words: str, verb: str
) -> None:
    shutil.copytree(artefact, here / "copy")
    damage(here / "copy" / name)
    refused(call(*verb.format("copy").split()), code, words)


RESUMED = [
    ("weights-last.params", flip, 1, OTHER),
    ("trainer-0.states", flip, 1, OTHER),
    ("state.json", lambda path: path.write_text('{"epoch": 1,'), 1, "state.json: not readable as JSON"),
    ("state.json", lambda path: amend(path, epoch=0), 1, f"state.json: {UNSEALED}"),
    ("state.json", lambda path: seal(path, epoch="x"), 1, "state.json: epoch is 'x'"),
    ("state.json", lambda path: seal(path, trainers=[]), 1, "state.json: 0 trainers; expected 1, one per objective"),
    ("state.json", Path.unlink, 2, "has no checkpoint; expected a run that has one; remove it and train anew"),
    ("run.toml", lambda path: path.write_text(path.read_text().replace("16,", "17,")), 1, f"run.toml: {OTHER}"),
    ("run.toml", lambda path: recast(path.parent, "model.units", "17"), 1, "weights of the recipe's"),
    ("run.toml", lambda path: recast(path.parent, "data.name", "wine"), 2, "data wine is not what"),
]


@pytest.mark.parametrize(("name", "damage", "code", "words"), RESUMED, ids=range(len(RESUMED)))
def test_a_damaged_run_does_not_go_on(
    call: Call, here: Path, unfinished: Path, name: str, damage: object, code: int, words: str
) -> None:
    damage(unfinished / name)
    before = {path: path.read_bytes() for path in unfinished.iterdir()}
    refused(call("train", "--resume", unfinished), code, words)
    assert {path: path.read_bytes() for path in unfinished.iterdir()} == before


def test_a_loss_that_is_not_finite_fails_the_run_and_keeps_the_last_checkpoint(call: Call, unfinished: Path) -> None:
    recast(unfinished, "optimizer.learning_rate", 1e30)
    before = {path.name: path.read_bytes() for path in unfinished.iterdir()}
    result = call("train", "--resume", unfinished)
    refused(result, 1, "is nan; expected a finite number; pass a smaller --lr|checkpoints written before are kept")
    for name in ("weights-last.params", "weights-best.params", "trainer-0.states", "state.json"):
        assert (unfinished / name).read_bytes() == before[name]
    assert not list(unfinished.glob("*.new"))


def test_weights_that_diverge_after_a_finite_loss_are_not_kept(call: Call, here: Path) -> None:
    # One step an epoch: the loss before it is finite, the scores after it are not.
    wrong = ["--batch-size", "9999", "--lr", "1e30", "--set", "schedule.name=constant", "--out", "new"]
    refused(call("train", "mlp", "--epochs", "2", *wrong), 1, "held-out cross_entropy is nan; expected a finite number")
    assert sorted(path.name for path in (here / "new").iterdir()) == [runs.FACTS, runs.RECIPE]


def test_a_checkpoint_that_cannot_be_written_fails_the_run_and_keeps_the_one_before(
    call: Call, unfinished: Path
) -> None:
    before = (unfinished / "state.json").read_bytes()
    (unfinished / "weights-last.params.new").mkdir()
    result = call("train", "--resume", unfinished)
    refused(result, 1, "the checkpoint of step |, epoch 2 cannot be written|the checkpoint before is whole")
    assert (unfinished / "state.json").read_bytes() == before


def test_a_model_file_without_its_constants_is_refused(call: Call, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "half_model").mkdir()
    (here / "half_model" / "net.py").write_text("def build(facts):\n    return None\n")
    monkeypatch.syspath_prepend(str(here))
    refused(
        call(*(TRAIN + "--set model.name=half_model.net").split()), 2, "model half_model.net: its file has no TAKES"
    )


def test_help_imports_neither_mxnet_nor_numpy() -> None:
    code = (
        "import sys\n"
        "from gluon_ref_cli.main import main\n"
        "for arguments in (['--help'], ['train', '--help'], ['--version']):\n"
        "    main(arguments, standalone_mode=False)\n"
        "print(sorted({'mxnet', 'numpy', 'gluoncv', 'gluonnlp'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "Start with `gluonref train cnn`" in done.stdout


def test_a_reader_that_stops_early_sees_no_traceback() -> None:
    code = "from gluon_ref_cli.main import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=30) == 1
