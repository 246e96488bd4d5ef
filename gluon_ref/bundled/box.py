"""A bundle's files, in a folder or in a .zip: checked against their checksums before anything is used."""

from __future__ import annotations

import hashlib
import json
import os
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import AlteredError, PathError, RequestError
from ..records import Facts, Field

BUNDLE, MODEL = "bundle.json", "model.onnx"
LABELS, VOCABULARY, PREPROCESSING = "labels.json", "vocabulary.json", "preprocessing.json"
FORMAT = 1
ARRAYS = "arrays"  # as the form of inputs that nothing is known of
SEAL = "checksum"
ENTRIES = "steps"  # of preprocessing.json, for people
# Names of files: at the top or in the reader, never elsewhere.
NAME = re.compile(r"(reader/([a-z]+/)?)?[A-Za-z_][A-Za-z_]*\.(py|json|md|onnx)")
MOST = 100  # files
LARGEST = {MODEL: 1 << 31}  # bytes, which no ONNX file exceeds; and of all other files:
LARGEST_OTHER = 1 << 26
RESTORE = "restore the bundle from a copy, or export again"

Reader = Callable[[str], bytes]


@dataclass(frozen=True)
class Bundle:
    """A bundle whose files are as they were written.

    Args:
        where: it lies.
        model: content of its model.onnx.
        fields: inputs of the model.
        outputs: names of its outputs.
        answers: what they are turned into: "labels", "value" or "outputs".
        takes: form of the inputs: "image", "vector", "text", or "arrays" where none is known.
        facts: what inputs are read and outputs are named by.
    """

    where: str
    model: bytes
    fields: tuple[Field, ...]
    outputs: tuple[str, ...]
    answers: str
    takes: str
    facts: Facts


def load(where: str) -> Bundle:
    """The bundle in a folder or a .zip.

    Raises:
        PathError: when there is none.
        AlteredError: when a file is missing, or not as it was written; or the .zip has others than it names.
        RequestError: when a newer release wrote it.
    """
    if os.path.isdir(where):
        return _bundle(where, lambda name: _from_folder(where, name), None)
    try:
        with zipfile.ZipFile(where) as file:
            known = _entries(where, file)
            return _bundle(where, lambda name: _from_zip(where, file, known, name), set(known))
    except FileNotFoundError:
        raise PathError(where, "no such file", "a bundle", "check the path") from None
    except (OSError, zipfile.BadZipFile, RuntimeError, EOFError, ValueError) as error:  # encrypted: RuntimeError
        raise _altered(where, f"not readable as a .zip file ({error})") from None


def seal(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document with its checksum, as all documents of this package have it."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return {**document, SEAL: hashlib.sha256(text.encode()).hexdigest()}


def _bundle(where: str, read: Reader, present: set[str] | None) -> Bundle:
    """What the files say, after checking all of them.

    Args:
        where: they lie, for messages.
        read: name -> content.
        present: names of all files; None where others may lie beside them.
    """
    document = _document(f"{where}, {BUNDLE}", read(BUNDLE))
    if document.get("format") != FORMAT:
        given = f"format {document.get('format')!r}"
        raise RequestError(where, given, f"format {FORMAT}", "use the predict.py that came with it")
    checksum = document.pop(SEAL, None)
    if seal(document)[SEAL] != checksum:
        raise _altered(f"{where}, {BUNDLE}", "its checksum differs from the one it ends with")
    files = document.get("files")
    if not isinstance(files, dict) or len(files) > MOST or not all(NAME.fullmatch(name) for name in files):
        raise _altered(f"{where}, {BUNDLE}", "names of files that no bundle has")
    if present is not None and (odd := present ^ {*files, BUNDLE}):
        raise _altered(where, f"files that {BUNDLE} does not name, or lacks: {', '.join(sorted(odd))[:80]}")
    contents = {}
    for name, expected in files.items():
        content = read(name)
        if hashlib.sha256(content).hexdigest() != expected:
            raise _altered(f"{where}, {name}", f"its checksum differs from that in {BUNDLE}")
        contents[name] = content
    try:
        return _parsed(where, document, contents)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise _altered(where, f"files that do not fit each other ({error!r})") from None


def _parsed(where: str, document: Mapping[str, Any], contents: Mapping[str, bytes]) -> Bundle:
    known = json.loads(contents[PREPROCESSING])
    known.pop(ENTRIES)
    known.update(
        {key: json.loads(contents.get(name, b"[]")) for key, name in (("labels", LABELS), ("vocab", VOCABULARY))}
    )
    facts = Facts(**{key: tuples(value) for key, value in known.items()})
    fields = tuple(Field(**{**one, "shape": tuple(one["shape"])}) for one in document["inputs"])
    outputs = tuple(one["name"] for one in document["outputs"])
    return Bundle(where, contents[MODEL], fields, outputs, document["answers"], facts.takes, facts)


def tuples(value: Any) -> Any:
    """Lists, and lists in lists, as tuples."""
    return tuple(tuples(one) for one in value) if isinstance(value, list) else value


def _document(where: str, content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _altered(where, f"not readable as JSON ({error})") from None
    if not isinstance(document, dict):
        raise _altered(where, "not a JSON object")
    return document


def _from_folder(where: str, name: str) -> bytes:
    path = os.path.join(where, *name.split("/"))
    try:
        with open(path, "rb") as file:
            content = file.read(_limit(name) + 1)
    except OSError as error:
        raise _altered(path, f"cannot be read ({error.strerror})") from None
    if len(content) > _limit(name):
        raise _altered(path, f"more than {_limit(name):,} bytes")
    return content


def _entries(where: str, file: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The files of a .zip by name: each once, as it is, and no larger than a bundle's are."""
    known = {one.filename: one for one in file.infolist() if not one.is_dir()}
    if len(file.infolist()) != len(known):
        raise _altered(where, "a file twice, or folders of their own")
    for name, one in known.items():
        if one.file_size > _limit(name):
            raise _altered(where, f"{one.file_size:,} bytes in {name[:80]!r}")
        # A few bytes may unpack to as many as there is memory.
        if one.compress_type != zipfile.ZIP_STORED or one.file_size != one.compress_size:
            raise AlteredError(
                where,
                f"{name[:80]!r} is compressed",
                "files as they were written, not compressed",
                "unzip it and run predict.py in the folder, or export again",
            )
    return known


def _from_zip(where: str, file: zipfile.ZipFile, known: Mapping[str, zipfile.ZipInfo], name: str) -> bytes:
    if name not in known:
        raise _altered(where, f"no file {name}")
    return file.read(known[name])


def _limit(name: str) -> int:
    return LARGEST.get(name, LARGEST_OTHER)


def _altered(where: str, given: str) -> AlteredError:
    return AlteredError(where, given, "the file as it was exported", RESTORE)
