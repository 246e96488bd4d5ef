"""Tests of gluon_ref.conversion.folding: what is told of values before a network is run."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.conversion import folding

F = mx.sym
DATA, LENGTH = F.var("data"), F.var("length")
ZEROS = F.zeros((1, 0, 2))
STATES = F.RNN(DATA, F.var("weights"), ZEROS, ZEROS, mode="lstm", state_size=2, num_layers=1)
MASK = {"use_sequence_length": True}


def asked(symbol: Any) -> bool:
    graph = json.loads(symbol.tojson())
    nodes = [{"attrs": {}, **node} for node in graph["nodes"]]
    return folding.states(nodes, graph["heads"][0])


@pytest.mark.parametrize(
    "symbol",
    [
        STATES,
        F.SequenceMask(STATES, LENGTH, **MASK),
        F.SequenceMask(F.Dropout(STATES), LENGTH, value=-1e9, **MASK),
        F.concat(STATES, F.SequenceReverse(STATES, LENGTH, **MASK), dim=2),
        F.swapaxes(F.expand_dims(STATES, axis=0), 0, 1),
    ],
)
def test_states_that_are_moved_and_masked_are_states(symbol: Any) -> None:
    assert asked(symbol)


@pytest.mark.parametrize(
    "symbol",
    [
        DATA,
        F.relu(STATES),
        STATES + STATES,
        F.concat(STATES, DATA, dim=2),
        F.SequenceMask(STATES, LENGTH, value=-np.inf, **MASK),
        F.Dropout(F.SequenceMask(STATES, LENGTH, value=-np.inf, **MASK)),
    ],
)
def test_what_may_be_anything_is_not(symbol: Any) -> None:
    assert not asked(symbol)


def test_a_graph_that_joins_a_value_with_itself_again_and_again_is_walked_once() -> None:
    value = STATES
    for _ in range(200):
        value = F.concat(value, value, dim=2)
    assert asked(value)
