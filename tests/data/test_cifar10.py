from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref.data import cifar10
from gluon_ref.data.cifar10 import FOLDER, LABELS, META, RECORD, TEST, TRAIN
from gluon_ref.downloading import Remote
from gluon_ref.errors import DataError, FitError, GluonRefError, MachineError, OptionError, PathError, RequestError
from tests.servers import Server, serving


def records(seed: int, count: int) -> np.ndarray:
    """Records of random pixels; labels count up."""
    found = np.random.RandomState(seed).randint(0, 256, (count, RECORD)).astype(np.uint8)
    found[:, 0] = np.arange(count) % 10
    return found


def write(folder: Path, names: bool = True) -> Path:
    """The published files, small: 2, 3, 4, 5 and 6 records for training, 7 held out."""
    folder.mkdir(parents=True, exist_ok=True)
    for at, name in enumerate((*TRAIN, *TEST)):
        (folder / name).write_bytes(records(at, at + 2).tobytes())
    if names:
        (folder / META).write_text("\n".join(LABELS) + "\n\n")  # the published one ends so
    return folder


def load(folder: Path, **options: Any) -> Any:
    return cifar10.load(str(folder), **options)


def refused(kind: type[GluonRefError], folder: Path, **options: Any) -> str:
    with pytest.raises(kind) as caught:
        load(folder, **options)
    return str(caught.value).replace(str(folder), "DIR")


def test_records_are_images_with_labels(tmp_path: Path) -> None:
    data = load(write(tmp_path))
    assert (len(data.train), len(data.held_out)) == (20, 7)
    everything = np.concatenate([records(at, at + 2) for at in range(5)])
    images, targets = data.train.take(np.arange(20))
    np.testing.assert_array_equal(images, everything[:, 1:].reshape(-1, 3, 32, 32))
    assert targets.tolist() == data.train.targets.tolist() == everything[:, 0].tolist()
    assert (images.dtype, targets.dtype, data.train.lengths) == (np.uint8, np.int32, None)
    facts = data.facts
    assert (facts.takes, facts.target, facts.shape, facts.labels) == ("image", "label", (3, 32, 32), LABELS)
    np.testing.assert_allclose(facts.mean, images.mean(axis=(0, 2, 3)), rtol=1e-14)
    np.testing.assert_allclose(facts.std, images.std(axis=(0, 2, 3)), rtol=1e-14)
    assert facts.mirror


def test_samples_come_in_the_order_that_is_asked(tmp_path: Path) -> None:
    train = load(write(tmp_path)).train
    images, targets = train.take(np.arange(20))
    order = np.array([19, 0, 5, 5, 1, 13])
    some, labels = train.take(order)
    np.testing.assert_array_equal(some, images[order])
    assert labels.tolist() == targets[order].tolist()
    np.testing.assert_array_equal(train.take([3])[0], images[3:4])


def test_a_file_of_many_records_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = load(write(tmp_path))
    monkeypatch.setattr(cifar10, "CHUNK", 2)
    pieces = load(tmp_path)
    assert pieces.facts == whole.facts
    np.testing.assert_array_equal(pieces.train.take(np.arange(20))[0], whole.train.take(np.arange(20))[0])


def test_the_folder_may_be_the_one_the_archive_was_unpacked_in(tmp_path: Path) -> None:
    write(tmp_path / FOLDER)
    assert len(load(tmp_path).train) == 20
    (tmp_path / TRAIN[0]).write_bytes(b"half of one")
    assert len(load(tmp_path).train) == 20


def test_other_files_are_named(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "few.bin").write_bytes(records(9, 9).tobytes())
    data = load(tmp_path, train=("few.bin", TRAIN[1]), test=(TRAIN[0],))
    assert (len(data.train), len(data.held_out)) == (12, 2)
    assert refused(FitError, tmp_path, train=("few.bin",), test=("few.bin",)).startswith(
        "data cifar10: few.bin to train on and held out; expected files of one part; name others"
    )
    assert refused(PathError, tmp_path, train=("none.bin",)).startswith("data cifar10: no file DIR/none.bin; expected")


def test_classes_are_named_by_the_file_beside_them(tmp_path: Path) -> None:
    write(tmp_path, names=False)
    assert load(tmp_path).facts.labels == LABELS
    (tmp_path / META).write_bytes("\r\n".join(f"Klasse {letter}" for letter in "äbcdefghij").encode())
    assert load(tmp_path).facts.labels[0] == "Klasse ä"


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", 1),
        (b"a\nb\n", 2),
        ("\n".join("abcdefghia").encode(), 10),
        (b"a\n\nc\nd\ne\nf\ng\nh\ni\nj", 10),
        (b"\xff\n" * 10, 0),
        ("\n".join("abcdefghijk").encode(), 11),
    ],
)
def test_names_that_are_not_ten_are_refused(tmp_path: Path, content: bytes, lines: int) -> None:
    (write(tmp_path) / META).write_bytes(content)
    message = f"DIR/{META}: {lines} lines of text; expected ten different names, one a line; mend it, or take it away"
    assert refused(DataError, tmp_path) == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "0 bytes; expected a multiple of 3,073 bytes, above 0; fetch the file again"),
        (records(0, 3).tobytes()[:-1], "9,218 bytes; expected a multiple of 3,073 bytes"),
        (b"label,text\n", "11 bytes; expected a multiple of 3,073 bytes"),
        (
            np.concatenate([records(0, 2), np.full((1, RECORD), 10, dtype=np.uint8)]).tobytes(),
            "label 10 in record 2; expected labels 0 to 9; check the file",
        ),
    ],
)
@pytest.mark.parametrize("name", [TRAIN[2], TEST[0]])
def test_files_of_other_contents_are_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (write(tmp_path) / name).write_bytes(content)
    assert refused(DataError, tmp_path).startswith(f"DIR/{name}: {message}")


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    monkeypatch.setattr(cifar10, "_check_size", lambda path, size: path.write_bytes(b""))
    assert refused(DataError, tmp_path) == (
        f"DIR/{TRAIN[0]}: changed while it was read; expected 6,146 bytes; start again"
    )


