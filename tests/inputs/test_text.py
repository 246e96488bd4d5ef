from __future__ import annotations

import dataclasses
import io
import sys
from pathlib import Path

import numpy as np
import pytest

from gluon_ref.errors import DataError
from gluon_ref.inputs import text
from gluon_ref.records import Field
from tests.conftest import TEXT

WORDS = dataclasses.replace(TEXT, vocab=("<pad>", "<unk>", "good", "bad"), split="word", length=3)


def encoded(*texts: str, facts: object = TEXT) -> list[list[int]]:
    return [one.tolist() for one in text.encode(texts, facts)]


def test_the_network_takes_indices_and_lengths() -> None:
    assert text.fields(TEXT) == (Field("tokens", (-1,), "int32"), Field("length", (), "int32"))


def test_a_text_is_cut_into_characters_or_words() -> None:
    assert text.tokens("A b\u00a0c", "character") == ["A", " ", "b", "\u00a0", "c"]
    assert text.tokens("ab c", "marked", length=3) == ["<s>", "a", "b", " ", "</s>"]
    assert text.tokens(" A  b\u00a0c\n", "word") == ["A", "b", "c"]
    assert text.tokens("a b c", "word", length=2) == ["a", "b"]


def test_a_vocabulary_falls_by_frequency_after_padding_and_unknown() -> None:
    assert text.vocabulary(["abb", "bcb"]) == ("<pad>", "<unk>", "b", "a", "c")
    assert text.vocabulary([["x", "y"], ["y"]], least=2) == ("<pad>", "<unk>", "y")
    assert text.vocabulary([]) == ("<pad>", "<unk>")


def test_a_vocabulary_does_not_depend_on_the_order_of_the_texts() -> None:
    assert text.vocabulary(["ab", "cd", "dc"]) == text.vocabulary(["dc", "ba", "cd"])


def test_texts_become_indices_with_1_for_what_is_unknown() -> None:
    assert encoded("abg", "a?", "é") == [[2, 3, 8], [2, 1], [1]]
    assert encoded("bad good so good", facts=WORDS) == [[3, 2, 1]]


def test_a_text_without_a_token_becomes_an_unknown_one() -> None:
    assert encoded("") == [[1]]
    assert encoded("  ", facts=WORDS) == [[1]]


@pytest.mark.parametrize("texts", [["ab", "abc"], ["ab", "cd"], ["a"], []], ids=len)
def test_samples_are_ragged_even_where_all_lengths_agree(texts: list[str]) -> None:
    samples = text.samples(texts, np.arange(len(texts), dtype=np.int32), TEXT)
    assert samples.lengths.tolist() == [len(one) for one in texts]
    assert all(one.dtype == np.int32 for one in samples.inputs)


def test_texts_are_padded_with_0() -> None:
    tokens, length = text.collate([np.array([5, 6, 7, 8, 2], dtype=np.int32), np.array([3], dtype=np.int32)], TEXT)
    assert tokens.tolist() == [[5, 6, 7, 8, 2], [3, 0, 0, 0, 0]]
    assert length.tolist() == [5, 1]
    assert tokens.dtype == length.dtype == np.int32


def test_requests_are_texts_and_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("ab\r\n\nc \n"))
    found = [(name, indices.tolist()) for name, indices in text.read(["g", "-"], TEXT)]
    assert found == [("g", [8]), ("ab", [2, 3]), ("c ", [4, 1])]


@pytest.mark.parametrize("request_", ["", " \t"])
def test_an_empty_text_is_refused(request_: str) -> None:
    with pytest.raises(DataError) as caught:
        list(text.read([request_], TEXT))
    assert str(caught.value) == (
        "predict: an empty text; expected at least one character; give a text, or - for lines on standard input"
    )


@pytest.mark.parametrize(("facts", "line"), [(TEXT, "abg\n"), (WORDS, "good bad\n")], ids=["character", "word"])
def test_a_written_text_is_read_back(tmp_path: Path, facts: object, line: str) -> None:
    (indices,) = text.encode([line.strip()], facts)
    text.write(indices, facts, tmp_path / f"text{text.SUFFIX}")
    assert (tmp_path / "text.txt").read_text(encoding="utf-8") == line


def test_made_up_texts_hold_no_padding_and_the_first_has_one_token(random: np.random.RandomState) -> None:
    texts = text.imagine(TEXT, 7, random)
    assert [len(texts), len(texts[0])] == [7, 1]
    assert all(1 <= len(one) <= 40 and one.dtype == np.int32 for one in texts)
    assert {index for one in texts for index in one.tolist()} <= set(range(1, 9))
