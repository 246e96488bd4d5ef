"""Arrays for any framework: weights.npz, which numpy reads alone, and weights.json, which says what each one is.

The arrays have structure-based names ("features.0.weight"). The description holds, for each, shape and dtype, the
argument of the graph that it belongs to, and the operators that read it; and the graph itself, so that nothing of the
network is lost: MXNet answers with it again, which proves that every array is under its name.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from .. import documents, graphs, reshapes
from ..arrays import DTYPES, MOST_AXES
from ..backend import mx
from ..errors import DataError, FitError, reason
from ..records import Field, Source
from . import _uses

# Largest accepted difference between a score of the artefact and of the imperative network, absolute plus relative:
# the numbers are the same bit for bit, and so are the operators.
TOLERANCE = 1e-5
FORMAT = 1
ARRAYS, DESCRIPTION = "weights.npz", "weights.json"
KINDS = {name for name, _ in DTYPES.values()} - {"bfloat16"}
WIDENED = "bfloat16"
WIDENED_DTYPE = np.dtype([(WIDENED, np.uint16)])  # what MXNet calls it
ONES = "fix_gamma: the network takes ones here, whatever was stored, and ones are what is written"
RESTORE = "restore both files from a copy, or export again"


def write(source: Source, folder: Path) -> dict[str, Any]:
    """Write the network's arrays and their description into a folder; the same network gives the same bytes.

    Args:
        source: the network.
        folder: an existing, empty folder.
    Returns:
        what the manifest tells: how many arrays there are, and how many numbers in them.
    Raises:
        DataError: when two arrays would have the same name, or the graph is none that can be read back.
    """
    graph = graphs.parse("format npz", source.symbol.tojson())
    uses = _uses.uses(graph, {name: array.shape for name, array in source.arrays.items()})
    entries = [_entry(name, source, uses.get(name, [])) for name in source.arrays]
    names = [entry["name"] for entry in entries]
    _check_names(names)
    with zipfile.ZipFile(folder / ARRAYS, "w") as archive:
        for entry in entries:
            array = source.arrays[entry["argument"]].astype(entry["dtype"]).asnumpy()
            content = io.BytesIO()
            np.save(content, np.ones_like(array) if "note" in entry else array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{entry['name']}.npy"), content.getbuffer())
    document = {
        "format": FORMAT,
        "about": dict(source.about),
        "inputs": [asdict(field) for field in source.inputs],
        "outputs": [asdict(field) for field in source.outputs],
        "classes": source.classes,
        "arrays": entries,
        "graph": json.loads(graph.text()),
    }
    path = folder / DESCRIPTION
    documents.write(path, document)
    documents.replace(path, _lines(json.loads(path.read_bytes())).encode())  # the seal is over what is said, not how
    return {"arrays": len(entries), "numbers": sum(prod(entry["shape"]) for entry in entries)}


def open(folder: Path, fields: Sequence[Field]) -> Callable[..., tuple[np.ndarray, ...]]:
    """The artefact as a function of numpy arrays, in the order of `fields`; MXNet computes.

    Raises:
        DataError: when a file is not what `write` writes, or they do not fit each other; the last also where the
            function is called.
        AlteredError: when the description is missing, or not what was written.
        RecipeError: when a newer release wrote it.
    """
    path = folder / DESCRIPTION
    document = documents.read(path, FORMAT, f"{DESCRIPTION} as the export wrote it")
    entries = _entries(path, document)
    network = graphs.parse(str(path), json.dumps(document.get("graph")))
    given = {field.name: at for at, field in enumerate(fields)}
    lacking = [name for name in network.arguments if name not in given and name not in entries]
    if lacking:
        raise _misfit(path, f"no array for {lacking[0]}", "one for each argument of the graph")
    symbol = graphs.symbol(network)
    known = _load(folder / ARRAYS, entries)
    operator, names = mx.nd.CachedOp(symbol), symbol.list_inputs()
    guard = reshapes.Guard(symbol, {name: array.shape for name, array in known.items()})

    def answer(*inputs: np.ndarray) -> tuple[np.ndarray, ...]:
        with _told(path):
            found = [
                mx.nd.array(inputs[given[name]], dtype=inputs[given[name]].dtype) if name in given else known[name]
                for name in names
            ]
            guard.look({name: inputs[at].shape for name, at in given.items() if name in names})
            outputs = operator(*found)
            return tuple(one.asnumpy() for one in (outputs if isinstance(outputs, list) else [outputs]))

    return answer


def _entry(argument: str, source: Source, uses: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    array = source.arrays[argument]
    widened = np.dtype(array.dtype) == WIDENED_DTYPE
    entry: dict[str, Any] = {
        "name": source.structure.get(argument, argument),
        "shape": list(array.shape),
        "dtype": "float32" if widened else np.dtype(array.dtype).name,
        "argument": argument,
    }
    if widened:
        entry["network_dtype"] = WIDENED
    if uses and all(use["role"] == "gamma" and use["options"].get("fix_gamma") in ("True", "1") for use in uses):
        entry["note"] = ONES
    return {**entry, "uses": list(uses)}


def _check_names(names: Sequence[str]) -> None:
    """Refuse names that cannot be told apart in an .npz: readers take the .npy off that ends each."""
    taken = set()
    for name in names:
        plain = re.sub(r"(\.npy)+$", "", name)
        if plain in taken:
            raise DataError("format npz", f"two arrays called {name}", "a name for each", "rename one in the network")
        taken.add(plain)


def _lines(document: Mapping[str, Any]) -> str:
    """JSON with a line for each array and each node, for whoever reads it."""

    def laid(value: Any, indent: str) -> str:
        if isinstance(value, dict) and value and len(indent) < 3:
            parts, ends = [f"{json.dumps(key)}: {laid(one, indent + ' ')}" for key, one in value.items()], "{}"
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            parts, ends = [json.dumps(one) for one in value], "[]"
        else:
            return json.dumps(value)
        return f"{ends[0]}\n{indent}" + f",\n{indent}".join(parts) + f"\n{indent[1:]}{ends[1]}"

    return laid(document, " ") + "\n"


def _entries(path: Path, document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The described arrays, by argument."""
    entries = document.get("arrays")
    if not isinstance(entries, list):
        raise _misfit(path, "no list of arrays", "the file as the export wrote it")
    for entry in entries:
        if not _whole(entry):
            raise _misfit(path, f"an array described as {str(entry)[:80]}", "name, argument, shape and dtype of each")
    found = {entry["argument"]: entry for entry in entries}
    if len(found) != len(entries):
        raise _misfit(path, "two arrays of one argument", "one")
    return found


