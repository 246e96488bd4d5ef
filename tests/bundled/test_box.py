"""A bundle's files: what is not as it was written is refused, in a folder and in a .zip."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref.bundled import box
from gluon_ref.errors import AlteredError, GluonRefError, PathError, RequestError
from gluon_ref.records import Field

FACTS = {"takes": "vector", "target": "label", "shape": [2], "columns": ["x", "y"], "steps": ["a step"]}
FILES = {
    "model.onnx": b"model",
    "preprocessing.json": json.dumps(FACTS).encode(),
    "labels.json": b'["a", "b"]',
    "reader/inputs/vector.py": b"",
}
DOCUMENT = {
    "format": 1,
    "answers": "labels",
    "inputs": [{"name": "data", "shape": [2], "dtype": "float32"}],
    "outputs": [{"name": "scores"}],
}


def bundle(contents: dict[str, bytes], **changes: Any) -> dict[str, bytes]:
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    return {**contents, "bundle.json": json.dumps(box.seal({**DOCUMENT, "files": sums, **changes})).encode()}


def zipped(path: Path, files: dict[str, bytes], kind: int = zipfile.ZIP_STORED) -> str:
    with zipfile.ZipFile(path, "w", kind) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return str(path)


def unzipped(folder: Path, files: dict[str, bytes]) -> str:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return str(folder)


@pytest.fixture(params=["zip", "folder"])
def put(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[dict[str, bytes]], str]:
    """Some files as a bundle; its path."""
    if request.param == "zip":
        return lambda files: zipped(tmp_path / "bundle.zip", files)
    return lambda files: unzipped(tmp_path / "bundle", files)


def test_what_was_written_is_read(put: Callable[[dict[str, bytes]], str]) -> None:
    found = box.load(put(bundle(FILES)))
    assert (found.model, found.answers, found.takes, found.outputs) == (b"model", "labels", "vector", ("scores",))
    assert found.fields == (Field("data", (2,), "float32"),)
    assert (found.facts.labels, found.facts.columns, found.facts.vocab) == (("a", "b"), ("x", "y"), ())


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({**bundle(FILES), "model.onnx": b"other"}, "model.onnx: its checksum differs from that in bundle.json"),
        ({**bundle(FILES), "labels.json": b'["b", "a"]'}, "labels.json: its checksum differs"),
        ({**bundle(FILES), "bundle.json": b"{"}, "bundle.json: not readable as JSON"),
        ({**bundle(FILES), "bundle.json": b"[" * 100_000}, "bundle.json: not readable as JSON"),
        ({**bundle(FILES), "bundle.json": b"[]"}, "bundle.json: not a JSON object"),
        ({**bundle(FILES), "bundle.json": b'{"format": 1, "files": {}}'}, "bundle.json: its checksum differs"),
        (bundle(FILES, files=[]), "bundle.json: names of files that no bundle has"),
        (bundle({**FILES, "../model.onnx": b""}), "names of files that no bundle has"),
        (bundle({**FILES, "reader/../../a.py": b""}), "names of files that no bundle has"),
        (bundle({**FILES, "/tmp/a.py": b""}), "names of files that no bundle has"),
        (bundle({**FILES, "a.py\n": b""}), "names of files that no bundle has"),
        (bundle({**FILES, "reader/a/b/c.py": b""}), "names of files that no bundle has"),
        (bundle(FILES, answers=None, inputs=[{}]), "files that do not fit each other"),
        (bundle({**FILES, "preprocessing.json": b"[]"}), "files that do not fit each other"),
        (bundle({**FILES, "preprocessing.json": b'{"steps": [], "what": 1}'}), "files that do not fit each other"),
        (bundle({"labels.json": b"[]"}), "files that do not fit each other"),
    ],
)
def test_what_is_not_as_it_was_written_is_refused(
    files: dict[str, bytes], told: str, put: Callable[[dict[str, bytes]], str], tmp_path: Path
) -> None:
    where = put({name: content for name, content in files.items() if box.NAME.fullmatch(name)})
    with pytest.raises(AlteredError) as caught:
        box.load(where)
    assert told in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "bundle"))
    assert str(caught.value).endswith("expected the file as it was exported; " + box.RESTORE)


def test_a_missing_file_is_named(put: Callable[[dict[str, bytes]], str]) -> None:
    files = bundle(FILES)
    del files["labels.json"]
    with pytest.raises(AlteredError, match=r"labels\.json"):
        box.load(put(files))


def test_a_newer_format_is_refused_before_its_files_are_read(put: Callable[[dict[str, bytes]], str]) -> None:
    with pytest.raises(RequestError, match=r"format 2; expected format 1; use the predict.py that came with it"):
        box.load(put(bundle(FILES, format=2, files=None)))


def test_a_zip_with_a_file_more_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AlteredError, match=r"does not name, or lacks: more.py"):
        box.load(zipped(tmp_path / "bundle.zip", {**bundle(FILES), "more.py": b""}))
    unzipped(tmp_path / "bundle", {**bundle(FILES), "more.py": b"", "reader/__pycache__/a.pyc": b""})
    assert box.load(str(tmp_path / "bundle")).model == b"model"  # others may lie beside the files of a folder


def test_a_zip_with_a_file_twice_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bundle.zip", bundle(FILES))
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("model.onnx", b"other")
    with pytest.raises(AlteredError, match="a file twice"):
        box.load(path)


def test_a_compressed_file_is_refused_for_it_may_be_a_bomb(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bundle.zip", bundle({**FILES, "model.onnx": bytes(10**7)}), zipfile.ZIP_DEFLATED)
    with pytest.raises(AlteredError, match=r"'model\.onnx' is compressed; expected .*; unzip it and run predict\.py"):
        box.load(path)


def test_a_file_larger_than_a_bundle_has_is_refused(
    put: Callable[[dict[str, bytes]], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(box, "LARGEST_OTHER", 1000)
    where = put(bundle({**FILES, "labels.json": bytes(1001)}))
    with pytest.raises(AlteredError, match=r"1,00\d bytes"):
        box.load(where)


def test_what_is_no_bundle_is_named(tmp_path: Path) -> None:
    with pytest.raises(PathError, match=r"none: no such file; expected a bundle"):
        box.load(str(tmp_path / "none"))
    (tmp_path / "file").write_bytes(b"text")
    with pytest.raises(AlteredError, match=r"file: not readable as a .zip file"):
        box.load(str(tmp_path / "file"))
    with pytest.raises(AlteredError, match=r"bundle.json: cannot be read"):
        box.load(str(tmp_path))


def test_any_altered_byte_of_a_zip_is_an_error_of_ours_or_changes_nothing(tmp_path: Path) -> None:
    path = Path(zipped(tmp_path / "bundle.zip", bundle(FILES)))
    content, expected = path.read_bytes(), box.load(str(path))
    random, refused = np.random.RandomState(0), 0
    for at in random.permutation(len(content))[:250]:
        altered = bytearray(content)
        altered[at] ^= 1 << random.randint(8)
        path.write_bytes(altered)
        try:
            assert box.load(str(path)) == expected
        except GluonRefError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 120


def test_the_seal_is_that_of_this_packages_documents(tmp_path: Path) -> None:
    from gluon_ref import documents

    (tmp_path / "one.json").write_bytes(json.dumps(box.seal({"format": 1, "ä": [1.5, None]})).encode())
    assert documents.read(tmp_path / "one.json", 1) == {"format": 1, "ä": [1.5, None]}


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = Path(zipped(tmp_path / "bundle.zip", bundle(FILES)))
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = content.find(mark)
        while at >= 0:
            content[at + offset] |= 1
            at = content.find(mark, at + 4)
    path.write_bytes(content)
    with pytest.raises(AlteredError, match=r"not readable as a \.zip file"):
        box.load(str(path))
