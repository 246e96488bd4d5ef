from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from gluon_ref import documents
from gluon_ref.errors import AlteredError, RecipeError

DOCUMENT = {"format": 1, "words": ["é", "b"], "share": 0.1, "none": None}


def test_a_document_comes_back_as_it_was_written(tmp_path: Path) -> None:
    documents.write(tmp_path / "a.json", {**DOCUMENT, "words": ("é", "b")})
    assert documents.read(tmp_path / "a.json", 1) == DOCUMENT
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_spaces_and_order_mean_nothing_and_every_value_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    documents.write(path, DOCUMENT)
    sealed = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(sealed.items()))))
    assert documents.read(path, 1) == DOCUMENT
    for key in DOCUMENT:
        path.write_text(json.dumps({**sealed, key: 1 if key == "format" else "other"}))
        if key != "format":
            with pytest.raises(AlteredError, match=r"a.json: its checksum differs from the one it ends with"):
                documents.read(path, 1, "x")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not readable as JSON"),
        ("[" * 100_000, "not readable as JSON"),
        ("[1]", "not a JSON object"),
        ('{"a": 1}', "it has no checksum"),
    ],
)
def test_what_is_no_such_document_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(AlteredError, match=words):
        documents.read(tmp_path / "a.json", 1)


def test_a_newer_format_is_told_before_anything_else(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"format": 3}')
    with pytest.raises(RecipeError, match=r"a.json: format 3; expected format 2 or older; use the release"):
        documents.read(tmp_path / "a.json", 2)


def test_a_number_that_json_does_not_have_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"JSON"):
        documents.write(tmp_path / "a.json", {"loss": float("inf")})
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    documents.replace(tmp_path / "a", b"one")
    documents.replace(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_checksum_is_sha_256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"b" * 3_000_000)
    assert documents.checksum(tmp_path / "a") == hashlib.sha256(b"b" * 3_000_000).hexdigest()


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../a", "/etc/passwd", "a/b", "a/", "a\0", "a\n", "\ud800", "a" * 252, "é" * 126]
)
def test_files_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.json"
    documents.write(path, {"files": {"b.params": "", "a" * 251: "", name: ""}})
    with pytest.raises(AlteredError) as caught:
        documents.read(path, 1)
    assert str(caught.value) == (
        f"{path}: a file {name[:80]!r}; expected names of files beside it; {documents.RESTORE}"
    )


def test_files_beside_it_are_named(tmp_path: Path) -> None:
    document = {"files": {"b.params": "", "a" * 251: "", "é b": "", ".hidden": "", "..c": ""}}
    documents.write(tmp_path / "a.json", document)
    assert documents.read(tmp_path / "a.json", 1) == document


def test_no_depth_is_read_but_not_sealed(tmp_path: Path) -> None:
    """Python's writer of JSON gives up at other depths than its reader, which lie close together."""
    path = tmp_path / "a.json"
    for depth in range(800, 1010):
        path.write_text(f'{{"a": {"[" * depth}{"]" * depth}, "checksum": "x"}}')
        with pytest.raises(AlteredError, match=r"checksum differs|not readable as JSON"):
            documents.read(path, 1)