def _whole(entry: Any) -> bool:
    if not isinstance(entry, dict) or not isinstance(shape := entry.get("shape"), list):
        return False
    texts = [entry.get("name"), entry.get("argument"), entry.get("dtype"), entry.get("network_dtype", WIDENED)]
    if not all(isinstance(one, str) for one in texts) or entry["dtype"] not in KINDS or texts[-1] != WIDENED:
        return False
    return 1 <= len(shape) <= MOST_AXES and all(type(size) is int and 1 <= size < 2**31 for size in shape)


def _load(path: Path, entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Argument -> NDArray."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(info.filename for info in archive.infolist())
            if names != sorted(f"{entry['name']}.npy" for entry in entries.values()):
                raise _misfit(path, "other arrays than described", f"those of {DESCRIPTION}")
            return {argument: _array(path, archive, entry) for argument, entry in entries.items()}
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError, struct.error) as error:
        raise _misfit(path, f"not readable ({reason(error)})", "the file as the export wrote it") from None


def _array(path: Path, archive: zipfile.ZipFile, entry: Mapping[str, Any]) -> Any:
    dtype, shape = np.dtype(entry["dtype"]).newbyteorder("<"), tuple(entry["shape"])
    header = io.BytesIO()
    told = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, told)  # type: ignore[no-untyped-call]
    info = archive.getinfo(f"{entry['name']}.npy")
    size = prod(shape) * dtype.itemsize
    stored = info.compress_type == zipfile.ZIP_STORED and info.compress_size == info.file_size
    # As bytes first: memory is taken for what is there, not for what a header asks for.
    if not stored or info.file_size != len(header.getvalue()) + size:
        raise _misfit(
            path, f"{entry['name']} takes {info.file_size} bytes", f"{'x'.join(map(str, shape))} {dtype.name}"
        )
    with archive.open(info) as file:
        if file.read(len(header.getvalue())) != header.getvalue():
            raise _misfit(path, f"{entry['name']} has another header", f"{'x'.join(map(str, shape))} {dtype.name}")
        content = file.read()  # to its end, where its checksum is compared
    array = np.frombuffer(content, dtype).reshape(shape)
    made = mx.nd.array(array, dtype=array.dtype)
    return made.astype(WIDENED_DTYPE) if entry.get("network_dtype") else made


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """MXNet's errors as one of ours: the files are whole, but do not fit each other or the inputs."""
    try:
        yield
    except (mx.base.MXNetError, IndexError, ValueError, FitError) as error:
        raise _misfit(path, reason(error), "arrays that fit the graph, and the declared inputs") from None


def _misfit(path: Path, given: str, expected: str) -> DataError:
    return DataError(str(path), given, expected, RESTORE)
