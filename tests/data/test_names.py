from __future__ import annotations

import pytest

from gluon_ref.data import names
from gluon_ref.records import Data


@pytest.fixture(scope="module")
def data() -> Data:
    return names.load("")


def test_there_are_19012_names_in_23_languages(data: Data) -> None:
    assert (len(data.train), len(data.held_out)) == (15273, 3739)
    assert (data.facts.takes, data.facts.target, data.facts.split) == ("text", "label", "marked")
    assert data.facts.labels == names.LANGUAGES
    assert len(names.LANGUAGES) == 23


def test_no_name_belongs_to_two_languages_or_to_both_parts() -> None:
    rows = names.names()
    languages: dict[str, set[str]] = {}
    for _, code, name in rows:
        languages.setdefault(name, set()).add(code)
    assert max(map(len, languages.values())) == 1
    assert ("territories:DE", "de", "Deutschland") in rows
    assert ("territories:DE", "fr", "Allemagne") in rows


def test_all_names_of_a_thing_are_on_one_side(data: Data) -> None:
    there = [row for row in names.names() if names.held_out(row[0])]
    assert len(there) == len(data.held_out)
    assert [names.LANGUAGES[label] for label in data.held_out.targets] == [code for _, code, _ in there]


def test_the_vocabulary_is_that_of_the_training_part(data: Data) -> None:
    used = {index for one in data.train.inputs for index in one.tolist()}
    assert used == set(range(2, len(data.facts.vocab)))
    there = {token for thing, _, name in names.names() if names.held_out(thing) for token in name}
    assert there - set(data.facts.vocab)  # some characters of the held-out part were never seen
