from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gluon_ref.data import fashion_mnist
from gluon_ref.downloading import Remote
from gluon_ref.errors import DataError

from .idx import write


def test_the_labels_are_ten_kinds_of_clothing(tmp_path: Path) -> None:
    data = fashion_mnist.load(str(write(tmp_path, train=10)))
    assert (data.facts.labels[0], data.facts.labels[9]) == ("t-shirt", "ankle boot")
    assert (len(data.facts.labels), len(data.train), len(data.held_out)) == (10, 10, 3)


def test_an_eleventh_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="label 10; expected labels 0 to 9"):
        fashion_mnist.load(str(write(tmp_path, train=11)))


def test_files_are_fetched_only_when_asked_and_never_for_a_trained_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fetch(remote: Remote, path: Path, timeout_s: float) -> bool:
        asked.append((path.name, timeout_s))
        return True

    def load(**options: Any) -> Any:
        return fashion_mnist.load(str(write(tmp_path)), **options)

    monkeypatch.setattr("gluon_ref.data._idx.fetch", fetch)
    facts = load().facts
    load(known=facts, download=True)
    assert (asked, facts.mirror) == ([], True)
    load(download=True, download_timeout_s=5.0)
    assert asked == [("train-images-idx3-ubyte.gz", 5.0), ("train-labels-idx1-ubyte.gz", 5.0)]  # the others are there
