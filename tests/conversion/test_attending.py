from __future__ import annotations

from gluon_ref.backend import mx
from gluon_ref.records import Field

from .agreement import disagreement


def test_attention_between_two_sequences_of_any_length_and_batch() -> None:
    queries, both = mx.sym.var("queries"), mx.sym.var("both")
    fields = [Field("queries", (-1, 6)), Field("both", (-1, 12))]
    scores = mx.sym.contrib.interleaved_matmul_encdec_qk(queries, both, heads=3)
    means = mx.sym.contrib.interleaved_matmul_encdec_valatt(both, mx.sym.softmax(scores), heads=3)
    assert disagreement(mx.sym.Group([scores, means]), fields) < 1e-6
