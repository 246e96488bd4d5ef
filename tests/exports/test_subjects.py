"""What a run is held against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gluon_ref import recipe as recipes
from gluon_ref.backend import mx
from gluon_ref.errors import ConversionError
from gluon_ref.exporting import export
from gluon_ref.exports.sources import from_net
from gluon_ref.exports.subjects import likeness, of_run
from gluon_ref.records import Field
from gluon_ref.training import train


def test_a_run_brings_its_cases_facts_and_measure(run: Path) -> None:
    subject = of_run(run, calibrated=False)
    assert [case.name for case in subject.cases][-2:] == ["extreme values", "held out"]
    assert sum(len(group[0]) for group in subject.cases[-1].groups) == 30
    assert subject.measure is not None
    assert subject.measure(subject.cases[-1].expected)["accuracy"] > 0.3
    assert subject.watch == ("accuracy", "max")
    assert json.loads(subject.source.about["labels"]) == ["setosa", "versicolor", "virginica"]
    assert subject.source.calibration == ()


def test_an_artefact_does_not_tell_where_the_data_lay(texts: Path) -> None:
    about = of_run(texts, calibrated=False).source.about
    assert 'name = "text_table"' in about["recipe"]
    assert str(texts.parent) not in " ".join(about.values())


def test_samples_to_find_ranges_by_are_of_the_training_part(run: Path) -> None:
    groups = of_run(run, calibrated=True).source.calibration
    assert [len(group[0]) for group in groups] == [64, 56]  # all 120 of iris


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose cell is written out."""
    folder = tmp_path_factory.mktemp("texts")
    rows = [f"{'ab' * (at % 5 + 1)},{'xy'[at % 2]}" for at in range(40)]
    (folder / "texts.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    changes: list[tuple[str, Any]] = [
        ("data.name", "text_table"),
        ("data.path", folder / "texts.csv"),
        ("model.cell", "written"),
        ("model.units", 4),
        ("model.embedding", 3),
        ("train.epochs", 1),
    ]
    train(recipes.read("lstm").change(changes), folder / "run")
    return folder / "run"


def test_texts_are_compared_in_several_lengths(texts: Path) -> None:
    names = [case.name for case in of_run(texts, calibrated=False).cases]
    assert [name for name in names if name.startswith("length")] == ["length 1", "length 5", "length 64", "length 250"]


@pytest.mark.parametrize("exporter", ["symbol", "onnx"])
def test_gates_written_out_answer_like_the_fused_cell_that_is_exported(
    texts: Path, exporter: str, tmp_path: Path
) -> None:
    result = export(texts, exporter, tmp_path / "out")
    assert all(row.accepted for row in result.comparisons)


def test_a_loop_of_ones_own_is_named() -> None:
    class Loop(mx.gluon.HybridBlock):
        def hybrid_forward(self, F: Any, x: Any) -> Any:
            start = F.squeeze(F.slice_axis(x, axis=0, begin=0, end=1), axis=0)
            return F.contrib.foreach(lambda one, state: (one + state, one * state), x, start)[0]

    net = Loop(prefix="loop_")
    net.initialize()
    with pytest.raises(ConversionError, match=r"export of loop: .*holds a graph of its own"):
        from_net(net, [Field("data", (2, 3))])


def test_likeness_is_of_largest_outputs_and_of_angles() -> None:
    outputs = np.eye(4, dtype=np.float32)
    measure = likeness([(outputs[:3],), (outputs[3:],)])
    assert measure([(outputs[:3],), (outputs[3:],)]) == {"agreement": 1, "similarity": 1}
    assert measure([(outputs[:3],), (outputs[:1],)]) == {"agreement": 0.75, "similarity": 0.75}
    assert measure([(2 * outputs[:3],), (-outputs[3:],)]) == {"agreement": 0.75, "similarity": 0.5}


def test_outputs_without_a_direction_are_alike_where_both_are_zeros() -> None:
    outputs = np.array([[0, 0], [0, 0], [3, 4]], np.float32)
    found = likeness([(outputs,)])([(np.array([[0, 0], [0, 1], [4, 3]], np.float32),)])
    assert found["similarity"] == pytest.approx((1 + 0 + 24 / 25) / 3)
