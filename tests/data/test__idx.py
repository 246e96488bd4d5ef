from __future__ import annotations

import gzip
import hashlib
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from gluon_ref.data._idx import folder, read
from gluon_ref.downloading import Remote
from gluon_ref.errors import DataError, FitError, GluonRefError, OptionError, PathError, RequestError
from tests.servers import Server, serving

from .idx import idx, write

LABELS = tuple("abcde")


def test_an_idx_file_is_read_gzipped_or_not(tmp_path: Path) -> None:
    array = np.arange(30, dtype=np.uint8).reshape(5, 2, 3)
    (tmp_path / "a").write_bytes(idx(array))
    (tmp_path / "a.gz").write_bytes(gzip.compress(idx(array), mtime=0))
    for name in ("a", "a.gz"):
        np.testing.assert_array_equal(read(tmp_path / name, 3), array)


def test_a_folder_of_four_files_is_images_with_labels(tmp_path: Path) -> None:
    data = folder("mnist", str(write(tmp_path)), LABELS, ())
    assert data.train.inputs.shape == (5, 1, 2, 7)
    assert data.held_out.inputs.shape == (3, 1, 2, 7)
    assert data.train.targets.tolist() == [0, 1, 2, 3, 4]
    assert data.train.inputs[4, 0].tolist() == [list(range(56, 63)), list(range(63, 70))]
    assert data.train.targets.dtype == np.int32
    facts = data.facts
    assert (facts.takes, facts.target, facts.shape, facts.labels) == ("image", "label", (1, 2, 7), LABELS)
    assert facts.mean == (34.5,)
    assert facts.std == (np.arange(70).std(),)


GOOD = idx(np.zeros((5, 2, 7), dtype=np.uint8))
NOISE = gzip.compress(idx(np.random.RandomState(0).randint(0, 256, (5, 2, 7)).astype(np.uint8)), mtime=0)
BAD_FILES = [
    ("a", b"", "starts with nothing; expected an idx file of bytes with 3 axes (00 00 08 03); fetch the file again"),
    ("a", b"\0\0\x0d\3" + GOOD[4:], "starts with 00 00 0d 03; expected an idx file of bytes with 3 axes"),
    ("a", idx(np.zeros(70, dtype=np.uint8)), "starts with 00 00 08 01; expected an idx file of bytes with 3 axes"),
    ("a", GOOD[:10], "starts with 00 00 08 03; expected an idx file"),
    ("a", GOOD[:-1], "69 bytes after the header; expected 70, as its header says (5x2x7), above 0; fetch the file"),
    ("a", GOOD + b"\0", "more than 70 bytes after the header; expected 70, as its header says (5x2x7)"),
    ("a", GOOD + bytes(999), "more than 70 bytes after the header; expected 70, as its header says (5x2x7)"),
    ("a", idx(np.zeros((0, 2, 7), dtype=np.uint8)), "0 bytes after the header; expected 0, as its header says (0x2x7)"),
    (
        "a",
        b"\0\0\x08\3" + b"\xff" * 12,
        "4294967295x4294967295x4294967295 bytes; expected 4,294,967,296 at most; fetch",
    ),
    ("a.gz", GOOD, "not a whole gzip file ("),
    ("a.gz", gzip.compress(GOOD, mtime=0)[:-9], "not a whole gzip file ("),
    ("a.gz", NOISE[:10] + b"\xff" + NOISE[11:], "expected an idx file, gzipped; fetch the file again"),
    ("a.gz", NOISE[:-8] + bytes(4) + NOISE[-4:], "not a whole gzip file (CRC check failed"),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD_FILES)
