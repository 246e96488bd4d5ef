"""CIFAR-10: photographs, 32x32 colour, 10 classes, 50,000 for training and 10,000 held out; binary files in a folder.

The folder, or a folder cifar-10-batches-bin in it, holds the files of the binary version:

    DIR/data_batch_1.bin ... DIR/data_batch_5.bin    records of 3,073 bytes: label, 1,024 red, green and blue pixels
    DIR/test_batch.bin                               likewise, held out
    DIR/batches.meta.txt                             names of the classes, if it is there

    gluonref train cnn --data cifar10:DIR --set data.download=true

fetches them. Other files of such records are named: --set data.train=A.bin,B.bin --set data.test=C.bin
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..downloading import Remote, fetch, unpack
from ..errors import DataError, FitError, PathError, RequestError, require
from ..records import Data, Facts
from ._images import moments

SHAPE = (3, 32, 32)
RECORD = 1 + 3 * 32 * 32
LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
FOLDER = "cifar-10-batches-bin"
META = "batches.meta.txt"
TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST = ("test_batch.bin",)
# Of any file in the archive: each holds 10,000 records.
LARGEST_BYTES = 10_000 * RECORD
ARCHIVE = Remote(
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    170_052_171,
)
# Records that are read at one time when the data is loaded.
CHUNK = 1000


@dataclass(frozen=True)
class BinarySamples:
    """Records of several files, read when they are taken.

    Args:
        paths: of the files.
        begins: int64 (files,), number of each file's first record.
        labels: int32 (samples,).
        checksums: uint32 (samples,), CRC-32 of each record.
    """

    paths: tuple[str, ...]
    begins: np.ndarray
    labels: np.ndarray
    checksums: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Images and labels of the samples at `indices`, in that order: uint8 (batch, 3, 32, 32).

        Raises:
            DataError: for a file that is gone or changed since the data was loaded.
        """
        indices = np.arange(len(self))[indices]
        pixels = np.empty((len(indices), *SHAPE), dtype=np.uint8)
        homes = np.searchsorted(self.begins, indices, side="right") - 1
        for home in np.unique(homes).tolist():
            places = np.flatnonzero(homes == home)
            for place, record in zip(places, self._records(home, indices[places])):
                pixels[place] = np.frombuffer(record, dtype=np.uint8, offset=1).reshape(SHAPE)
        return pixels, self.labels[indices]

    @property
    def targets(self) -> np.ndarray:
        """int32 (samples,), the labels."""
        return self.labels

    @property
    def lengths(self) -> None:
        """None: images are all alike."""
        return None

    def _records(self, home: int, indices: np.ndarray) -> list[bytes]:
        path, first = self.paths[home], int(self.begins[home])
        try:
            with open(path, "rb", buffering=0) as file:
                found = [os.pread(file.fileno(), RECORD, RECORD * (index - first)) for index in indices.tolist()]
        except OSError as error:
            raise self._changed(path, f"cannot be read any more ({error.strerror})") from None
        for index, record in zip(indices.tolist(), found):
            if zlib.crc32(record) != self.checksums[index]:
                raise self._changed(path, f"record {index - first} changed since the data was loaded")
        return found

    def _changed(self, path: str, given: str) -> DataError:
        return DataError(path, given, "the file that was there", "put it back, or start again")


def load(
    path: str,
    known: Facts | None = None,
    *,
    train: tuple[str, ...] = (),
    test: tuple[str, ...] = (),
    download: bool = False,
    download_timeout_s: float = 1800.0,
) -> Data:
    """Images as uint8 (3, 32, 32) with ten labels.

    Args:
        path: the folder.
        known: of the images a network was trained on: then only held-out files are read, and nothing is fetched.
        train: files of the training part, within the folder; empty for data_batch_1.bin to data_batch_5.bin.
        test: files of the held-out part; empty for test_batch.bin.
        download: fetch the archive, 170 MB, if a file is missing, and unpack it into the folder, which is made.
        download_timeout_s: most that it may take, above 0.
    Raises:
        OptionError, PathError, DataError, FitError: for files that are missing, unreadable or not as described.
        MachineError: for an archive that cannot be fetched.
    Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009,
        https://www.cs.toronto.edu/~kriz/cifar.html
    """
    require(download_timeout_s > 0, "data cifar10", "download_timeout_s", download_timeout_s, "above 0", 1800)
    if not path:
        raise RequestError("data cifar10", "no folder", f"the folder with {TRAIN[0]}", "pass --data cifar10:DIR")
    if download and not known and not (train and test):
        _fetch(Path(path), download_timeout_s)
    folder = _folder(Path(path), (*(train or TRAIN), *(test or TEST)))
    names = _names(folder / META)
    if known:
        # Options that came with the run name its own files.
        here = test if all((folder / one).is_file() for one in test) else ()
        samples, _ = _read([folder / one for one in here or TEST])
        none = replace(samples, labels=samples.labels[:0])
        return Data(Facts("image", "label", SHAPE, labels=names), none, samples)
    twice = set(train or TRAIN) & set(test or TEST)
    if twice:
        raise FitError("data cifar10", f"{min(twice)} to train on and held out", "files of one part", "name others")
    samples, sums = _read([folder / one for one in train or TRAIN])
    mean, std = moments(sums, len(samples) * 32 * 32)
    facts = Facts("image", "label", SHAPE, labels=names, mean=mean, std=std, mirror=True)
    return Data(facts, samples, _read([folder / one for one in test or TEST])[0])


