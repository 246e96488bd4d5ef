"""150 flowers of three species by four measures in cm.

The table comes with scikit-learn. One row in five is held out, stratified, always the same.
"""

from __future__ import annotations

from sklearn.datasets import load_iris

from ..records import Data
from ._scikit import no_path, table

CHECKSUM = "464a8f3fe944c441ea47f3aea448e7a602ad7497612bc807262e840cd2ef4a92"


def load(path: str, *, held_out: float = 0.2) -> Data:
    """The table, as float32 rows in raw units.

    Args:
        path: empty; the table comes with scikit-learn.
        held_out: share of the rows held out, in (0, 1).
    Source: R. A. Fisher, The use of multiple measurements in taxonomic problems, 1936, https://doi.org/10.24432/C56C76
    """
    no_path("iris", path)
    return table("iris", load_iris(), "label", CHECKSUM, held_out)
