from __future__ import annotations

from pathlib import Path

import pytest

from gluon_ref.data import mnist
from gluon_ref.errors import DataError

from .idx import write


def test_the_labels_are_the_ten_digits(tmp_path: Path) -> None:
    data = mnist.load(str(write(tmp_path, train=10)))
    assert (data.facts.labels[0], data.facts.labels[9]) == ("0", "9")
    assert (len(data.facts.labels), len(data.train), len(data.held_out)) == (10, 10, 3)


def test_an_eleventh_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="label 10; expected labels 0 to 9"):
        mnist.load(str(write(tmp_path, train=11)))
