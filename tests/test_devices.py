"""Several devices of one process end like one; with batch norm they differ, by as much as is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref import checkpoints, runs
from gluon_ref import recipe as recipes
from gluon_ref.evaluation import evaluate
from gluon_ref.preparation import prepare
from gluon_ref.training import resume, train

from . import together

SAME = 1e-5
# Each device normalises over its own part of a batch: other gradients, other statistics.
NORMED = [
    *(("model.filters", "4,4,8"), ("model.units", "16"), ("model.dropout", "0"), ("train.batch_size", "64")),
    *(("train.epochs", "2"), ("optimizer.learning_rate", "0.01")),
]


@pytest.mark.parametrize("store", ["local", "device"])
@pytest.mark.parametrize("case", ["mlp sgd", "cnn adam", "lstm sgd", "mlp with every aid"])
def test_four_devices_end_like_one(case: str, store: str, tmp_path: Path) -> None:
    together.write_texts(tmp_path)
    one = together.trained(together.made(case, tmp_path))
    name, changes = together.CASES[case]
    size = [("train.batch_size", str(together.BATCH)), ("train.device", "cpu:4"), ("train.kvstore", store)]
    if name == "lstm":
        size.append(("data.path", str(tmp_path / "texts.csv")))
    prepared = prepare(recipes.read(name).change([*changes, *size]).check())
    four = together.trained(prepared)
    for kind in ("weights", "average"):
        for name, array in one[kind].items():
            np.testing.assert_allclose(four[kind][name], array, rtol=0, atol=SAME, err_msg=name)
    assert four["figures"]["seen"] == one["figures"]["seen"]
    assert four["figures"]["loss"] == pytest.approx(one["figures"]["loss"], rel=1e-4)
    for param in prepared.state.net.collect_params().values():
        arrays = [array.asnumpy() for array in param.list_data()]
        assert all((array == arrays[0]).all() for array in arrays), param.name


def test_with_batch_norm_devices_differ_little_and_are_kept_with_their_mean(tmp_path: Path) -> None:
    figures = []
    for device in ("cpu", "cpu:4"):
        changes = [*NORMED, ("train.device", device)]
        train(recipes.read("cnn").change(changes), tmp_path / device.replace(":", ""))
        figures.append(evaluate(tmp_path / device.replace(":", ""))["accuracy"])
    assert abs(figures[0] - figures[1]) < 0.1
    assert runs.load(tmp_path / "cpu4").state["scores"]["accuracy"] == pytest.approx(figures[1], abs=1e-9)


def test_each_device_s_own_statistics_survive_a_stop_within_an_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipes.read("cnn").change([*NORMED, ("train.device", "cpu:3"), ("train.checkpoint_steps", "5")])
    train(recipe, tmp_path / "whole")

    class Killed(BaseException):
        pass

    saved = checkpoints.save

    def save_then_die(folder: Path, state: Any, best: bool, rows: Any) -> None:
        saved(folder, state, best, rows)
        assert (rows is None) == (not state.batch)
        if state.step == 10:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save", save_then_die)
        with pytest.raises(Killed):
            train(recipe, tmp_path / "stopped")
    assert (tmp_path / "stopped" / runs.STATISTICS).is_file()
    resume(tmp_path / "stopped")
    assert (tmp_path / "whole" / runs.LAST).read_bytes() == (tmp_path / "stopped" / runs.LAST).read_bytes()
