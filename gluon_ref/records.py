"""The records that travel between the rooms: small, frozen, and free of MXNet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class Field:
    """One array at the network's border.

    Args:
        name: of the array.
        shape: the batch axis left out, -1 where an axis varies.
        dtype: of its elements.
        batch: the only size of axis 0 that the network takes; 0 for any.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    batch: int = 0

    def sized(self, batch: int, steps: int) -> tuple[int, ...]:
        """The shape of an array: with a batch where that is free, and `steps` for each axis that varies."""
        return (self.batch or batch, *(steps if size == -1 else size for size in self.shape))


@dataclass(frozen=True)
class Facts:
    """What the data knows about itself; nobody types it.

    Args:
        takes: input form, a name in inputs/ ("vector", "image", "text").
        target: what a sample carries beside its input ("label", "value").
        shape: shape of one input; (features,), (channel, height, width), or (-1,) for text.
        labels: names of the classes, in score order; empty for values.
        vocab: tokens in index order for text; index 0 is padding, 1 is unknown.
        columns: a table's columns but for the target, in input order.
        categories: per column, the values it has in the training part; empty for a column of numbers.
        gaps: columns of numbers that have missing values in the file of the training part.
        column: name of a table's target; empty where it has none.
        counts: samples of each label in the training part; empty for values.
        mean: of the training inputs, per feature or per channel.
        std: likewise; 1 where a feature never varies.
        target_mean: of the training values; 0 for labels.
        target_std: likewise; 1 for labels.
        split: how a text becomes tokens ("character", "marked", "word"); empty for other inputs.
        length: tokens kept of a text, 0 for all.
        mirror: an image mirrored left to right keeps its target.
    """

    takes: str
    target: str
    shape: tuple[int, ...]
    labels: tuple[str, ...] = ()
    vocab: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    categories: tuple[tuple[str, ...], ...] = ()
    gaps: tuple[str, ...] = ()
    column: str = ""
    counts: tuple[int, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    target_mean: float = 0.0
    target_std: float = 1.0
    split: str = ""
    length: int = 0
    mirror: bool = False

    @property
    def outputs(self) -> int:
        """Width of the network's last layer: a score per label, or one value."""
        return len(self.labels) if self.target == "label" else 1


class Samples(Protocol):
    """A set of samples that hands out whole batches; it need not hold them in memory."""

    def __len__(self) -> int: ...

    def take(self, indices: np.ndarray) -> tuple[Any, np.ndarray]:
        """Inputs and targets of the samples at `indices`, in that order."""

    @property
    def targets(self) -> np.ndarray:
        """int32 (samples,) labels or float32 (samples,) values of all samples."""

    @property
    def lengths(self) -> np.ndarray | None:
        """int (samples,), steps of each input where they vary; None where all are alike."""


@dataclass(frozen=True)
class Data:
    """A data set: its facts, and the two fixed parts."""

    facts: Facts
    train: Samples
    held_out: Samples


@dataclass(frozen=True)
class Batch:
    """Arrays for one step; axis 0 is the batch, always.

    Args:
        inputs: of the network.
        targets: of the samples.
        size: samples that the update counts; of all workers, where these are some worker's part.
    """

    inputs: tuple[Any, ...]
    targets: Any
    size: int


@dataclass(frozen=True)
class Objective:
    """One thing to minimise: `loss(net, batch)` gives float32 (batch,); `params` picks what it may change."""

    name: str
    loss: Callable[[Any, Batch], Any]
    params: str = ".*"


@dataclass(frozen=True)
class Task:
    """What a network is trained for, as a record of functions, so that each can be tested alone.

    Args:
        reads: target kinds it can learn from.
        needs: the outputs it expects of a model (a model's GIVES).
        objectives: what to minimise; one, but for adversarial tasks.
        measure: (outputs, targets) -> additive sums as numpy arrays; float32 in, float64 out.
        metrics: sums of the whole part -> figures by name.
        decode: outputs of a batch -> one answer per sample.
        watch: the metric that decides which weights are best, and "max" or "min".
    """

    reads: tuple[str, ...]
    needs: str
    objectives: tuple[Objective, ...]
    measure: Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]]
    metrics: Callable[[Mapping[str, np.ndarray]], dict[str, Any]]
    decode: Callable[[np.ndarray], list[dict[str, Any]]]
    watch: tuple[str, str]


