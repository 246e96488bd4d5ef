from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gluon_ref import precision
from gluon_ref.backend import mx
from gluon_ref.errors import FitError

# In a process of its own: MXNet cannot go back from bfloat16.
PROGRAM = """
import sys
import numpy as np
from gluon_ref import precision, recipe as recipes, runs
from gluon_ref.backend import mx
from gluon_ref.errors import RequestError
from gluon_ref.training import resume, train

def graph_of_a_convolution(mx):
    import json
    net = mx.gluon.nn.Conv2D(2, 3, in_channels=1)
    return [node["op"] for node in json.loads(net(mx.sym.var("data")).tojson())["nodes"]]

folder = sys.argv[1]
changes = [("train.precision", "bfloat16"), ("train.epochs", 1), ("data.held_out", 0.8), ("model.filters", "4")]
changes += [("train.checkpoint_steps", 1)]
recipe = recipes.read("cnn").change(changes)
run = train(recipe, folder)
weights = mx.nd.load(str(run.file(runs.LAST)))
assert all(array.dtype == np.float32 for array in weights.values())
data = mx.nd.ones((2, 3), dtype="float32")
dense = mx.nd.FullyConnected(data, data, no_bias=True, num_hidden=2)
assert dense.dtype != np.float32, "not in bfloat16"
graph = graph_of_a_convolution(mx)
assert graph.count("Concat") == 2, graph  # images of one channel, and their weights
assert run.state["scores"]["cross_entropy"] < 3
try:
    train(recipes.read("cnn"), folder + "-32")
except RequestError as error:
    assert "precision=float32 after a training in bfloat16" in str(error)
else:
    raise AssertionError("float32 was not refused")
try:
    precision.use("float16", "gpu:0")
except RequestError as error:
    assert "precision=float16 after a training in bfloat16" in str(error)
else:
    raise AssertionError("float16 was not refused")
"""


def test_a_training_in_bfloat16_keeps_weights_in_float32_and_the_process_in_bfloat16(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, str(tmp_path / "run")],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("flags", "fast"), [("fpu avx512_bf16 sse", True), ("amx_bf16", True), ("avx512f", False)])
def test_a_processor_is_fast_by_its_instructions(monkeypatch: pytest.MonkeyPatch, flags: str, fast: bool) -> None:
    monkeypatch.setattr(precision, "instructions", lambda: set(flags.split()))
    assert precision.fast() == fast


@pytest.mark.parametrize(("name", "device"), [("float16", "cpu"), ("float16", "cpu:2"), ("bfloat16", "gpu:0,1")])
def test_a_device_without_such_arithmetic_is_refused(name: str, device: str) -> None:
    with pytest.raises(FitError, match=f"precision={name} on device={device}; expected float16 on GPUs"):
        precision.use(name, device)


def test_float32_needs_nothing() -> None:
    precision.use("float32")


FLAGS = {"avx512_bf16", "amx_bf16", "amx_tile"}


def machine(monkeypatch: pytest.MonkeyPatch, flags: set[str], refused: int = 0) -> list[tuple[int, ...]]:
    """A processor with these flags, on a system that answers so; returns what it was asked."""
    asked: list[tuple[int, ...]] = []

    def syscall(*words: int) -> int:
        asked.append(words)
        return refused

    monkeypatch.setattr(precision, "instructions", lambda: flags)
    monkeypatch.setattr(precision.ctypes, "CDLL", lambda name: SimpleNamespace(syscall=syscall))
    monkeypatch.delenv(precision.ISA, raising=False)
    return asked


def test_onednn_is_told_of_amx_for_as_long_as_it_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, heard = machine(monkeypatch, FLAGS), []
    first = mx.nd.FullyConnected
    monkeypatch.setattr(
        mx.nd, "FullyConnected", lambda *a, **k: heard.append(os.environ.get(precision.ISA)) or first(*a, **k)
    )
    assert precision.tiles()
    assert asked == [(158, 0x1023, 18)]
    assert heard == ["AVX512_CORE_AMX"]
    assert precision.ISA not in os.environ


def test_onednn_is_told_nothing_where_linux_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = machine(monkeypatch, FLAGS, refused=-1)
    assert not precision.tiles()
    assert asked
    assert precision.ISA not in os.environ


def test_linux_is_not_asked_for_what_the_processor_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = machine(monkeypatch, {"avx512_bf16"})
    assert not precision.tiles()
    assert not asked


def test_instructions_that_a_person_chose_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = machine(monkeypatch, FLAGS)
    monkeypatch.setenv(precision.ISA, "AVX2")
    assert not precision.tiles()
    assert not asked
    assert os.environ[precision.ISA] == "AVX2"


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_convolution_over_zeros_besides_answers_and_learns_alike(channels: int, bias: bool) -> None:
    data = mx.nd.random.normal(shape=(2, channels, 6, 5))
    arrays = [
        data,
        mx.nd.random.normal(shape=(4, channels, 3, 3)),
        *([mx.nd.random.normal(shape=(4,))] if bias else []),
    ]
    options: dict[str, Any] = {"kernel": (3, 3), "stride": (2, 1), "num_filter": 4, "no_bias": not bias}
    found = []
    for convolution in (mx.nd.Convolution, precision._even(mx.nd, mx.nd.Convolution)):
        for one in arrays:
            one.attach_grad()
        with mx.autograd.record():
            answer = convolution(*arrays, **options)
        answer.backward(mx.nd.arange(answer.size).reshape(answer.shape))
        found.append([answer.asnumpy(), *(one.grad.asnumpy() for one in arrays)])
    for one, other in zip(*found):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("channels", "groups", "widened"), [(1, 1, 2), (3, 1, 2), (2, 1, 0), (4, 1, 0), (3, 3, 0)])
def test_only_odd_channels_that_are_known_are_widened(channels: int, groups: int, widened: int) -> None:
    even = precision._even(mx.sym, mx.sym.Convolution)
    options: dict[str, Any] = {"kernel": (3, 3), "num_filter": 6, "num_group": groups, "no_bias": True}
    weight = mx.sym.var("weight", shape=(6, channels // groups, 3, 3))

    def joined(symbol: Any) -> int:
        return sum('"Concat"' in line for line in symbol.tojson().splitlines())

    assert joined(even(mx.sym.var("data"), weight, **options)) == widened
    assert joined(even(mx.sym.var("data"), mx.sym.var("weight"), **options)) == 0
    assert joined(even(mx.sym.var("data"), mx.sym.var("weight", shape=(6, 0, 3, 3)), **options)) == 0
    assert joined(even(mx.sym.var("data"), **options)) == 0


def test_a_network_for_use_in_bfloat16_answers_nearly_alike() -> None:
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Conv2D(4, 3, in_channels=1), mx.gluon.nn.BatchNorm(in_channels=4), mx.gluon.nn.Dense(3))
    net.initialize(mx.init.Xavier())
    data = mx.nd.random.normal(shape=(2, 1, 8, 8))
    plain = mx.sym.Convolution
    wanted = net(data).asnumpy()
    low = precision.lowered(net, lambda one: one(data).wait_to_read())
    assert mx.sym.Convolution is plain
    np.testing.assert_allclose(low(data).astype("float32").asnumpy(), wanted, atol=0.05)
