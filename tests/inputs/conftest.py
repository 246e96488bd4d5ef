"""The random numbers that made-up inputs are drawn with."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def random() -> np.random.RandomState:
    """The same numbers in each test."""
    return np.random.RandomState(0)
