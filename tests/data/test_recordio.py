from __future__ import annotations

import os
import struct
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.data import _records, recordio
from gluon_ref.data._records import MAGIC, scan
from gluon_ref.errors import DataError, FitError, GluonRefError, OptionError, PathError, RequestError
from gluon_ref.inputs import _pixels

from .images import encoded, noise

# Labels of six records, in no order.
LABELS = (1, 0, 0, 1, 1, 0)


def write(path: Path, labels: Sequence[Any] = LABELS, contents: Sequence[bytes] | None = None) -> str:
    """A file as im2rec writes it, by MXNet."""
    file = mx.recordio.MXRecordIO(str(path), "w")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # MXNet's use of numpy
        for number, label in enumerate(labels):
            content = contents[number] if contents else encoded(noise(number))
            file.write(mx.recordio.pack(mx.recordio.IRHeader(0, label, number, 0), content))
    file.close()
    return str(path)


def load(path: str | Path, **options: Any) -> Any:
    return recordio.load(str(path), **options)


def refused(kind: type[GluonRefError], path: str | Path, **options: Any) -> str:
    with pytest.raises(kind) as caught:
        load(path, **options)
    return str(caught.value).replace(str(path), "FILE")


def test_records_are_images_with_labels(tmp_path: Path) -> None:
    data = load(write(tmp_path / "a.rec"), held_out=0.3)
    assert (len(data.train), len(data.held_out)) == (4, 2)
    assert data.facts.labels == ("0", "1")
    assert data.facts.shape == (3, 5, 7)
    for part in (data.train, data.held_out):
        images, targets = part.take(np.arange(len(part)))
        for row, image, target in zip(part.rows, images, targets):
            np.testing.assert_array_equal(image, _pixels.array(noise(int(row))))
            assert target == LABELS[row]
    assert data.train.targets.dtype == np.int32
    images = data.train.take(np.arange(4))[0]
    np.testing.assert_allclose(data.facts.mean, images.mean(axis=(0, 2, 3)), rtol=1e-14)


def test_labels_may_be_named_and_another_file_held_out(tmp_path: Path) -> None:
    test = write(tmp_path / "b.rec", [1, 0, 1], [encoded(noise(at)) for at in (20, 21, 22)])
    data = load(write(tmp_path / "a.rec"), labels=("cat", "dog"), test=test)
    assert (data.facts.labels, len(data.train), len(data.held_out)) == (("cat", "dog"), 6, 3)
    assert data.held_out.targets.tolist() == [1, 0, 1]
    np.testing.assert_array_equal(
        data.held_out.take(np.array([2, 0]))[0], [_pixels.array(noise(22)), _pixels.array(noise(20))]
    )
    assert data.held_out.source.name(7) == f"{test} record 1"


def test_the_classes_are_those_of_the_training_file(tmp_path: Path) -> None:
    test = write(tmp_path / "b.rec", [0, 1])
    assert "one class only, label 0" in refused(FitError, write(tmp_path / "a.rec", [0, 0]), test=test)
    assert f"{test} record 1: label 2;" in refused(
        DataError, write(tmp_path / "a.rec", [0, 1]), test=write(tmp_path / "b.rec", [0, 2])
    )


def test_a_label_may_stand_behind_the_header(tmp_path: Path) -> None:
    path = write(tmp_path / "a.rec", [[label] for label in LABELS])  # a list of one: flag 1
    assert scan((path,))[1].tolist() == list(LABELS)
    assert scan((path,))[0].read(2) == encoded(noise(2))


@pytest.mark.parametrize("shift", range(4))
def test_records_cut_at_magic_numbers_are_joined_as_mxnet_joins_them(tmp_path: Path, shift: int) -> None:
    # At multiples of four bytes the writer cuts; elsewhere, and in the padding's place, it must not matter.
    payloads = [b"x" * shift + MAGIC + b"y" * shift, MAGIC * 3, b"z" * 8 + MAGIC, b"x" * shift, MAGIC + b"!"]
    path = write(tmp_path / "a.rec", [1, 0, 1, 0, 1], payloads)
    reader = mx.recordio.MXRecordIO(path, "r")
    theirs = [mx.recordio.unpack(reader.read())[1] for _ in payloads]
    reader.close()
    records, labels = scan((path,))
    assert [records.read(at) for at in range(5)] == theirs == payloads
    assert labels.tolist() == [1, 0, 1, 0, 1]


