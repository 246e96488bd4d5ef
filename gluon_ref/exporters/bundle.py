"""A bundle: one .zip with model.onnx, all that inputs and answers need, and a program that needs no MXNet."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ..bundled import box
from ..records import Facts, Field, Source
from . import _leaflet, _onnx

# Largest accepted difference between a score of the artefact and of the imperative network, absolute plus relative: as
# for ONNX, which answers.
TOLERANCE = 1e-4
lacks = _onnx.lacks
BUNDLE = "bundle.zip"
PACKAGE = Path(__file__).parents[1]
PROGRAM = PACKAGE / "bundled" / "predict.py"
# Of this package, what the program is made of; none of it needs MXNet.
CARRIED = (
    "answers.py",
    "bundled/*.py",
    "conversion/__init__.py",
    "conversion/session.py",
    "errors.py",
    "inputs/__init__.py",
    "inputs/_arrays.py",
    "inputs/_columns.py",
    "inputs/_lines.py",
    "inputs/_odd.py",
    "inputs/_pixels.py",
    "inputs/_tokens.py",
    "inputs/image.py",
    "inputs/vector.py",
    "machine.py",
    "records.py",
)
FORMS = ("image", "vector", "text")
# Of the facts, what a bundle has in files of its own, and what only training asks for.
APART = ("labels", "vocab")
TRAINING = ("counts", "mirror", "std", "column")
EPOCH = (1980, 1, 1, 0, 0, 0)  # of every file: the same network makes the same .zip


def write(source: Source, folder: Path, *, opset: int = 13, probabilities: bool = True) -> dict[str, Any]:
    """Write the network into a folder; the batch, and a text's length, stay free.

    Args:
        source: the network; `about` may have "takes", "facts" and "labels", which tell how inputs are read.
        folder: an existing, empty folder.
        opset: version of ONNX's operators, 13 to 17.
        probabilities: add the softmax of a classifier's scores as a second output of the model.
    Returns:
        what the manifest tells: opset, names of the outputs, what the program reads and answers, names of the files.
    Raises:
        ConversionError: when ONNX has no counterpart for an operator or an option of one.
        OptionError: for an opset out of range.
    """
    from ..conversion.graph import to_onnx

    model = to_onnx(source, opset, probabilities and source.classes)
    facts = _facts(source.about)
    document = {
        "format": box.FORMAT,
        **{key: source.about[key] for key in ("task", "model", "exported_by") if key in source.about},
        "versions": json.loads(source.about.get("versions", "{}")),
        "opset": opset,
        "takes": facts.takes,
        "answers": _answers(source, facts),
        "inputs": [asdict(one) for one in source.inputs],
        "outputs": [{"name": one.name} for one in model.graph.output],
    }
    files = {
        box.MODEL: model.SerializeToString(deterministic=True),
        box.PREPROCESSING: _text({box.ENTRIES: _leaflet.steps(facts), **_preprocessing(facts)}),
        **({box.LABELS: _text(facts.labels)} if facts.labels else {}),
        **({box.VOCABULARY: _text(facts.vocab)} if facts.vocab else {}),
        "README.md": _leaflet.page(document, facts).encode(),
        **_program(),
    }
    document["files"] = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    files[box.BUNDLE] = _text(box.seal(document))
    (folder / BUNDLE).write_bytes(_zipped(files))
    names = [one["name"] for one in document["outputs"]]
    return {
        "opset": opset,
        "outputs": names,
        "takes": facts.takes,
        "answers": document["answers"],
        "files": sorted(files),
    }


def open(folder: Path, fields: Sequence[Field]) -> Callable[..., tuple[np.ndarray, ...]]:
    """The bundle's model as a function of numpy arrays, in the order of `fields`; nothing else of it is used.

    Raises:
        PathError, AlteredError, DataError: when the bundle is missing, not as it was written, or takes other inputs.
    """
    from ..conversion.session import open_model

    path = str(folder / BUNDLE)
    return open_model(path, fields, box.load(path).model)


def _facts(about: Mapping[str, str]) -> Facts:
    """How inputs are read: as in training, or as arrays where that is not known."""
    labels = tuple(json.loads(about.get("labels", "[]")))
    known = json.loads(about["facts"]) if "facts" in about else {}
    takes = about.get("takes")
    if takes not in FORMS or not known or (takes == "vector" and not known.get("columns")):
        return Facts(box.ARRAYS, str(known.get("target", "")), (), labels=labels)
    return Facts(**{key: box.tuples(value) for key, value in known.items()})


def _answers(source: Source, facts: Facts) -> str:
    shape = source.outputs[0].shape
    if source.classes and facts.labels and shape == (len(facts.labels),):
        return "labels"
    return "value" if facts.target == "value" and prod(shape) == 1 else "outputs"


def _preprocessing(facts: Facts) -> dict[str, Any]:
    """The facts that inputs are read by; the network itself subtracts means and divides by deviations."""
    kept = {key: value for key, value in asdict(facts).items() if key not in (*APART, *TRAINING)}
    return kept if facts.gaps else {**kept, "mean": ()}


def _program() -> dict[str, bytes]:
    """The program's files by their names in a bundle."""
    paths = sorted(path for pattern in CARRIED for path in PACKAGE.glob(pattern) if path != PROGRAM)
    carried = {f"reader/{path.relative_to(PACKAGE).as_posix()}": path.read_bytes() for path in paths}
    start = PROGRAM.read_bytes()
    return {
        "predict.py": start,
        "__main__.py": start,
        "reader/__init__.py": b'"""What predict.py is made of: parts of gluon_ref, as they are."""\n',
        **carried,
    }


def _text(document: Any) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _zipped(files: Mapping[str, bytes]) -> bytes:
    """A .zip of files by name, in order; not compressed, for weights hardly shrink and readers need fear no bomb."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as file:
        for name, one in sorted(files.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3  # Unix, wherever this runs
            entry.external_attr = 0o100644 << 16
            file.writestr(entry, one)
    return content.getvalue()
