from __future__ import annotations

from pathlib import Path

import pytest

from gluon_ref.data import text_table
from gluon_ref.errors import DataError, FitError, OptionError, UnknownNameError
from gluon_ref.records import Data
from gluon_ref.samples import ArraySamples

# Ten texts: "good" in those of label up, "bad" in those of label down, and a word of its own in each.
LINES = ["text,label", *(f"{'good' if at % 2 else 'bad'} own{at},{'up' if at % 2 else 'down'}" for at in range(10))]


def write(path: Path, *lines: str) -> str:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return write(tmp_path / "all.csv", *LINES)


def spelled(data: Data, part: ArraySamples) -> list[tuple[str, str]]:
    """Texts and labels of a part, from their indices."""
    return [
        (" ".join(data.facts.vocab[index] for index in indices), data.facts.labels[label])
        for indices, label in zip(part.inputs, part.targets)
    ]


def test_texts_are_words_with_labels_and_rare_words_are_unknown(path: str) -> None:
    data = text_table.load(path, held_out=0.4)
    facts = data.facts
    assert (facts.takes, facts.target, facts.shape, facts.labels) == ("text", "label", (-1,), ("down", "up"))
    assert (facts.vocab, facts.split, facts.length) == (("<pad>", "<unk>", "bad", "good"), "word", 256)
    assert sorted(spelled(data, data.train)) == [("bad <unk>", "down")] * 3 + [("good <unk>", "up")] * 3
    assert sorted(spelled(data, data.held_out)) == [("bad <unk>", "down")] * 2 + [("good <unk>", "up")] * 2


def test_the_vocabulary_is_that_of_the_training_part(path: str) -> None:
    own = {word for word in text_table.load(path, least=1).facts.vocab if word.startswith("own")}
    assert len(own) == 8


def test_characters_may_be_the_tokens_and_long_texts_are_cut(path: str) -> None:
    data = text_table.load(path, tokens="character", length=2, least=1)
    assert sorted(data.facts.vocab[2:]) == ["a", "b", "g", "o"]
    assert set(data.train.lengths.tolist()) == {2}


def test_another_file_and_other_columns_may_be_named(tmp_path: Path) -> None:
    train = write(tmp_path / "a.tsv", "kind\tsaid", "x\tone, two", "y\ttwo", "x\tone,")
    test = write(tmp_path / "b.csv", "said,kind", "three two,y")
    data = text_table.load(train, text="said", label="kind", least=1, test=test)
    assert spelled(data, data.train) == [("one, two", "x"), ("two", "y"), ("one,", "x")]
    assert spelled(data, data.held_out) == [("<unk> two", "y")]


def test_by_the_facts_of_a_trained_network_all_rows_are_held_out(path: str, tmp_path: Path) -> None:
    known = text_table.load(path).facts
    data = text_table.load(write(tmp_path / "b.csv", "text,label", "good new,up"), known)
    assert data.facts is known
    assert (len(data.train), spelled(data, data.held_out)) == (0, [("good <unk>", "up")])


@pytest.mark.parametrize(
    ("name", "lines", "options"),
    [
        ("a.csv", ["kind,said", "x,one two", "y,two", "x,one"], {"text": "said", "label": "kind"}),
        ("a.csv", ["kind,said", "x,one two", "y,two", "x,one"], {"text": "2", "label": "1"}),
        ("a.csv", ["2,1", "x,one two", "y,two", "x,one"], {"text": "1", "label": "2"}),
        ("a.csv", ["x,one two", "y,two", "x,one"], {"text": "2", "label": "1", "header": False}),
        ("a.tsv", ["one two\tx", "two\ty", "one\tx"], {"text": "1", "label": "2", "header": False}),
        ("a.txt", ["one two\tx", "two\ty", "one\tx"], {"text": "1", "label": "2", "header": False, "separator": "tab"}),
        (
            "a.csv",
            ["one two;x", "two;y", "one;x"],
            {"text": "1", "label": "2", "header": False, "separator": "semicolon"},
        ),
        ("a.txt", ["x one two", "y two", "x one"], {"text": "2", "label": "1", "header": False, "separator": "space"}),
        (
            "a.txt",
            ["x 0 one two", "y 0 two", "x 0 one"],
            {"text": "3", "label": "1", "header": False, "separator": "space"},
        ),
        ("a.txt", ["label text", "x one two", "y two", "x one"], {"separator": "space"}),
        ("a.csv", ["text,label", '"one\ntwo",x', '"two",y', "one,x"], {}),
        ("a.csv", ["\ufefftext,label\r", "one two,x\r", "two,y\r", "one,x\r"], {}),
    ],
)
def test_columns_are_named_or_counted_in_files_of_any_layout(
    tmp_path: Path, name: str, lines: list[str], options: dict[str, object]
) -> None:
    path = write(tmp_path / name, *lines)
    data = text_table.load(path, least=1, test=path, **options)
    for part in (data.train, data.held_out):
        assert spelled(data, part) == [("one two", "x"), ("two", "y"), ("one", "x")]


def test_quotation_marks_may_be_ordinary_characters(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label", '"one,x', 'say "two",y', "one,x")
    data = text_table.load(path, least=1, test=path, quoting=False)
    assert [text for text, _ in spelled(data, data.train)] == ['"one', 'say "two"', "one"]


@pytest.mark.parametrize("name", ["length", "least"])
def test_an_option_below_1_is_refused(path: str, name: str) -> None:
    with pytest.raises(OptionError, match=f"data text_table: {name}=0; expected 1 or more; pass --set data.{name}="):
        text_table.load(path, **{name: 0})


@pytest.mark.parametrize("options", [{"held_out": 1.0}, {"held_out": 0.0, "test": "b.csv"}])
def test_a_share_held_out_is_refused_where_it_is_none(path: str, options: dict[str, object]) -> None:
    with pytest.raises(
        OptionError, match=r"data text_table: held_out=.\.0; expected a share above 0 and below 1; pass"
    ):
        text_table.load(path, **options)


def test_an_empty_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"a.csv, line 3: an empty text; expected a text in each row; leave the row out"
    ):
        text_table.load(write(tmp_path / "a.csv", "text,label", "good,up", " ,down"))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "b.csv: an empty file; expected a header and at least one row"),
        (["text,label"], "b.csv: a header only; expected a header and at least one row"),
        (
            ["text,label", "good,sideways"],
            "b.csv, line 2: label = 'sideways'; expected a label of the training part: down",
        ),
        (["text,label", "good,"], "b.csv, line 2: no label; expected a label in each row"),
        (["text,label", ",up"], "b.csv, line 2: an empty text"),
    ],
)
def test_another_file_that_cannot_be_held_out_is_refused(
    path: str, tmp_path: Path, lines: list[str], message: str
) -> None:
    test = tmp_path / "b.csv"
    test.write_text("".join(f"{line}\n" for line in lines))
    with pytest.raises(DataError) as caught:
        text_table.load(path, test=str(test))
    assert message in str(caught.value)


def test_a_column_that_is_not_there_is_refused(path: str) -> None:
    with pytest.raises(
        UnknownNameError, match=r"all.csv: column: unknown name 'txt'; expected one of label, text; did"
    ):
        text_table.load(path, text="txt")
    with pytest.raises(
        UnknownNameError, match=r"unknown name 'text'; expected one of column 1, .*; give a position, 1 to 2"
    ):
        text_table.load(path, header=False)


def test_one_column_is_not_text_and_label(path: str) -> None:
    with pytest.raises(FitError, match=r"all.csv: label as text and as label; expected a column each; name another"):
        text_table.load(path, text="2")
