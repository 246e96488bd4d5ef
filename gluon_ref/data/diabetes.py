"""442 patients by ten measures; the value is the disease's progress after a year.

The table comes with scikit-learn. One row in five is held out, always the same.
"""

from __future__ import annotations

from sklearn.datasets import load_diabetes

from ..records import Data
from ._scikit import no_path, table

CHECKSUM = "70a45af6bc04fb77f713e6aca86019c4707501ef0cbd17c743d74f7a9ca8bf11"


def load(path: str, *, held_out: float = 0.2) -> Data:
    """The table, as float32 rows in raw units.

    Args:
        path: empty; the table comes with scikit-learn.
        held_out: share of the rows held out, in (0, 1).
    Source: B. Efron and others, Least Angle Regression, 2004, https://www4.stat.ncsu.edu/~boos/var.select/diabetes.html
    """
    no_path("diabetes", path)
    return table("diabetes", load_diabetes(scaled=False), "value", CHECKSUM, held_out)
