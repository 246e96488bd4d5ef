"""Bundles: in a Python with numpy and onnxruntime alone they answer as `gluonref predict` does on the run."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gluon_ref import recipe as recipes
from gluon_ref.answering import open_run
from gluon_ref.backend import mx
from gluon_ref.errors import AlteredError, DataError, PathError
from gluon_ref.exporters import bundle
from gluon_ref.exports.sources import from_net
from gluon_ref.prediction import predict
from gluon_ref.records import Field
from gluon_ref.training import train

from .bundles import prepare, run_alone, write

Ask = Callable[..., CompletedProcess[str]]
TEXTS = "text,label\n" + "".join(f"{'gut schön' if at % 2 else 'bad 悪い'} {at},{at % 2}\n" for at in range(20))
COLOURS, PORTS = ("red", "green", "NA"), ("S", "C", "Q", "?")
TABLE = "age,colour,fare,port,label\n" + "".join(
    f"{'' if at % 5 == 0 else at},{COLOURS[at % 3]},{at * 7 % 11},{PORTS[at % 4]},{'no' if at % 2 else 'yes'}\n"
    for at in range(40)
)
ROWS = ["age,port,fare,note,colour\n", "7,S,1.5,x,red\n", ",?,2,y,violet\n", '"12",Q,1e2,z, green \n']


def make(folder: Path, *changes: tuple[str, object]) -> Path:
    train(recipes.read("mlp").change([("train.epochs", 1), ("train.batch_size", 16), *changes]), folder)
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small run of each kind."""
    folder = tmp_path_factory.mktemp("runs é")
    (folder / "texts.csv").write_text(TEXTS, encoding="utf-8")
    (folder / "table.csv").write_text(TABLE, encoding="utf-8")
    texts = [("data.name", "text_table"), ("data.path", str(folder / "texts.csv")), ("model.name", "lstm")]
    texts += [("model.units", 3), ("model.embedding", 5)]
    table = [("data.name", "table"), ("data.path", str(folder / "table.csv")), ("model.units", "8")]
    value = [("data.label", "fare"), ("data.target", "value"), ("task.name", "regress")]
    return {
        "image": make(folder / "image", ("model.units", "8"), ("train.batch_size", 256)),
        "text": make(folder / "text", *texts),
        "words": make(folder / "words", *texts, ("data.tokens", "word"), ("data.length", 2)),
        "table": make(folder / "table", *table),
        "value": make(folder / "value", *table, *value),
    }


