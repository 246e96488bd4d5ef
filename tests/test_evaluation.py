"""Evaluation on the held-out part, on a file of one's own, and on data that does not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from gluon_ref import recipe as recipes
from gluon_ref.errors import DataError, FitError, PathError, UnknownNameError
from gluon_ref.evaluation import evaluate
from gluon_ref.training import train

from .contracts.test_data import table, texts


def test_figures_have_task_data_samples_and_metrics(run: Path) -> None:
    figures = evaluate(run)
    assert (figures["task"], figures["data"], figures["samples"]) == ("classify", "iris", 30)
    assert {"accuracy", "macro_f1", "cross_entropy", "confusion"} < figures.keys()


def test_the_same_data_by_name_is_the_same_held_out_part(run: Path) -> None:
    assert evaluate(run, "iris") == evaluate(run)


def test_of_a_file_of_ones_own_all_rows_are_measured_by_the_training_parts_columns_and_labels(tmp_path: Path) -> None:
    source = table(tmp_path)
    changes = [("data.name", "table"), ("data.path", source), ("model.units", 4), ("train.epochs", 2)]
    train(recipes.read("mlp").change(changes), tmp_path / "run")
    assert evaluate(tmp_path / "run")["samples"] == 6
    other = tmp_path / "other.csv"
    other.write_text("two,note,one,label\n" + "3,x,4,yes\n" * 9 + "1,x,2,no\n", encoding="utf-8")
    figures = evaluate(tmp_path / "run", f"table:{other}")
    assert figures["samples"] == 10
    assert [sum(row) for row in figures["confusion"]] == [1, 9]
    other.write_text("one,two,label\n1,2,maybe\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"line 2: label = 'maybe'; expected a label of the training part: no, yes"):
        evaluate(tmp_path / "run", f"table:{other}")
    other.write_text("one,three,label\n1,2,yes\n", encoding="utf-8")
    with pytest.raises(UnknownNameError, match=r"column: unknown name 'two'"):
        evaluate(tmp_path / "run", f"table:{other}")


def test_texts_of_ones_own_are_read_by_the_training_parts_vocabulary(tmp_path: Path) -> None:
    changes = [("data.name", "text_table"), ("data.path", texts(tmp_path)), ("model.units", 4), ("train.epochs", 1)]
    train(recipes.read("lstm").change(changes), tmp_path / "run")
    other = tmp_path / "other.tsv"
    other.write_text("text\tlabel\na wholly new text\tgood\nfine\tbad\n", encoding="utf-8")
    assert evaluate(tmp_path / "run", f"text_table:{other}")["samples"] == 2


def test_data_of_another_kind_is_refused(run: Path) -> None:
    with pytest.raises(FitError, match=r"data wine: shape 13; expected 4, as in training"):
        evaluate(run, "wine")
    with pytest.raises(FitError, match=r"data digits: takes image; expected vector"):
        evaluate(run, "digits")


def test_what_is_neither_run_nor_artefact_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PathError, match=r"neither a run nor an artefact"):
        evaluate(tmp_path)
    with pytest.raises(PathError, match=r"no such folder"):
        evaluate(tmp_path / "nowhere")