@dataclass
class State:
    """What changes while a run goes on; the hooks read it and may set `stop`.

    Args:
        net: the network.
        trainers: one per objective.
        epoch: the epoch that goes on or has just ended; 0 before the first.
        batch: batches of the epoch that are done; 0 when it has ended.
        step: updates done.
        seen: samples seen.
        epoch_seen: samples of the epoch seen.
        rate: learning rate of the last update.
        losses: mean losses of the epoch so far; reading one waits for the device.
        sums: the sums of the losses at the checkpoint that the epoch goes on from.
        recent: (step, losses summed over its samples) of the latest updates, not yet computed.
        norm: of the last update's gradient, not yet computed; None where nobody asked for it.
        average: running average of the weights, or None.
        scores: figures of the held-out part.
        best: the best of the watched figure so far.
        best_epoch: where it was reached.
        best_scores: all figures of that epoch.
        stop: whether to end after this epoch.
        scale: what the loss is multiplied by in float16, or None.
        total: samples of a batch over all workers.
        cuts: of the epoch under way, (batches, their total) of those that had another total, in order.
    """

    net: Any
    trainers: Sequence[Any]
    epoch: int = 0
    batch: int = 0
    step: int = 0
    seen: int = 0
    epoch_seen: int = 0
    rate: float = 0.0
    losses: dict[str, float] = field(default_factory=dict)
    sums: dict[str, float] = field(default_factory=dict)
    recent: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    norm: Any = None
    average: Any = None
    scale: Any = None
    scores: dict[str, Any] = field(default_factory=dict)
    best: float | None = None
    best_epoch: int = 0
    best_scores: dict[str, Any] = field(default_factory=dict)
    stop: bool = False
    total: int = 0
    cuts: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Source:
    """A network to be exported.

    Args:
        symbol: its graph, an MXNet Symbol whose inputs are called as `inputs` are.
        arrays: argument -> NDArray on the CPU, parameters and auxiliary states together.
        inputs: declared inputs, in order; the graph may do without some.
        outputs: its results, in order.
        structure: argument -> name by the network's structure, such as "features.0.weight"; the same name where the
            structure is not known.
        classes: whether the first output is logits of classes.
        about: what to tell of it inside an artefact: task, recipe, labels, versions ...
        calibration: inputs as the network sees them in training, to find ranges by; empty where there are none.
        probes: two pairs of sizes that it can take, of the batch and of axes that vary; to tell what varies with them.
    """

    symbol: Any
    arrays: Mapping[str, Any]
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]
    structure: Mapping[str, str]
    classes: bool = False
    about: Mapping[str, str] = field(default_factory=dict)
    calibration: Sequence[tuple[np.ndarray, ...]] = ()
    probes: tuple[tuple[int, int], tuple[int, int]] = ((2, 8), (3, 12))

    @property
    def batch(self) -> int:
        """The only number of samples that it takes; 0 for any."""
        return self.inputs[0].batch


@dataclass(frozen=True)
class Artefact:
    """An opened run or export: `answer(*arrays)` gives its outputs as numpy arrays.

    Args:
        path: its folder.
        format: "run", or the exporter's name.
        answer: arrays in the order of `inputs` -> outputs in the order of `outputs`.
        facts: of the data it was trained on; None for a model of anyone's.
        recipe: it was trained by; None likewise.
        inputs: its declared inputs.
        outputs: names of its results.
    """

    path: str
    format: str
    answer: Callable[..., tuple[np.ndarray, ...]]
    facts: Facts | None
    recipe: Any
    inputs: tuple[Field, ...] = ()
    outputs: tuple[str, ...] = ()
