"""gluonref predict: a line per input, or one JSON object; rows, images and texts in many forms."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gluon_ref import documents, exporting
from gluon_ref.artefacts import MANIFEST
from gluon_ref.exports.subjects import of_run

from .children import alone
from .conftest import Call

ROW = "5.1,3.5,1.4,0.2"
COLUMNS = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
GREY = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
# Runs by the names of their fixtures, what they read, and formats that answer without MXNet.
WITHOUT = [("image_run", "grey.png", name) for name in ("onnx", "onnx-int8", "ort", "bundle")]
WITHOUT += [("run", ROW, "onnx"), ("text_run", "bad", "onnx")]
# What takes longer to import than the rest of the command.
HEAVY = {"mxnet", "gluonnlp", "gluoncv", "onnx", "sklearn", "scipy", "matplotlib", "babel"}


def first(call: Call, *arguments: object, **given: str) -> dict:
    result = call("predict", *arguments, "--json", **given)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.count("\n") == 1
    return json.loads(result.stdout)["predictions"][0]


def test_a_line_has_the_input_and_its_likeliest_labels(call: Call, run: Path) -> None:
    result = call("predict", run, ROW, "1,2,3,4", "--top", "2")
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert [row[0] for row in rows] == [ROW, "1,2,3,4"]
    assert all(len(row) == 3 and float(row[1].split()[1]) >= float(row[2].split()[1]) for row in rows)
    assert len(call("predict", run, ROW, "--top", "99").stdout.split("\t")) == 4


def test_json_has_all_probabilities(call: Call, run: Path) -> None:
    answer = first(call, run, ROW)
    assert set(answer["probabilities"]) == {"setosa", "versicolor", "virginica"}
    assert abs(sum(answer["probabilities"].values()) - 1) < 1e-12
    assert answer["probability"] == answer["probabilities"][answer["label"]]


def test_columns_in_another_order_are_found_by_their_names(call: Call, here: Path, run: Path) -> None:
    values = ROW.split(",")
    (here / "turned.csv").write_text(",".join([*COLUMNS[::-1], "note"]) + "\n" + ",".join([*values[::-1], "x"]) + "\n")
    expected = first(call, run, ROW)["probabilities"]
    assert first(call, run, "turned.csv")["probabilities"] == expected
    assert first(call, run, "-", input=f"{ROW}\r\n\n")["probabilities"] == expected


def test_an_artefact_answers_like_its_run(call: Call, run: Path, artefact: Path) -> None:
    one, other = (first(call, path, ROW)["probabilities"] for path in (run, artefact))
    assert other == pytest.approx(one, abs=1e-5)  # float32, in another order of sums


def test_a_row_longer_than_a_file_name_is_a_row(call: Call, run: Path) -> None:
    row = ",".join(f"{value:0<90}" for value in ("5.1", "3.5", "1.4", "0.2"))
    assert first(call, run, row)["probabilities"] == first(call, run, ROW)["probabilities"]


@pytest.mark.parametrize(
    ("image", "warns"),
    [
        (Image.fromarray(GREY), False),
        (Image.fromarray(np.dstack([GREY] * 3 + [np.full_like(GREY, 255)]), "RGBA"), True),
        (Image.fromarray(GREY).convert("P"), False),  # nothing is lost: a palette of greys, an alpha that hides nothing
        (Image.fromarray(np.dstack([GREY, np.full_like(GREY, 255)]), "LA"), False),
    ],
    ids=["grey", "rgba", "palette", "grey with alpha"],
)
def test_images_of_other_colours_are_converted_and_told(
    call: Call, here: Path, image_run: Path, image: Image.Image, warns: bool
) -> None:
    image.save("ein bild ü.png")
    Image.fromarray(GREY).save("plain.png")
    result = call("predict", image_run, "ein bild ü.png")
    assert result.exit_code == 0, result.stderr
    assert ("warning: ein bild ü.png: 8x8 " in result.stderr) == warns
    expected = first(call, image_run, "plain.png")["probabilities"]
    assert first(call, image_run, "ein bild ü.png")["probabilities"] == pytest.approx(expected, abs=0.02)  # rounding


def test_an_image_of_another_size_is_resized_and_told(call: Call, image_run: Path) -> None:
    Image.new("RGB", (50, 30)).save("wide.jpg")
    result = call("predict", image_run, "-", input="wide.jpg\n")
    assert result.exit_code == 0
    assert result.stderr == "warning: wide.jpg: 50x30 RGB was made 8x8 L for the network\n"


@pytest.mark.parametrize("text", ["good", "日本語 ü", "🙂", '"', "1,2", "none.csv"])
def test_any_text_is_a_text(call: Call, text_run: Path, text: str) -> None:
    assert first(call, text_run, text)["input"] == text
    assert call("predict", text_run, text).stdout.startswith(f"{text}\t")


def test_lines_of_standard_input_are_texts(call: Call, text_run: Path) -> None:
    result = call("predict", text_run, "-", input="bad\r\n\ngut schön\n")
    assert [line.split("\t")[0] for line in result.stdout.splitlines()] == ["bad", "gut schön"]


def unverified(run: Path, exporter: str, folder: Path) -> Path:
    """A run's artefact that was not opened in a process of its own, as `export` does: that takes seconds."""
    folder.mkdir()
    plan = exporting._plan(exporter, None, 0, ())
    subject = of_run(run, calibrated=plan.lossy)
    written = plan.module.write(subject.source, folder, **plan.options)
    documents.write(folder / MANIFEST, exporting._manifest(plan, subject, written, folder))
    return folder


@pytest.mark.parametrize(("run_name", "given", "exporter"), WITHOUT)
def test_an_artefact_answers_without_mxnet(
    call: Call, here: Path, request: pytest.FixtureRequest, run_name: str, given: str, exporter: str
) -> None:
    Image.fromarray(GREY).save("grey.png")
    artefact = unverified(request.getfixturevalue(run_name), exporter, here / "artefact")
    left = alone("predict", artefact, given)
    assert not HEAVY & left.modules
    assert left.stdout == call("predict", artefact, given).stdout != ""
