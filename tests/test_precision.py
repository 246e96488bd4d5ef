from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gluon_ref import precision
from gluon_ref.errors import FitError

# In a process of its own: MXNet cannot go back from bfloat16.
PROGRAM = """
import sys
import numpy as np
from gluon_ref import precision, recipe as recipes, runs
from gluon_ref.backend import mx
from gluon_ref.errors import RequestError
from gluon_ref.training import resume, train
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
