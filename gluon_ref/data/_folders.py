"""Folders of images, a class each: which files there are, held compactly, and which are left out."""

from __future__ import annotations

import os
import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..errors import DataError, PathError
from ..inputs import _pixels
from ._survey import NAMED, many

ENDINGS = (b".png", b".jpg", b".jpeg")
# What systems leave behind, beside files and folders whose names begin with a dot.
LITTER = (b"thumbs.db", b"desktop.ini", b"__macosx")


@dataclass(frozen=True)
class Files:
    """Paths of images, as a Source: some twenty bytes each beside their names.

    Args:
        folders: paths of the folders they are in.
        homes: int32 (images,), indices into `folders`.
        names: all names, joined.
        ends: int64 (images,), where each name ends.
    """

    folders: tuple[bytes, ...]
    homes: np.ndarray
    names: bytes
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.homes)

    def path(self, index: int) -> bytes:
        """The path of an image, as bytes: it need not be UTF-8."""
        start = int(self.ends[index - 1]) if index else 0
        name = self.names[start : int(self.ends[index])]
        return self.folders[int(self.homes[index])] + b"/" + name

    def read(self, index: int) -> bytes:
        """The bytes of an image."""
        return _pixels.contents(self.path(index))

    def name(self, index: int) -> str:
        """Its path, printable."""
        return printable(self.path(index))


@dataclass
class Listing:
    """Gathers the images of class folders.

    Args:
        where: the data's path, for messages.
        follow: links may lead out of the folder.
        labels: the label of each image, as an index into the names of `add`'s caller.
        others: files that are no images by their names.
        first: the names of the first of them.
    """

    where: str
    follow: bool = False
    labels: array = field(default_factory=lambda: array("i"))
    others: int = 0
    first: list[str] = field(default_factory=list)
    _folders: list[bytes] = field(default_factory=list)
    _homes: array = field(default_factory=lambda: array("i"))
    _names: bytearray = field(default_factory=bytearray)
    _ends: array = field(default_factory=lambda: array("q"))

    def __len__(self) -> int:
        return len(self.labels)

    def files(self) -> Files:
        """What was gathered."""
        homes, ends = np.array(self._homes, dtype=np.int32), np.array(self._ends, dtype=np.int64)
        return Files(tuple(self._folders), homes, bytes(self._names), ends)

    def look(self, folder: bytes, root: bytes) -> tuple[list[bytes], list[bytes]]:
        """Names of the folders and of the images in a folder, sorted; what is neither is counted.

        Args:
            folder: path of it.
            root: where links must not lead out of, without links itself.
        Raises:
            PathError: when it cannot be read, and for a link that leads out or nowhere.
        """
        folders, images, others = [], [], []
        for entry in entries(folder):
            if entry.is_symlink():
                self._check(entry, root)
            if entry.is_dir():
                folders.append(entry.name)
            elif entry.is_file() and is_image(entry.name):
                images.append(entry.name)
            else:
                others.append(entry.name)
        self.others += len(others)
        self.first += [printable(os.path.join(folder, name)) for name in sorted(others)[: NAMED - len(self.first)]]
        return sorted(folders), sorted(images)

    def add(self, folder: bytes, root: bytes, label: int) -> int:
        """Gather the images of a class, those in folders of its folder too.

        Returns:
            how many there are.
        Raises:
            PathError: as `look`, and for a folder that is reached twice, as by a link to one it is in.
        """
        before, waiting = len(self), [folder]
        seen: set[tuple[int, int]] = set()
        while waiting:
            here = waiting.pop()
            told = _stat(here)
            if (told.st_dev, told.st_ino) in seen:
                raise PathError(
                    printable(here), "a link to a folder of the same class", "each folder once", "remove the link"
                )
            seen.add((told.st_dev, told.st_ino))
            inner, images = self.look(here, root)
            waiting += [os.path.join(here, name) for name in reversed(inner)]
            if images:
                self._folders.append(here)
            for name in images:
                self._names += name
                self._ends.append(len(self._names))
                self._homes.append(len(self._folders) - 1)
                self.labels.append(label)
        return len(self) - before

    def tell(self) -> None:
        """Say on standard error which files are left out."""
        if self.others:
            more = f" and {self.others - len(self.first):,} more" if self.others > len(self.first) else ""
            print(
                f"warning: {self.where}: left out {many(self.others, 'file')} not named .png, .jpg or .jpeg: "
                f"{', '.join(self.first)}{more}",
                file=sys.stderr,
            )

    def _check(self, entry: os.DirEntry[bytes], root: bytes) -> None:
        """Refuse a link that leads nowhere, or out of the folder."""
        if not os.path.exists(entry.path):
            raise PathError(printable(entry.path), "a link that leads nowhere", "a link to a file", "remove or mend it")
        target = os.path.realpath(entry.path)
        if not self.follow and not within(target, root):
            raise PathError(
                printable(entry.path),
                f"a link out of {printable(root)}, to {printable(target)}",
                "links within the folder",
                "pass --set data.follow_links=true if that is meant",
            )


def entries(folder: bytes) -> Iterator[os.DirEntry[bytes]]:
    """What is in a folder, but for hidden files and litter.

    Raises:
        PathError: when it cannot be read.
    """
    try:
        with os.scandir(folder) as found:
            for entry in found:
                if not entry.name.startswith(b".") and entry.name.lower() not in LITTER:
                    yield entry
    except OSError as error:
        raise _unreadable(folder, error) from None


def holds(folder: bytes) -> tuple[list[bytes], list[bytes]]:
    """Names of the folders and of the images in a folder, links not looked at; sorted."""
    found = list(entries(folder))
    folders = sorted(entry.name for entry in found if os.path.isdir(entry.path))
    return folders, sorted(entry.name for entry in found if is_image(entry.name) and entry.name not in folders)


def is_image(name: bytes) -> bool:
    """Whether a file's name ends as an image's."""
    return name.lower().endswith(ENDINGS)


def within(path: bytes, root: bytes) -> bool:
    """Whether a path is a folder or something in it; neither has links."""
    return path == root or path.startswith(root.rstrip(b"/") + b"/")


def printable(path: bytes) -> str:
    """A path or name as text; bytes that are not UTF-8, and control characters, as escapes."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in os.fsdecode(path))


def refuse_empty(where: str, empty: Sequence[str]) -> None:
    """Refuse classes without an image.

    Raises:
        DataError: naming the first.
    """
    if empty:
        more = f" and {len(empty) - NAMED} more" if len(empty) > NAMED else ""
        raise DataError(
            where,
            f"no .png, .jpg or .jpeg for {', '.join(empty[:NAMED])}{more}",
            "images in the folder of each class",
            "add some, or remove the folder",
        )


def _stat(folder: bytes) -> os.stat_result:
    try:
        return os.stat(folder)
    except OSError as error:
        raise _unreadable(folder, error) from None


def _unreadable(folder: bytes, error: OSError) -> PathError:
    return PathError(
        printable(folder), f"cannot be read ({error.strerror})", "a readable folder", "check the path and its rights"
    )
