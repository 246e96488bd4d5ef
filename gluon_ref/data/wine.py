"""178 wines of three growers by thirteen chemical measures.

The table comes with scikit-learn. One row in five is held out, stratified, always the same.
"""

from __future__ import annotations

from sklearn.datasets import load_wine

from ..records import Data
from ._scikit import no_path, table

CHECKSUM = "4154525816d5b88dafa1021fdf48da6013b05e7eb4a79d34db9606dcd76306aa"


def load(path: str, *, held_out: float = 0.2) -> Data:
    """The table, as float32 rows in raw units.

    Args:
        path: empty; the table comes with scikit-learn.
        held_out: share of the rows held out, in (0, 1).
    Source: S. Aeberhard and M. Forina, Wine, UCI, 1991, https://doi.org/10.24432/C5PC7J
    """
    no_path("wine", path)
    return table("wine", load_wine(), "label", CHECKSUM, held_out)
