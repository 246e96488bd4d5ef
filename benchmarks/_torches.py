"""The nets of benchmarks/training.py by PyTorch, as `python benchmarks/_torches.py WAY NET BATCH`.

WAY is torch (eager, fused Adam), torch-channels-last (the same with that layout of images), torch-compiled
(torch.compile) or peak (products of matrices). It answers as _turns.py says.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import _synthetic
from benchmarks._training import NETS, RATE, memory
from benchmarks._turns import answer_requests


def standardized(kind: str, inputs: np.ndarray, mean: float = 127.5, std: float = 73.9) -> torch.Tensor:
    """Samples as a tensor, pixels standardized once and for all."""
    if kind == "text":
        return torch.from_numpy(inputs.astype(np.int64))
    return torch.from_numpy(inputs.astype(np.float32) if kind == "vector" else (inputs.astype(np.float32) - mean) / std)


def build(net: str, options: dict[str, Any]) -> nn.Module:
    """The network."""
    if net == "lstm":
        return Lstm(options)
    filters = options.get("filters", ())
    layers: list[nn.Module] = []
    for before, width in zip((1, *filters), filters):
        layers += [nn.Conv2d(before, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        layers.append(nn.MaxPool2d(2))
    layers.append(nn.Flatten())
    units = options["units"] if isinstance(options["units"], tuple) else (options["units"],)
    for before, width in zip((filters[-1] * 9 if filters else 784, *units), units):
        if options["dropout"] and filters:
            layers.append(nn.Dropout(options["dropout"]))
        layers += [nn.Linear(before, width), nn.ReLU()]
        if options["dropout"]:
            layers.append(nn.Dropout(options["dropout"]))
    return nn.Sequential(*layers, nn.Linear(units[-1], 10))


class Lstm(nn.Module):
    """Embedding, LSTM, largest state of the real steps, scores."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        self.embedding = nn.Embedding(_synthetic.VOCAB, options["embedding"])
        self.lstm = nn.LSTM(options["embedding"], options["units"], batch_first=True)
        self.dropout, self.head = nn.Dropout(options["dropout"]), nn.Linear(options["units"], 10)

    def forward(self, tokens: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
        """Tokens to scores."""
        states = self.lstm(self.embedding(tokens))[0]  # (batch, time, units)
        padded = torch.arange(tokens.shape[1]) >= length[:, None]
        return self.head(self.dropout(states.masked_fill(padded[:, :, None], -1e9).amax(dim=1)))


class Loop:
    """A loop as one writes it well by hand: tensors in memory, the loss summed on the device.

    Args:
        net: the network.
        arrays: its inputs, of all samples.
        targets: of all samples.
        batch: samples of a step.
        way: as above.
    """

    def __init__(self, net: nn.Module, arrays: list[torch.Tensor], targets: torch.Tensor, batch: int, way: str) -> None:
        if way == "torch-channels-last":
            net = net.to(memory_format=torch.channels_last)
            arrays = [array.contiguous(memory_format=torch.channels_last) for array in arrays]
        self.net = torch.compile(net) if way == "torch-compiled" else net
        self.arrays, self.targets, self.batch = arrays, targets, batch
        self.loss = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(net.parameters(), lr=RATE, fused=True)

    def epoch(self) -> Iterator[torch.Tensor]:
        """The steps of an epoch in a new order, and the sum of the losses after each."""
        self.net.train()
        total = torch.zeros(())
        for chosen in torch.randperm(len(self.targets)).split(self.batch):
            inputs = [array.index_select(0, chosen) for array in self.arrays]
            targets = self.targets.index_select(0, chosen)
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.loss(self.net(*inputs), targets)
            loss.backward()
            self.optimizer.step()
            total += loss.detach() * len(chosen)
            yield total

    def answers(self, arrays: list[torch.Tensor], batch: int) -> Iterator[np.ndarray]:
        """Scores of arrays, batch by batch."""
        self.net.eval()
        with torch.inference_mode():
            for start in range(0, len(arrays[0]), batch):
                yield self.net(*(array[start : start + batch] for array in arrays)).numpy()


def serve(way: str, net: str, batch: int) -> None:
    """Answer requests."""
    kind, samples, options = NETS[net]
    inputs, targets = _synthetic.arrays(kind, samples)
    arrays = [standardized(kind, inputs)]
    if kind == "text":
        arrays.append(torch.full((samples,), inputs.shape[1]))
    loop = Loop(build(net, options), arrays, torch.from_numpy(targets.astype(np.int64)), batch, way)
    held = [array[: _synthetic.HELD_OUT] for array in loop.arrays]
    steps_on = itertools.chain.from_iterable(loop.epoch() for _ in itertools.count())

    def train(steps: int) -> None:
        loop.net.train()
        for _ in itertools.islice(steps_on, steps):
            pass

    def infer(steps: int) -> None:
        for _ in itertools.islice(
            itertools.chain.from_iterable(loop.answers(held, batch) for _ in itertools.count()), steps
        ):
            pass

    answer_requests({"train": train, "infer": infer, "memory": memory})


def peak(size: int) -> None:
    """Serve products of two matrices of that size."""
    left, right, out = (torch.randn(size, size) for _ in range(3))

    def work(steps: int) -> None:
        for _ in range(steps):
            torch.mm(left, right, out=out)

    answer_requests({"peak": work})


if __name__ == "__main__":
    WAY, NET, BATCH = sys.argv[1], sys.argv[2], int(sys.argv[3])
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    if WAY == "peak":
        peak(BATCH)
    else:
        serve(WAY, NET, BATCH)
