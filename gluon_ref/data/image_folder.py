"""Your own images: a folder with a folder per class; PNG or JPEG, read as they are needed.

    DIR/cat/001.jpg           DIR/train/cat/001.jpg
    DIR/cat/002.png           DIR/train/dog/001.jpg
    DIR/dog/001.jpg           DIR/test/cat/002.jpg

    gluonref train cnn --data image_folder:DIR --set data.size=64,64

On the left, one image in five of each class is held out, always the same ones. On the right, train/ is trained on and
the other held out: test/, val/, valid/ or held_out/, the first of these that is there. Both must hold folders and no
images of their own; other names are given by --set data.train=NAME and --set data.test=NAME.

All images are read once at the start, so that every damaged one is named before anything is trained; that takes about
two seconds for 10,000 small ones. What is then held of an image is some forty bytes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Literal

import numpy as np

from ..errors import DataError, FitError, PathError, RequestError, require
from ..records import Data, Facts
from . import _images
from ._folders import Listing, holds, printable, refuse_empty, within
from ._survey import Look, many

TRAIN = b"train"
HELD_OUT = (b"test", b"val", b"valid", b"held_out")


def load(
    path: str,
    known: Facts | None = None,
    *,
    size: tuple[int, ...] = (),
    channels: int = 0,
    background: Literal["refuse", "white", "black"] = "refuse",
    depth: int = 8,
    skip_corrupt: bool = False,
    follow_links: bool = False,
    train: str = "",
    test: str = "",
    held_out: float = 0.2,
) -> Data:
    """Images as uint8 (channel, height, width), labelled by their folders.

    Args:
        path: the folder.
        known: of the images a network was trained on: then all images are held out, with its labels, size and
            channels.
        size: height,width to resize to, bilinear; where it is empty, all images must have one size.
        channels: 1 for grey, 3 for colour, or 0 for 1 if every image is grey, else 3.
        background: what is put behind transparent pixels; refuse names the images that have any.
        depth: 16 takes images of 16 bits per channel by their upper eight; 8 refuses them.
        skip_corrupt: leave out damaged images, if at least half are whole; a warning counts and names them.
        follow_links: symbolic links may lead out of the folder.
        train: folder of the training part, within the folder or absolute.
        test: folder of the held-out part, likewise.
        held_out: share of each class held out where there is no folder of a held-out part, in (0, 1).
    Raises:
        OptionError, PathError, DataError, FitError: for an option, a folder or an image that is not as described.
    """
    require(0 < held_out < 1, "data image_folder", "held_out", held_out, "a share above 0 and below 1", 0.2)
    look = Look(size, channels, background, depth, skip_corrupt)
    look.check("data image_folder")
    root = _root(path)
    listing = Listing(printable(root), follow_links)
    first, second = _parts(listing, root, *_kept(root, train, test, bool(known)))
    found = [_classes(listing, root, part, second) for part in (first, second) if part]
    names = known.labels if known else _names(listing.where, found[0])
    apart = _gather(listing, root, found, names)
    listing.tell()
    return _images.data(
        listing.where,
        listing.files(),
        np.array(listing.labels, dtype=np.int32),
        names,
        look,
        apart=apart if second else None,
        share=held_out,
        known=known,
    )


def _root(path: str) -> bytes:
    if not path:
        raise RequestError(
            "data image_folder", "no folder", "the folder with a folder per class", "pass --data image_folder:DIR"
        )
    root = os.fsencode(path)
    if not os.path.isdir(root):
        given = "is no folder" if os.path.exists(root) else "does not exist"
        raise PathError("data image_folder", f"{printable(root)} {given}", "a folder of images", "check the path")
    return root


def _kept(root: bytes, train: str, test: str, elsewhere: bool) -> tuple[str, str]:
    """The options train and test; of other data than was trained on, only where it has such folders."""
    if not elsewhere:
        return train, test
    here = [one if not os.path.isabs(one) and os.path.isdir(_join(root, one)) else "" for one in (train, test)]
    return here[0], here[1]


def _parts(listing: Listing, root: bytes, train: str, test: str) -> tuple[bytes, bytes | None]:
    """Folders of the training and the held-out part; None for a held-out part that is to be split off."""
    for option, name in (("train", train), ("test", test)):
        if name and not os.path.isdir(_join(root, name)):
            told = printable(_join(root, name))
            raise PathError(f"option data.{option}", f"{told} is no folder", "a folder of class folders", "check it")
    second = _join(root, test) if test else None
    if train:
        return _join(root, train), second
    folders, _ = holds(root)
    others = [name for name in HELD_OUT if name in folders]
    if TRAIN not in folders or not (second or others):
        return root, second
    first, second = os.path.join(root, TRAIN), second or os.path.join(root, others[0])
    for part in (first, second):
        inner, loose = holds(part)
        if loose or not inner:
            raise FitError(
                printable(part),
                f"images outside of class folders, {printable(loose[0])} first" if loose else "no class folders",
                "a folder per class and no other images, since both a training and a held-out part are here",
                "move them, or name the parts: --set data.train=NAME --set data.test=NAME",
            )
    listing.look(root, os.path.realpath(root))
    unread = [printable(name) for name in folders if os.path.join(root, name) not in (first, second)]
    if unread:
        told = f"{printable(first)} is trained on and {printable(second)} held out; not read: {', '.join(unread)}"
        print(f"warning: {listing.where}: {told}", file=sys.stderr)
    return first, second


def _join(root: bytes, name: str) -> bytes:
    return os.path.join(root, os.fsencode(name))


def _home(root: bytes, part: bytes) -> bytes:
    """What links must not lead out of: the folder, or a part that was named outside of it."""
    whole, own = os.path.realpath(root), os.path.realpath(part)
    return whole if within(own, whole) else own


def _classes(listing: Listing, root: bytes, part: bytes, other: bytes | None) -> dict[str, bytes]:
    """Class -> its folder, in a part that may hold the other part too."""
    folders, images = listing.look(part, _home(root, part))
    if images:
        raise DataError(
            printable(part),
            f"{many(len(images), 'image')} outside of class folders, {printable(images[0])} first",
            "a folder per class with its images in it",
            "move or remove them",
        )
    left_out = os.path.realpath(other) if other and other != part else b""
    found = {printable(name): os.path.join(part, name) for name in folders}
    found = {name: path for name, path in found.items() if os.path.realpath(path) != left_out}
    if not found:
        raise DataError(printable(part), "no image and no class folder", "a folder per class", "check the path")
    return found


def _names(where: str, found: dict[str, bytes]) -> tuple[str, ...]:
    """The classes of the training part, sorted."""
    if len(found) == 1:
        [(name, folder)] = found.items()
        inner = holds(folder)[0]
        raise FitError(
            where,
            f"one class only, {name}",
            "at least two class folders",
            f"name the folder they are in: --data image_folder:{printable(folder)}" if inner else "add another class",
        )
    return tuple(_images.ordered(found))


def _gather(listing: Listing, root: bytes, found: Sequence[dict[str, bytes]], names: tuple[str, ...]) -> np.ndarray:
    """Gather all images.

    Returns:
        bool (images,), those of the second part.
    """
    index = {name: at for at, name in enumerate(names)}
    strange = sorted({name for part in found for name in part} - set(names))
    if strange:
        raise DataError(
            listing.where,
            f"a folder {strange[0]}" + (f" and {len(strange) - 1} more" if len(strange) > 1 else ""),
            f"classes of the training part: {', '.join(names[:20])}{' ...' if len(names) > 20 else ''}",
            "rename or remove it, or train with such images",
        )
    empty, begins = [], []
    for part in found:
        begins.append(len(listing))
        home = _home(root, os.path.dirname(next(iter(part.values()))))
        for name in sorted(part, key=index.__getitem__):
            if not listing.add(part[name], home, index[name]):
                empty.append(printable(part[name]))
    refuse_empty(listing.where, empty)
    return np.arange(len(listing)) >= begins[-1]