def test_a_header_that_holds_the_magic_number_is_joined_too(tmp_path: Path) -> None:
    (number,) = struct.unpack("<Q", MAGIC + MAGIC)
    file = mx.recordio.MXRecordIO(str(tmp_path / "a.rec"), "w")
    file.write(mx.recordio.pack(mx.recordio.IRHeader(0, 7.0, number, number), b"image"))
    file.close()
    records, labels = scan((str(tmp_path / "a.rec"),))
    assert (records.read(0), labels.tolist()) == (b"image", [7])


def part(mark: int, payload: bytes) -> bytes:
    return MAGIC + struct.pack("<I", mark << 29 | len(payload)) + payload + b"\0" * (-len(payload) % 4)


GOOD = part(0, struct.pack("<IfQQ", 0, 1.0, 0, 0) + b"image")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "FILE: no record; expected a RecordIO file as im2rec writes it; make it again"),
        (b"label,text\n", "FILE record 0: 6c 61 62 65 at 0, where it should start; expected 0a 23 d7 ce; make the fi"),
        (GOOD + b"\0\0\0", "FILE record 1: 3 bytes at 40, where a record should start; expected 8 at least"),
        (GOOD + b"\0" * 40, "FILE record 1: 00 00 00 00 at 40, where it should start; expected 0a 23 d7 ce"),
        (GOOD + GOOD[:-1], "FILE record 1: truncated: 29 bytes from 48 on in a file of 79; expected a whole record"),
        (GOOD + MAGIC + b"\xff\xff\xff\x1f", "FILE record 1: truncated: 536870911 bytes from 48 on in a file of 48"),
        (GOOD + part(2, b""), "FILE record 1: a later part of a record without its first, at 40; expected all parts"),
        (part(1, b"x") + GOOD, "FILE record 0: a record that goes on in no other part, at 12; expected all parts"),
        (part(1, b"x"), "FILE record 0: 0 bytes at 12, where a record should start; expected 8 at least"),
        (part(5, b"x"), "FILE record 0: a later part of a record without its first"),
        (part(0, b"x" * 23), "FILE record 0: 23 bytes; expected 24 and an image after them; make the file again"),
        (part(0, struct.pack("<IfQQ", 1, 0, 0, 0)), "FILE record 0: 24 bytes; expected 28 and an image after them"),
    ],
)
def test_a_file_that_is_damaged_is_refused_by_the_record(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.rec").write_bytes(content)
    assert refused(DataError, tmp_path / "a.rec").startswith(message)


def test_a_file_with_flipped_bytes_is_data_or_our_own_error(tmp_path: Path) -> None:
    random = np.random.RandomState(0)
    whole = np.frombuffer(Path(write(tmp_path / "a.rec")).read_bytes(), dtype=np.uint8)
    for _ in range(200):
        content = whole[: random.randint(1, len(whole) + 1)].copy()
        content[random.randint(0, len(content), 2)] = random.randint(0, 256, 2)
        (tmp_path / "b.rec").write_bytes(content.tobytes())
        try:
            data = load(tmp_path / "b.rec", held_out=0.5)
            data.train.take(np.arange(len(data.train)))
        except GluonRefError as error:
            assert str(tmp_path / "b.rec") in str(error)


@pytest.mark.parametrize("label", [0.5, -1.0, float("nan"), float("inf"), 2.0**24])
def test_labels_that_are_no_whole_numbers_are_refused(tmp_path: Path, label: float) -> None:
    message = refused(DataError, write(tmp_path / "a.rec", [0, 1, label]))
    assert message.startswith(f"FILE record 2: label {label:g}; expected whole numbers from 0; number the classes in")


def test_several_labels_are_refused(tmp_path: Path) -> None:
    message = refused(FitError, write(tmp_path / "a.rec", [0, [1, 2, 3]]))
    assert message == "FILE record 1: 3 labels; expected one label a record; make the file with one label each"


@pytest.mark.parametrize(
    ("labels", "options", "kind", "message"),
    [
        ((0, 0), {}, FitError, "FILE: one class only, label 0; expected at least two labels; add another class"),
        ((0, 2), {}, DataError, "FILE: labels up to 2 but no record with label 1; expected labels 0, 1 and so on"),
        ((0, 99999), {}, DataError, "FILE: labels up to 99999 but no record with label 1;"),
        ((0, 2), {"labels": ("a", "b")}, DataError, "FILE record 1: label 2; expected labels 0 to 1, the classes"),
        ((0, 1) * 2, {"labels": ("a", "b", "c")}, DataError, "FILE: no image to train on for c; expected images of"),
        ((0, 1), {"labels": ("a", "a")}, FitError, "option data.labels: a twice; expected a name for each class"),
    ],
)
def test_labels_that_are_no_classes_are_refused(
    tmp_path: Path, labels: Sequence[int], options: dict[str, Any], kind: type[GluonRefError], message: str
) -> None:
    assert refused(kind, write(tmp_path / "a.rec", labels), **options).startswith(message)


def test_a_file_must_be_named_and_be_there(tmp_path: Path) -> None:
    with pytest.raises(
        RequestError, match=r"data recordio: no file; expected a .rec file as im2rec writes it; pass --"
    ):
        recordio.load("")
    assert refused(PathError, tmp_path / "none").startswith("FILE: cannot be read (No such file or directory); expec")
    assert refused(PathError, tmp_path).startswith("FILE: cannot be read (not a regular file); expected a Rec")
    os.mkfifo(tmp_path / "pipe")  # opening it would hang
    assert refused(PathError, tmp_path / "pipe").startswith("FILE: cannot be read (not a regular file)")
    assert "held_out=0.0" in refused(OptionError, tmp_path, held_out=0.0)
    assert "depth=9" in refused(OptionError, tmp_path, depth=9)


def test_odd_images_are_named_by_their_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contents = [encoded(noise(at)) for at in range(6)]
    contents[2] = b"text"
    path = write(tmp_path / "a.rec", contents=contents)
    assert "FILE: 1 of 6 images damaged: FILE record 2 (not an image); expected whole" in refused(DataError, path)
    assert len(load(path, skip_corrupt=True, held_out=0.3).train) == 3
    assert "1 of 6 images damaged" in capsys.readouterr().err
    contents[2] = encoded(noise(2, 6, 7))
    assert "FILE record 0 is 5x7, FILE record 2 is 6x7" in refused(
        FitError, write(tmp_path / "a.rec", LABELS, contents)
    )


def test_all_records_are_held_out_for_a_trained_network(tmp_path: Path) -> None:
    facts = load(write(tmp_path / "a.rec"), labels=("cat", "dog")).facts
    other = write(tmp_path / "b.rec", [1, 1])
    data = load(other, known=facts, test=str(tmp_path / "gone.rec"))
    assert (data.facts, len(data.train), len(data.held_out)) == (facts, 0, 2)
    with pytest.raises(DataError, match=r"record 1: label 2; expected labels 0 to 1, the classes there are; leave the"):
        load(write(tmp_path / "c.rec", [0, 2]), known=facts)


@pytest.mark.parametrize("change", ["gone", "shorter", "other"])
def test_a_file_that_changes_after_loading_is_named(tmp_path: Path, change: str) -> None:
    path = Path(write(tmp_path / "a.rec"))
    data = load(path)
    content = path.read_bytes()
    path.unlink()
    if change != "gone":
        path.write_bytes(content[:50] if change == "shorter" else content[::-1])
    with pytest.raises(DataError) as caught:
        data.train.take(np.arange(len(data.train)))
    assert str(caught.value).startswith(f"{path} record ")
    assert "the image that was there" in str(caught.value)


def test_a_huge_record_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.rec", [0, 1, 1, 0], [encoded(noise(at)) for at in range(3)] + [b"x" * 999])
    monkeypatch.setattr(_pixels, "LARGEST_FILE", 900)
    assert "1 image that cannot be taken as they are: FILE record 3 (1,032 bytes)" in refused(DataError, path)


def test_what_is_held_of_a_record_is_sixteen_bytes(tmp_path: Path) -> None:
    records, _ = scan((write(tmp_path / "a.rec"),))
    assert records.starts.itemsize + records.ends.itemsize == 16
    assert _records.HEAD == 28
