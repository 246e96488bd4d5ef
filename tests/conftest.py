"""Fixtures that several tests share: seeds, small facts, and one trained run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gluon_ref import recipe as recipes
from gluon_ref.backend import mx
from gluon_ref.records import Facts
from gluon_ref.training import train

IMAGE = Facts("image", "label", (1, 8, 9), labels=("a", "b", "c"), mean=(3.0,), std=(2.0,))
VECTOR = Facts("vector", "label", (5,), labels=("a", "b", "c"), columns=tuple("vwxyz"), mean=(1.0,) * 5, std=(2.0,) * 5)
VALUE = Facts(
    "vector", "value", (5,), columns=tuple("vwxyz"), mean=(1.0,) * 5, std=(2.0,) * 5, target_mean=7.0, target_std=3.0
)
TEXT = Facts("text", "label", (-1,), labels=("a", "b", "c"), vocab=("<pad>", "<unk>", *"abcdefg"), split="character")
# Quick to train: a run of a fifth of a second.
SMALL = [
    ("model.units", "16"),
    ("model.dropout", "0"),
    ("train.epochs", "2"),
    ("data.name", "iris"),
    ("train.batch_size", "16"),
]


@pytest.fixture(autouse=True)
def seed() -> None:
    """The same random numbers in each test."""
    mx.random.seed(0)
    np.random.seed(0)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small finished run, mlp on iris; tests must not change it."""
    folder = tmp_path_factory.mktemp("runs") / "iris"
    train(recipes.read("mlp").change(SMALL), folder)
    return folder
