"""569 tumours, malignant or benign, by thirty measures of cell nuclei.

The table comes with scikit-learn. One row in five is held out, stratified, always the same.
"""

from __future__ import annotations

from sklearn.datasets import load_breast_cancer

from ..records import Data
from ._scikit import no_path, table

CHECKSUM = "098829dcdd4d2399db5aeca2c464161e2e92d312fe06d12dd988607c2af67a1d"


def load(path: str, *, held_out: float = 0.2) -> Data:
    """The table, as float32 rows in raw units.

    Args:
        path: empty; the table comes with scikit-learn.
        held_out: share of the rows held out, in (0, 1).
    Source: W. Wolberg and others, Breast Cancer Wisconsin (Diagnostic), UCI, 1993, https://doi.org/10.24432/C5DW2B
    """
    no_path("breast_cancer", path)
    return table("breast_cancer", load_breast_cancer(), "label", CHECKSUM, held_out)