def test_files_that_are_missing_are_named_with_the_way_to_get_them(tmp_path: Path) -> None:
    (write(tmp_path) / TRAIN[3]).unlink()
    message = refused(PathError, tmp_path)
    assert message.startswith(f"data cifar10: no file DIR/{TRAIN[3]}; expected files of the binary version; ")
    assert message.endswith("or pass --set data.download=true")
    os.mkfifo(tmp_path / TRAIN[3])  # opening it would hang
    assert f"no file DIR/{TRAIN[3]}" in refused(PathError, tmp_path)
    assert "none is no folder; expected the folder with data_batch_1.bin; check the path, or have the files" in refused(
        PathError, tmp_path / "none"
    ).replace("DIR", "none")
    with pytest.raises(RequestError, match=r"data cifar10: no folder; expected the folder with data_batch_1.bin; pass"):
        cifar10.load("")
    assert "download_timeout_s=0; expected above 0" in refused(OptionError, tmp_path, download_timeout_s=0)


@pytest.mark.parametrize("change", ["gone", "shorter", "other"])
def test_a_file_that_changes_after_loading_is_named(tmp_path: Path, change: str) -> None:
    data = load(write(tmp_path))
    path = tmp_path / TRAIN[1]
    content = path.read_bytes()
    path.unlink()
    if change != "gone":
        path.write_bytes(content[: RECORD + 9] if change == "shorter" else content[: 2 * RECORD] + content[:RECORD])
    data.train.take(np.array([0, 1, 2, 5]) if change != "gone" else np.array([0, 1, 5]))
    with pytest.raises(DataError) as caught:
        data.train.take(np.array([0, 3, 4]))
    told = "cannot be read any more (No such file or directory)" if change == "gone" else "changed since the data was"
    assert str(caught.value).startswith(f"{path}: ")
    assert told in str(caught.value)
    assert "expected the file that was there; put it back, or start again" in str(caught.value)


def test_only_the_held_out_part_is_read_for_a_trained_network(tmp_path: Path) -> None:
    facts = load(write(tmp_path / "one")).facts
    other = tmp_path / "two"
    other.mkdir()
    (other / TEST[0]).write_bytes(records(0, 4).tobytes())
    data = load(other, known=facts, train=("gone.bin",), test=("gone.bin",))
    assert (len(data.train), len(data.held_out), data.facts.labels) == (0, 4, LABELS)
    (other / "own.bin").write_bytes(records(0, 5).tobytes())
    assert len(load(other, known=facts, test=("own.bin",)).held_out) == 5


# Downloads.


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Serves an archive as the published one, of small files."""
    monkeypatch.delenv("http_proxy", raising=False)
    write(tmp_path / "source" / FOLDER)
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        tar.add(tmp_path / "source" / FOLDER, FOLDER)
    content = file.getvalue()
    with serving({"/cifar-10-binary.tar.gz": content}) as server:
        address = f"{server.address}/cifar-10-binary.tar.gz"
        monkeypatch.setattr(cifar10, "ARCHIVE", Remote(address, hashlib.sha256(content).hexdigest(), len(content)))
        yield server


def test_the_archive_is_fetched_and_unpacked_when_that_is_asked(tmp_path: Path, server: Server) -> None:
    new = tmp_path / "new"
    assert len(load(new, download=True).train) == 20
    assert sorted(path.name for path in new.iterdir()) == [FOLDER]
    assert sorted(path.name for path in (new / FOLDER).iterdir()) == sorted([*TRAIN, *TEST, META])
    load(new, download=True)
    assert len(server.asked) == 1


def test_files_that_are_there_are_not_replaced(tmp_path: Path, server: Server) -> None:
    new = tmp_path / "new"
    (new / FOLDER).mkdir(parents=True)
    (new / FOLDER / TRAIN[0]).write_bytes(records(0, 9).tobytes())
    assert len(load(new, download=True).train) == 27


def test_an_archive_that_was_put_there_by_hand_is_unpacked_and_kept(tmp_path: Path, server: Server) -> None:
    new = tmp_path / "new"
    new.mkdir()
    (new / "cifar-10-binary.tar.gz").write_bytes(server.files["/cifar-10-binary.tar.gz"])
    assert len(load(new, download=True).train) == 20
    assert ((new / "cifar-10-binary.tar.gz").exists(), server.asked) == (True, [])


def test_an_archive_that_cannot_be_had_leaves_nothing(tmp_path: Path, server: Server) -> None:
    content = server.files.pop("/cifar-10-binary.tar.gz")
    assert "answers 404" in refused(MachineError, tmp_path / "new", download=True)
    server.files["/cifar-10-binary.tar.gz"] = content[:-1] + b"x"
    assert "has SHA-256" in refused(DataError, tmp_path / "new", download=True)
    assert not (tmp_path / "new").exists()


def test_nothing_is_fetched_unasked_or_for_a_trained_network(tmp_path: Path, server: Server) -> None:
    facts = load(tmp_path / "source").facts
    refused(PathError, tmp_path / "new")
    refused(PathError, tmp_path / "new", known=facts, download=True)
    refused(PathError, tmp_path / "new", train=("a.bin",), test=("b.bin",), download=True)
    assert server.asked == []
