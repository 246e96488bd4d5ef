"""Augmentation of whole batches of training images, in NumPy: crop, flip, colour jitter, cut-out, mixup."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from .errors import FitError, require
from .records import Facts

# (inputs, targets, random) -> the same, altered; inputs leave as float32 where they were mixed or recoloured.
Pair = tuple[np.ndarray, np.ndarray]
Arrange = Callable[[np.ndarray, np.ndarray, np.random.RandomState], Pair]
# Weights of red, green and blue in the grey that contrast and saturation are relative to: ITU-R BT.601.
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """What is done to each batch of the training part; the held-out part stays as it is.

    Args:
        crop: share of the image's side by which a random window may leave it, the border mirrored, in [0, 0.5].
        flip: mirror every other image, left to right; auto for where the data says that this changes no label.
        brightness: largest change of brightness as a share, in [0, 1].
        contrast: largest change of contrast as a share, in [0, 1].
        saturation: largest change of saturation as a share, in [0, 1]; colour images only.
        cutout: side of a square that is blanked at a random place, as a share of the image's, in [0, 1]; 0 for none.
        mixup: alpha of the Beta distribution by which pairs of samples are mixed, targets too; 0 for none.
    """

    crop: float = 0.0
    flip: bool | Literal["auto"] = False
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    cutout: float = 0.0
    mixup: float = 0.0

    def check(self) -> None:
        """Refuse values out of range.

        Raises:
            OptionError: naming the first.
        """
        require(0 <= self.crop <= 0.5, "augment", "crop", self.crop, "a share from 0 to 0.5", 0.125)
        for name in ("brightness", "contrast", "saturation", "cutout"):
            value = getattr(self, name)
            require(0 <= value <= 1, "augment", name, value, "a share from 0 to 1", 0.2)
        require(self.mixup >= 0, "augment", "mixup", self.mixup, "0 or more", 0.2)


def arrange(asked: Augmentation, facts: Facts) -> Arrange | None:
    """What is done to a batch of samples with these facts; None where nothing is asked.

    Args:
        asked: checked.
        facts: of the data.
    Raises:
        FitError: when the data cannot be augmented so.
    Source: cut-out is DeVries and Taylor, 2017, https://arxiv.org/abs/1708.04552; mixup is Zhang et al., 2017,
        https://arxiv.org/abs/1710.09412, here with a share of its own for each pair.
    """
    wanted = [name for name, value in asdict(asked).items() if value and value != "auto"]
    flips = asked.flip is True or (asked.flip == "auto" and facts.mirror)
    if not wanted and not flips:
        return None
    if (facts.takes != "image" and wanted != ["mixup"]) or facts.takes == "text":
        raise FitError(
            f"augment {', '.join(wanted)}",
            f"samples are {facts.takes}",
            "images, or rows for mixup" if facts.takes == "vector" else "images",
            f"pass --set augment.{wanted[0]}={'false' if wanted[0] == 'flip' else 0}",
        )
    if asked.saturation and facts.shape[0] != len(LUMA):
        raise FitError(
            "augment",
            f"saturation={asked.saturation} for {facts.shape[0]} channel",
            "colour images, of 3 channels",
            "pass --set augment.saturation=0",
        )
    side = min(facts.shape[1:], default=0)
    margin = int(asked.crop * side)

    def altered(inputs: np.ndarray, targets: np.ndarray, random: np.random.RandomState) -> Pair:
        if margin:
            inputs = crop(inputs, margin, random)
        if flips:
            inputs = flip(inputs, random)
        if asked.brightness or asked.contrast or asked.saturation:
            inputs = jitter(inputs, asked.brightness, asked.contrast, asked.saturation, random)
        if asked.cutout:
            inputs = cutout(inputs, round(asked.cutout * side), facts.mean, random)
        return mixup(inputs, targets, asked.mixup, len(facts.labels), random) if asked.mixup else (inputs, targets)

    return altered


def crop(images: np.ndarray, margin: int, random: np.random.RandomState) -> np.ndarray:
    """Each image's window moved by up to `margin` pixels; same shape and type."""
    batch, _, height, width = images.shape
    padded = np.pad(images, ((0, 0), (0, 0), (margin, margin), (margin, margin)), mode="reflect")
    view: Callable[..., np.ndarray] = np.lib.stride_tricks.sliding_window_view
    windows = view(padded, (height, width), axis=(2, 3))
    top, left = random.randint(0, 2 * margin + 1, (2, batch))
    moved: np.ndarray = windows[np.arange(batch), :, top, left]  # (batch, channel, height, width)
    return moved


def flip(images: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """Every other image mirrored left to right, by chance; same shape and type."""
    chosen = random.uniform(size=len(images)) < 0.5
    flipped: np.ndarray = np.where(chosen[:, None, None, None], images[..., ::-1], images)
    return flipped


def jitter(
    images: np.ndarray, brightness: float, contrast: float, saturation: float, random: np.random.RandomState
) -> np.ndarray:
    """Each image's brightness, contrast and saturation changed by up to that share: float32, 0 to 255."""
    largest = np.array([brightness, contrast, saturation], dtype=np.float32).reshape(3, 1, 1, 1, 1)
    shares = 1 + largest * random.uniform(-1, 1, (3, len(images), 1, 1, 1)).astype(np.float32)
    changed = images.astype(np.float32) * shares[0]
    colour = images.shape[1] == len(LUMA)
    grey = np.einsum("bchw,c->bhw", changed, LUMA)[:, None] if colour else changed  # (batch, 1, height, width)
    middle = grey.mean(axis=(2, 3), keepdims=True)  # (batch, 1, 1, 1)
    if colour:
        changed = grey + (changed - grey) * shares[2]
    recoloured: np.ndarray = np.clip(middle + (changed - middle) * shares[1], 0, 255)
    return recoloured


def cutout(images: np.ndarray, side: int, fill: tuple[float, ...], random: np.random.RandomState) -> np.ndarray:
    """A square around a random pixel of each image set to the training part's mean; what lies outside is cut off."""
    batch, _, height, width = images.shape
    row = np.arange(height) - random.randint(0, height, (batch, 1)) + side // 2  # (batch, height), 0 at the hole's top
    column = np.arange(width) - random.randint(0, width, (batch, 1)) + side // 2
    rows, columns = (row >= 0) & (row < side), (column >= 0) & (column < side)
    hole = rows[:, None, :, None] & columns[:, None, None, :]  # (batch, 1, height, width)
    colour = np.asarray(fill).astype(images.dtype).reshape(1, -1, 1, 1)
    blanked: np.ndarray = np.where(hole, colour, images)
    return blanked


def mixup(inputs: np.ndarray, targets: np.ndarray, alpha: float, labels: int, random: np.random.RandomState) -> Pair:
    """Each sample mixed with another of the batch.

    Returns:
        inputs: float32, same shape.
        targets: float32 (batch, labels) shares, or (batch,) values where `labels` is 0.
    """
    share = random.beta(alpha, alpha, len(inputs)).astype(np.float32)
    partner = random.permutation(len(inputs))
    if labels:
        targets = np.eye(labels, dtype=np.float32)[targets]
    return _blend(inputs, partner, share), _blend(targets, partner, share)


def _blend(array: np.ndarray, partner: np.ndarray, share: np.ndarray) -> np.ndarray:
    array = array.astype(np.float32)
    own = share.reshape(-1, *(1,) * (array.ndim - 1))
    mixed: np.ndarray = own * array + (1 - own) * array[partner]
    return mixed
