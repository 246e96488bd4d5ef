"""What every data set promises, run over the whole catalogue; formats of one's own are given small made files."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from gluon_ref import catalog, options
from gluon_ref.records import Data
from tests.data.images import folders
from tests.data.test_cifar10 import write as write_binary
from tests.data.test_recordio import write as write_records


def idx(path: Path) -> str:
    """A folder of four idx files: 20 images of 8x9 for training, 10 held out."""
    random = np.random.RandomState(0)
    for part, count in (("train", 20), ("t10k", 10)):
        images = random.randint(0, 256, (count, 8, 9)).astype(np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        (path / f"{part}-images-idx3-ubyte").write_bytes(
            struct.pack(">4B3I", 0, 0, 8, 3, count, 8, 9) + images.tobytes()
        )
        (path / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">4BI", 0, 0, 8, 1, count) + labels.tobytes())
    return str(path)


def table(path: Path) -> str:
    """A table of 30 rows, two features and two classes."""
    rows = "\n".join(f"{i},{i % 7},{'yes' if i % 3 else 'no'}" for i in range(30))
    (path / "table.csv").write_text(f"one,two,label\n{rows}\n", encoding="utf-8")
    return str(path / "table.csv")


def texts(path: Path) -> str:
    """Thirty texts of two classes."""
    rows = "\n".join(f"{'good' if i % 3 else 'bad'},a {'fine' if i % 3 else 'poor'} thing {i % 4}" for i in range(30))
    (path / "texts.csv").write_text(f"label,text\n{rows}\n", encoding="utf-8")
    return str(path / "texts.csv")


def images(path: Path) -> str:
    """Two class folders of ten images each."""
    return str(folders(path / "images", {"cat": 10, "dog": 10}))


def records(path: Path) -> str:
    """A RecordIO file of twenty images of two classes."""
    return write_records(path / "images.rec", [0, 1] * 10)


def binary(path: Path) -> str:
    """A folder of CIFAR-10's files with a few records each."""
    return str(write_binary(path / "cifar10"))


MADE = {
    "mnist": idx,
    "fashion_mnist": idx,
    "table": table,
    "text_table": texts,
    "image_folder": images,
    "recordio": records,
    "cifar10": binary,
}
NAMES = catalog.names("data")


def loaded(name: str, folder: Path) -> Data:
    data: Data = catalog.find("data", name).load(MADE[name](folder) if name in MADE else "")
    return data


@pytest.mark.parametrize("name", NAMES)
def test_facts_describe_the_samples(name: str, tmp_path: Path) -> None:
    data = loaded(name, tmp_path)
    facts = data.facts
    form = catalog.find("inputs", facts.takes)
    for part in (data.train, data.held_out):
        inputs, targets = part.take(np.arange(min(5, len(part))))
        arrays = form.collate(inputs, facts)
        for array, field in zip(arrays, form.fields(facts)):
            assert array.dtype == field.dtype
            assert array.shape[0] == len(targets)
            assert all(want in (-1, got) for want, got in zip(field.shape, array.shape[1:]))
        if facts.target == "label":
            assert targets.dtype == np.int32
            assert targets.min() >= 0
            assert targets.max() < len(facts.labels)
        else:
            assert targets.dtype == np.float32


@pytest.mark.parametrize("name", NAMES)
def test_loading_twice_gives_the_same_split(name: str, tmp_path: Path) -> None:
    first, second = loaded(name, tmp_path), loaded(name, tmp_path)
    assert first.facts == second.facts
    for one, other in ((first.train, second.train), (first.held_out, second.held_out)):
        assert len(one) == len(other)
        a, b = one.take(np.arange(len(one))), other.take(np.arange(len(other)))
        np.testing.assert_array_equal(a[1], b[1])
        assert all(np.array_equal(x, y) for x, y in zip(a[0], b[0]))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "text_table"])
def test_statistics_are_of_the_training_part(name: str, tmp_path: Path) -> None:
    data = loaded(name, tmp_path)
    if data.facts.takes == "text":
        return
    inputs = data.train.take(np.arange(len(data.train)))[0].astype(np.float64)
    axes = (0, *range(2, inputs.ndim))
    np.testing.assert_allclose(inputs.mean(axis=axes), data.facts.mean, rtol=1e-5)
    np.testing.assert_allclose(inputs.std(axis=axes), data.facts.std, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_written_sample_is_read_back(name: str, tmp_path: Path) -> None:
    data = loaded(name, tmp_path)
    form = catalog.find("inputs", data.facts.takes)
    sample = data.held_out.take(np.arange(1))[0][0]
    path = tmp_path / f"sample{form.SUFFIX}"
    form.write(sample, data.facts, path)
    request = path.read_text(encoding="utf-8").rstrip("\n") if data.facts.takes == "text" else str(path)
    [(_, read)] = list(form.read([request], data.facts))
    np.testing.assert_array_equal(read, sample)


@pytest.mark.parametrize("name", NAMES)
def test_every_option_is_explained(name: str) -> None:
    for option in options.schema(catalog.find("data", name).load).values():
        assert option.help, f"{option.name} has no line under Args"
