"""Which inputs are whole numbers, whatever type they are said to have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref import graphs
from gluon_ref.backend import mx
from gluon_ref.exports.counting import counting
from gluon_ref.exports.strangers import of_files

from .files import write

X, N = mx.sym.var("x"), mx.sym.var("n")
STATES = [mx.sym.var(name) for name in ("parameters", "state", "cell")]
CASES = [
    (mx.sym.Embedding(N, input_dim=5, output_dim=2), {"n"}),
    (mx.sym.take(X, mx.sym.expand_dims(mx.sym.Cast(N, dtype="int32"), axis=0)), {"n"}),
    (mx.sym.SequenceMask(X, mx.sym.Reshape(mx.sym.stack(N, N), shape=(-1,)), use_sequence_length=True), {"n"}),
    (mx.sym.softmax(X, length=N, use_length=True), {"n"}),
    (
        mx.sym.RNN(X, *STATES, sequence_length=N, use_sequence_length=True, mode="lstm", state_size=2, num_layers=1),
        {"n"},
    ),
    (mx.sym.RNN(X, *STATES, mode="lstm", state_size=2, num_layers=1), set()),
    (mx.sym.SequenceMask(X), set()),
    (mx.sym.take(X, mx.sym.relu(N)), set()),
]


@pytest.mark.parametrize(("symbol", "expected"), CASES)
def test_rows_and_lengths_are_found_behind_what_passes_them_on(symbol: Any, expected: set[str]) -> None:
    found = counting(graphs.parse("it", symbol.tojson()))
    assert found - {"embedding0_weight"} == expected


def test_lengths_of_float32_are_made_up_as_lengths(tmp_path: Path) -> None:
    """As GluonNLP's BERT has them: at a length below 0 MXNet writes before its array, and the process breaks."""
    symbol = mx.sym.SequenceMask(X, N, use_sequence_length=True, axis=1, value=-1)
    files = write(symbol, tmp_path, x=(2, 5, 3), n=(2,))
    subject = of_files(*files, {"x": (1, -1, 3), "n": (1,)}, {}, None)
    assert subject.source.inputs[1].dtype == "float32"
    for case in subject.cases:
        lengths = case.groups[0][1]
        assert set(lengths) <= {1, 2, 3}, case.name
        np.testing.assert_array_equal(
            (case.expected[0][0] == -1).all(axis=2).sum(axis=1), len(case.groups[0][0][0]) - lengths
        )