def _fetch(path: Path, timeout_s: float) -> None:
    """Fetch and unpack what is missing of the published files."""
    wanted = (*TRAIN, *TEST, META)
    if any(all((folder / name).is_file() for name in wanted) for folder in (path, path / FOLDER)):
        return
    archive = path / os.path.basename(ARCHIVE.url)
    fetched = fetch(ARCHIVE, archive, timeout_s)
    missing = [name for name in wanted if not (path / FOLDER / name).is_file()]
    unpack(archive, {f"{FOLDER}/{name}": path / FOLDER / name for name in missing}, LARGEST_BYTES)
    if fetched:
        archive.unlink()


def _folder(path: Path, files: Sequence[str]) -> Path:
    """The folder of the files: the one that is named, or the archive's own in it where that one lacks any."""
    if not path.is_dir():
        raise PathError(
            "data cifar10",
            f"{path} is no folder",
            f"the folder with {TRAIN[0]}",
            "check the path, or have the files fetched: --set data.download=true",
        )
    inner = path / FOLDER
    return inner if inner.is_dir() and not all((path / name).is_file() for name in files) else path


def _names(path: Path) -> tuple[str, ...]:
    """Names of the classes: those of a file, or the published ones where there is none."""
    if not path.is_file():
        return LABELS
    try:
        names = tuple(line.strip() for line in path.read_text(encoding="utf-8").rstrip().split("\n"))
    except UnicodeDecodeError:
        names = ()
    except OSError as error:
        raise PathError(str(path), f"cannot be read ({error.strerror})", "a readable file", "check it") from None
    if len(set(names)) != len(LABELS) or len(names) != len(LABELS) or not all(names):
        raise DataError(
            str(path), f"{len(names)} lines of text", "ten different names, one a line", "mend it, or take it away"
        )
    return names


def _read(paths: Sequence[Path]) -> tuple[BinarySamples, np.ndarray]:
    """The records of files, and int64 (2, 3), sums of their pixels and of the squares per channel.

    Raises:
        PathError: for a file that is missing or cannot be read.
        DataError: for one that does not hold such records.
    """
    labels, checksums, begins = [], [], []
    count, counts = 0, np.zeros((3, 256), dtype=np.int64)
    for path in paths:
        begins.append(count)
        try:
            if not path.is_file():  # a pipe would be waited for
                raise FileNotFoundError
            with open(path, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                _check_size(path, size)
                while content := file.read(RECORD * CHUNK):
                    records = np.frombuffer(content[: len(content) // RECORD * RECORD], np.uint8).reshape(-1, RECORD)
                    _check_labels(path, records[:, 0], count - begins[-1])
                    labels.append(records[:, 0].astype(np.int32))
                    checksums += [zlib.crc32(record) for record in records]
                    for channel, pixels in enumerate(records[:, 1:].reshape(-1, 3, 1024).transpose(1, 0, 2)):
                        counts[channel] += np.bincount(pixels.ravel(), minlength=256)
                    count += len(records)
            if (count - begins[-1]) * RECORD != size:
                raise DataError(str(path), "changed while it was read", f"{size:,} bytes", "start again")
        except FileNotFoundError:
            raise PathError(
                "data cifar10",
                f"no file {path}",
                "files of the binary version",
                "name others with --set data.train=FILE and data.test=FILE, or pass --set data.download=true",
            ) from None
        except OSError as error:
            raise PathError(str(path), f"cannot be read ({error.strerror})", "a readable file", "check it") from None
    levels = np.arange(256, dtype=np.int64)
    samples = BinarySamples(
        tuple(map(str, paths)),
        np.array(begins, dtype=np.int64),
        np.concatenate(labels),
        np.array(checksums, dtype=np.uint32),
    )
    return samples, np.stack([counts @ levels, counts @ levels**2])


def _check_size(path: Path, size: int) -> None:
    if not size or size % RECORD:
        raise DataError(
            str(path), f"{size:,} bytes", f"a multiple of {RECORD:,} bytes, above 0", "fetch the file again"
        )


def _check_labels(path: Path, labels: np.ndarray, before: int) -> None:
    for at in np.flatnonzero(labels >= len(LABELS))[:1].tolist():
        raise DataError(str(path), f"label {labels[at]} in record {before + at}", "labels 0 to 9", "check the file")