def test_a_file_that_is_not_what_its_header_says_is_refused(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(tmp_path / name, 3)
    assert str(caught.value).startswith(f"{tmp_path / name}: ")
    assert message in str(caught.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PathError, match=r"none: cannot be read \(No such file.*; expected a readable file; check the"):
        read(tmp_path / "none", 3)


def test_a_folder_must_be_named_and_be_there(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"data mnist: no folder; expected the folder with train-images-idx3-ubyte"):
        folder("mnist", "", LABELS, ())
    message = (
        r"none is no folder; expected the folder with the four idx files; check the path, or have them fetched: --s"
    )
    with pytest.raises(PathError, match=message):
        folder("mnist", str(tmp_path / "none"), LABELS, ())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (write(tmp_path) / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(
        PathError, match=r"holds no t10k-labels-idx1-ubyte and no t10k-labels-idx1-ubyte.gz; .* data.do"
    ):
        folder("mnist", str(tmp_path), LABELS, ())


@pytest.mark.parametrize(
    ("name", "array", "kind", "message"),
    [
        ("labels-idx1", np.zeros(2), DataError, "3 images in t10k-images-idx3-ubyte and 2 labels in t10k-labels"),
        ("labels-idx1", np.array([0, 1, 5]), DataError, "t10k-labels-idx1-ubyte: label 5; expected labels 0 to 4"),
        (
            "images-idx3",
            np.zeros((3, 7, 2)),
            FitError,
            "training images (2, 7) and held-out images (7, 2); expected one",
        ),
    ],
)
def test_files_that_do_not_belong_together_are_refused(
    tmp_path: Path, name: str, array: np.ndarray, kind: type[GluonRefError], message: str
) -> None:
    (write(tmp_path) / f"t10k-{name}-ubyte").write_bytes(idx(array.astype(np.uint8)))
    with pytest.raises(kind) as caught:
        folder("mnist", str(tmp_path), LABELS, ())
    assert message in str(caught.value)


def published(server: Server, folder_: Path) -> tuple[Remote, ...]:
    """The four files of a folder, gzipped, as a server has them."""
    remotes = []
    for path in sorted(write(folder_).iterdir()):
        content = path.read_bytes() if path.suffix else gzip.compress(path.read_bytes(), mtime=0)
        name = f"/{path.name.removesuffix('.gz')}.gz"
        server.files[name] = content
        remotes.append(Remote(server.address + name, hashlib.sha256(content).hexdigest(), len(content)))
    return tuple(remotes)


def test_missing_files_are_fetched_when_that_is_asked(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    new = tmp_path / "new"
    with serving({}) as server:
        files = published(server, tmp_path / "there")
        data = folder("mnist", str(new), LABELS, files, download=True, timeout_s=30.0)
        assert (len(data.train), len(data.held_out)) == (5, 3)
        assert len(server.asked) == 4
        (new / "t10k-labels-idx1-ubyte.gz").unlink()
        (new / "t10k-images-idx3-ubyte.gz").unlink()
        (new / "t10k-images-idx3-ubyte").write_bytes((tmp_path / "there" / "t10k-images-idx3-ubyte").read_bytes())
        server.asked.clear()
        folder("mnist", str(new), LABELS, files, download=True, timeout_s=30.0)
        assert server.asked == ["/t10k-labels-idx1-ubyte.gz"]
    folder("mnist", str(new), LABELS, files, download=True, timeout_s=30.0)  # needs no server any more


def test_nothing_is_fetched_unasked(tmp_path: Path) -> None:
    with serving({}) as server:
        (tmp_path / "there").mkdir()
        files = published(server, tmp_path / "there")
        with pytest.raises(PathError):
            folder("mnist", str(tmp_path / "new"), LABELS, files)
        assert server.asked == []


def test_a_time_limit_must_be_above_0(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"data mnist: download_timeout_s=0.0; expected above 0; pass --set data.do"):
        folder("mnist", str(tmp_path), LABELS, (), download=True, timeout_s=0.0)


def test_a_small_file_cannot_take_much_memory(tmp_path: Path) -> None:
    """One claims a gigabyte that it has not, one holds 64 megabytes that it does not claim."""
    claims = b"\0\0\x08\3" + np.array([2**10, 2**10, 2**10], dtype=">u4").tobytes()
    files = {"claims": claims, "claims.gz": gzip.compress(claims), "holds.gz": gzip.compress(GOOD + bytes(2**26))}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        tracemalloc.start()
        try:
            with pytest.raises(DataError, match=r"bytes after the header"):
                read(tmp_path / name, 3)
            assert tracemalloc.get_traced_memory()[1] < 2**23
        finally:
            tracemalloc.stop()