@pytest.fixture(scope="module")
def bundles(runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Their bundles, unzipped."""
    folder, found = tmp_path_factory.mktemp("bundles ü"), {}
    for name, run in runs.items():
        with zipfile.ZipFile(write(run, folder / f"{name}.d")) as file:
            file.extractall(folder / name)
        found[name] = folder / name
    return found


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("python") / "packages")


@pytest.fixture
def ask(bundles: dict[str, Path], packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """A bundle's program, run in an empty working folder, which is the test's own too."""
    monkeypatch.chdir(tmp_path)

    def ask(name: str, *arguments: object, **options: str) -> CompletedProcess[str]:
        return run_alone(packages, bundles[name] / "predict.py", *arguments, cwd=tmp_path, **options)

    return ask


def same(done: CompletedProcess[str], expected: list[dict[str, Any]]) -> None:
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)["predictions"]
    assert len(answers) == len(expected)
    for one, other in zip(answers, expected):
        assert list(one) == list(other)
        assert (one["input"], one.get("label")) == (other["input"], other.get("label"))
        # float32, by two libraries
        assert one.get("probabilities", one.get("value")) == pytest.approx(
            other.get("probabilities", other.get("value")), rel=1e-4, abs=1e-6
        )


def test_neither_mxnet_nor_this_package_nor_pillow_is_there(packages: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from importlib.util import find_spec\n"
        "print([n for n in ('mxnet', 'gluon_ref', 'PIL', 'click', 'numpy', 'onnxruntime') if find_spec(n)])"
    )
    assert run_alone(packages, program).stdout == "['numpy', 'onnxruntime']\n"


def test_rows_with_categories_and_gaps_are_answered_alike(
    ask: Ask, runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.csv").write_text("".join(ROWS), encoding="utf-8-sig")
    (tmp_path / "rows.tsv").write_text("".join(ROWS).replace(",", "\t"))
    requests = ["rows.csv", "5,red,2.5,C", "rows.tsv"]
    done = ask("table", "--json", *requests)
    same(done, list(predict(runs["table"], requests)))
    assert done.stderr == capsys.readouterr().err
    assert "'violet' (2 rows); such cells count as none" in done.stderr
    # The gap counts: a row with a number in it is answered otherwise.
    shares = [one["probability"] for one in json.loads(done.stdout)["predictions"]]
    assert len(set(shares)) >= 4


def test_values_are_answered_alike_from_standard_input(
    ask: Ask, runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = ["3,red,S,no", ",NA,,yes", "1e3,blue,Q,no"]
    same(
        ask("value", "--json", "-", given="\n".join(rows)),
        [{**one, "input": f"standard input, line {at + 1}"} for at, one in enumerate(predict(runs["value"], rows))],
    )
    line = ask("value", rows[0])
    assert line.stdout == f"{rows[0]}\t{next(iter(predict(runs['value'], rows)))['value']:.6g}\n"


@pytest.mark.parametrize("name", ["text", "words"])
def test_texts_are_answered_alike(ask: Ask, runs: dict[str, Path], name: str) -> None:
    texts = ["gut schön 3", "日本語 ü", "🙂", "x", " two  blanks ", "gut gut gut gut gut gut bad"]
    same(ask(name, "--json", *texts), list(predict(runs[name], texts)))
    same(ask(name, "--json", "-", given="bad\r\n\ngut schön\n"), list(predict(runs[name], ["bad", "gut schön"])))


def test_images_are_answered_alike_without_pillow(
    ask: Ask, runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.RandomState(3)
    Image.fromarray(random.randint(0, 256, (8, 8), np.uint8)).save("grey.png")
    Image.fromarray(random.randint(0, 256, (30, 50, 3), np.uint8)).save("wide ü.png")
    Image.fromarray(random.randint(0, 256, (5, 3, 3), np.uint8)).convert("P").save("palette.png")
    requests = ["grey.png", "wide ü.png", "palette.png"]
    done = ask("image", "--json", *requests)
    same(done, list(predict(runs["image"], requests)))
    assert done.stderr == capsys.readouterr().err  # the same warnings: size and colours
    assert "warning: wide ü.png: 50x30 RGB was made 8x8 L for the network" in done.stderr
    assert "palette.png: 3x5 RGB was made" in done.stderr


def test_with_pillow_images_of_its_formats_are_answered_alike(
    runs: dict[str, Path], bundles: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    packages = prepare(tmp_path / "packages", "PIL", "pillow.libs")
    Image.fromarray(np.random.RandomState(3).randint(0, 256, (20, 30, 3), np.uint8)).save("photo.jpg")
    done = run_alone(packages, bundles["image"] / "predict.py", "photo.jpg", "--json", cwd=tmp_path)
    same(done, list(predict(runs["image"], ["photo.jpg"])))


def test_a_jpeg_without_pillow_is_refused_with_what_to_do(ask: Ask) -> None:
    Image.new("L", (8, 8)).save("photo.jpg")
    done = ask("image", "photo.jpg")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: photo.jpg: no PNG file; expected without Pillow a PNG file of 8 bits")
    assert "install Pillow" in done.stderr


def test_a_row_that_begins_with_a_negative_number_follows_two_dashes(ask: Ask, runs: dict[str, Path]) -> None:
    row = "-5,red,2.5,C"
    same(ask("table", "5,red,2.5,C", "--json", "--", row), list(predict(runs["table"], ["5,red,2.5,C", row])))
    assert ask("table", row).returncode == 2


def test_a_line_has_the_likeliest_labels(ask: Ask, runs: dict[str, Path]) -> None:
    row = "5,red,2.5,C"
    answer = next(iter(predict(runs["table"], [row])))
    best = sorted(answer["probabilities"].items(), key=lambda pair: -pair[1])
    assert ask("table", row, "--top", "9").stdout == "\t".join([row, *(f"{a} {b:.4f}" for a, b in best)]) + "\n"
    assert ask("table", row).stdout.count("\t") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ((), 2, "the following arguments are required: INPUT"),
        (("1,2", "--top", "0"), 2, "argument --top: '0'; expected a whole number, 1 or more"),
        (("1,2", "--tp", "1"), 2, "unrecognized arguments: --tp"),
        (("none.csv",), 2, "error: predict: none.csv cannot be read ("),
        (("1,2",), 1, "error: row 1,2, line 1: 2 values; expected 4: age, colour, fare, port; "),
        (("x,red,1,S",), 1, "error: row x,red,1,S, line 1: age = 'x'; expected a number, or nothing, as in training; "),
        (("-",), 1, "error: standard input: no rows; expected a row of 4 cells or more; check the input"),
    ],
)
def test_errors_are_one_line_with_the_exit_code_of_gluonref(
    ask: Ask, arguments: tuple[str, ...], code: int, told: str
) -> None:
    done = ask("table", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1 or code == 2  # argparse shows the usage first


def test_the_zip_answers_without_being_unzipped(runs: dict[str, Path], packages: Path, tmp_path: Path) -> None:
    path = write(runs["table"], tmp_path / "made")
    done = run_alone(packages, path, "5,red,2.5,C", "--json")
    same(done, list(predict(runs["table"], ["5,red,2.5,C"])))


@pytest.mark.parametrize("name", ["model.onnx", "preprocessing.json", "reader/inputs/vector.py", "bundle.json"])
def test_a_changed_byte_is_refused_before_anything_is_answered(
    runs: dict[str, Path], packages: Path, tmp_path: Path, name: str
) -> None:
    with zipfile.ZipFile(write(runs["table"], tmp_path / "made")) as file:
        file.extractall(tmp_path / "out")
    path = tmp_path / "out" / name
    content = path.read_bytes()
    at = content.index(b"age") if name == "preprocessing.json" else content.rindex(b"r")
    path.write_bytes(content[:at] + b"b" + content[at + 1 :])
    done = run_alone(packages, tmp_path / "out" / "predict.py", "5,red,2.5,C")
    assert (done.returncode, done.stdout) == (1, "")
    assert name in done.stderr


def test_without_onnxruntime_the_command_that_installs_it_is_told(bundles: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = run_alone(tmp_path / "empty", bundles["table"] / "predict.py", "1")
    assert done.returncode == 1
    assert done.stderr.startswith("error: predict: this Python has no numpy and onnxruntime; expected")
    assert done.stderr.endswith("-m pip install numpy onnxruntime\n")


def test_a_model_of_anyones_answers_arrays(packages: Path, tmp_path: Path) -> None:
    net = mx.gluon.nn.Dense(12, in_units=3, prefix="theirs_")
    net.initialize(mx.init.One())
    source = from_net(net, (Field("pixels", (3,)),), classes=False, about={"model": "theirs"})
    written = bundle.write(source, tmp_path)
    assert (written["takes"], written["answers"]) == ("arrays", "outputs")
    np.save(tmp_path / "two.npy", np.array([[1, 2, 3], [4, 5, 6]], dtype=np.float32))
    np.savez(tmp_path / "one.npz", pixels=np.array([[0.5, 0, 0]]))
    done = run_alone(packages, tmp_path / bundle.BUNDLE, "--json", "two.npy", "one.npz", cwd=tmp_path)
    answers = json.loads(done.stdout)["predictions"]
    assert [one["input"] for one in answers] == ["two.npy, row 1", "two.npy, row 2", "one.npz, row 1"]
    assert [one["outputs"]["scores"][0] for one in answers] == [6, 15, 0.5]
    done = run_alone(packages, tmp_path / bundle.BUNDLE, "two.npy", "--top", "2", cwd=tmp_path)
    assert done.stdout.splitlines()[0] == "two.npy, row 1\tscores 12, largest 6 at 0, 6 at 1"


def test_the_model_is_opened_out_of_the_zip(runs: dict[str, Path], tmp_path: Path) -> None:
    write(runs["table"], tmp_path)
    fields = open_run(runs["table"]).assembly.fields
    rows = np.random.RandomState(0).rand(3, *fields[0].shape).astype(np.float32)
    scores, probabilities = bundle.open(tmp_path, fields)(rows)
    assert scores.shape == probabilities.shape == (3, 2)
    with pytest.raises(DataError, match=r"inputs data instead of other"):
        bundle.open(tmp_path, [Field("other", (3,))])
    (tmp_path / bundle.BUNDLE).write_bytes((tmp_path / bundle.BUNDLE).read_bytes()[:-30])
    with pytest.raises(AlteredError, match=r"bundle.zip: not readable as a .zip file"):
        bundle.open(tmp_path, fields)
    (tmp_path / bundle.BUNDLE).unlink()
    with pytest.raises(PathError, match=r"bundle.zip: no such file"):
        bundle.open(tmp_path, fields)


def test_a_network_makes_the_same_zip_each_time(runs: dict[str, Path], tmp_path: Path) -> None:
    assert write(runs["text"], tmp_path / "one").read_bytes() == write(runs["text"], tmp_path / "two").read_bytes()
    with zipfile.ZipFile(tmp_path / "one" / bundle.BUNDLE) as file:
        assert {one.date_time for one in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert file.namelist() == sorted(file.namelist())


def test_labels_vocabulary_and_steps_are_files_of_their_own(bundles: dict[str, Path]) -> None:
    text = bundles["text"]
    assert json.loads((text / "labels.json").read_text()) == ["0", "1"]
    assert json.loads((text / "vocabulary.json").read_text())[:2] == ["<pad>", "<unk>"]
    assert "悪" in (text / "vocabulary.json").read_text(encoding="utf-8")
    steps = json.loads((bundles["table"] / "preprocessing.json").read_text())["steps"]
    assert steps[0] == "age: the number, or where it is missing that column's mean; then 1 if missing, else 0"
    assert steps[1].startswith("colour: 3 numbers, 1 at its place among its categories")
    assert "inputs data float32 (batch, 1, 8, 8)" in (bundles["image"] / "README.md").read_text()
