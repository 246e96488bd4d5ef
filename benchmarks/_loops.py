"""The nets of benchmarks/training.py in loops in Gluon by hand: `python benchmarks/_loops.py KIND NET BATCH`.

KIND is gluon, or gluon-set with this package's settings in place of MXNet's own. `python benchmarks/_loops.py peak none
SIZE` multiplies matrices. Both answer as _turns.py says.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import _synthetic
from benchmarks._training import NETS, RATE, memory
from benchmarks._turns import answer_requests

# What gluon_ref/backend.py sets, as it is in MXNet; with GLIBC_TUNABLES it leaves memory to glibc.
MXNETS_OWN = {"MXNET_CPU_PARALLEL_SIZE": "200000", "GLIBC_TUNABLES": ""}
LOOK = 50  # steps between two looks at the loss: what train.log_steps is by default


def resident(net: str) -> tuple[list[Any], Any]:
    """Samples as arrays on the device, pixels standardized once and for all: the first is the network's input."""
    from gluon_ref.backend import mx

    kind, samples, _ = NETS[net]
    inputs, targets = _synthetic.arrays(kind, samples)
    if kind == "image":
        inputs = (inputs.astype(np.float32) - 127.5) / 73.9
    arrays = [mx.nd.array(inputs, dtype=inputs.dtype)]
    if kind == "text":
        arrays.append(mx.nd.full((samples,), inputs.shape[1], dtype="int32"))
    return arrays, mx.nd.array(targets, dtype="int32")


def gluon_net(net: str, options: dict[str, Any]) -> Any:
    """The network as one writes it in Gluon."""
    from gluon_ref.backend import mx

    nn, body = mx.gluon.nn, mx.gluon.nn.HybridSequential()
    if net == "lstm":
        return _gluon_lstm(mx, options)
    for width in options.get("filters", ()):
        body.add(nn.Conv2D(width, 3, padding=1, use_bias=False), nn.BatchNorm(), nn.Activation("relu"), nn.MaxPool2D(2))
    body.add(nn.Flatten())
    units = options["units"]
    for width in units if isinstance(units, tuple) else (units,):
        if options["dropout"] and "filters" in options:
            body.add(nn.Dropout(options["dropout"]))
        body.add(nn.Dense(width, activation="relu"))
        if options["dropout"]:
            body.add(nn.Dropout(options["dropout"]))
    body.add(nn.Dense(10))
    return body


def _gluon_lstm(mx: Any, options: dict[str, Any]) -> Any:
    class Net(mx.gluon.HybridBlock):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = mx.gluon.nn.Embedding(_synthetic.VOCAB, options["embedding"])
            self.lstm = mx.gluon.rnn.LSTM(options["units"], input_size=options["embedding"])
            self.dropout, self.head = mx.gluon.nn.Dropout(options["dropout"]), mx.gluon.nn.Dense(10)

        def hybrid_forward(self, F: Any, tokens: Any, length: Any) -> Any:
            states = self.lstm(self.embedding(F.swapaxes(tokens, 0, 1)))  # (time, batch, units)
            masked = F.SequenceMask(states, length, use_sequence_length=True, value=-1e9)
            return self.head(self.dropout(F.max(masked, axis=0)))  # (batch, 10)

    return Net()


class Loop:
    """A loop in Gluon as one writes it well by hand: hybridized, arrays on the device, no hooks.

    Args:
        net: the network.
        arrays: its inputs, of all samples.
        targets: of all samples.
        batch: samples of a step.
    """

    def __init__(self, net: Any, arrays: list[Any], targets: Any, batch: int) -> None:
        from gluon_ref.backend import mx

        self.mx, self.net, self.arrays, self.targets, self.batch = mx, net, arrays, targets, batch
        net.initialize(mx.init.Xavier())
        net.hybridize(static_alloc=True)
        self.loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()
        self.loss.hybridize(static_alloc=True)
        self.trainer = mx.gluon.Trainer(net.collect_params(), "adam", {"learning_rate": RATE})

    def epoch(self) -> Iterator[Any]:
        """The steps of an epoch in a new order, and the sum of the losses after each."""
        mx, total = self.mx, 0
        order = mx.nd.array(np.random.permutation(len(self.targets)), dtype="int32")
        for first in range(0, len(order), self.batch):
            chosen = order[first : first + self.batch]
            inputs = [mx.nd.take(array, chosen) for array in self.arrays]
            targets = mx.nd.take(self.targets, chosen)
            with mx.autograd.record():
                losses = self.loss(self.net(*inputs), targets)
            losses.backward()
            self.trainer.step(len(chosen))
            total = total + losses.sum()
            yield total

    def answers(self, arrays: list[Any], batch: int) -> Iterator[np.ndarray]:
        """Scores of arrays, batch by batch."""
        for first in range(0, len(arrays[0]), batch):
            yield self.net(*(array[first : first + batch] for array in arrays)).asnumpy()


def gluon(net: str, batch: int) -> None:
    """Serve such a loop."""
    from gluon_ref.backend import mx

    arrays, targets = resident(net)
    loop = Loop(gluon_net(net, NETS[net][2]), arrays, targets, batch)
    steps_on = itertools.chain.from_iterable(loop.epoch() for _ in itertools.count())
    held = [array[: _synthetic.HELD_OUT] for array in arrays]
    answers_on = itertools.chain.from_iterable(loop.answers(held, batch) for _ in itertools.count())

    def train(steps: int) -> None:
        for step, total in enumerate(itertools.islice(steps_on, steps), 1):
            if step % LOOK == 0:
                total.asscalar()

    def infer(steps: int) -> None:
        for _ in itertools.islice(answers_on, steps):
            pass

    answer_requests({"train": train, "infer": infer, "memory": memory}, mx.nd.waitall)


def peak(size: int) -> None:
    """Serve products of two matrices of that size."""
    from gluon_ref.backend import mx

    left, right = (mx.nd.random.normal(shape=(size, size)) for _ in range(2))
    out = mx.nd.zeros((size, size))

    def work(steps: int) -> None:
        for _ in range(steps):
            mx.nd.dot(left, right, out=out)

    answer_requests({"peak": work}, mx.nd.waitall)


if __name__ == "__main__":
    if sys.argv[1] == "peak":
        peak(int(sys.argv[3]))
    else:
        if sys.argv[1] == "gluon":
            os.environ.update(MXNETS_OWN)
        gluon(sys.argv[2], int(sys.argv[3]))
