from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from gluon_ref import runs
from gluon_ref.errors import AlteredError
from gluon_ref.facts import fault
from gluon_ref.records import Facts
from tests.conftest import IMAGE, TEXT, VALUE, VECTOR

# Features: age, whether it is missing, the two sexes, fare.
MIXED = dataclasses.replace(
    VECTOR, columns=("age", "sex", "fare"), categories=((), ("f", "m"), ()), gaps=("age",), counts=(1, 0, 2)
)
OWN = Facts("graph", "label", (0, -5), labels=("a", "b"))  # an input form of the user's own
BARE = Facts("vector", "label", (2,), labels=("a", "b"))  # a data set of the user's own


@pytest.mark.parametrize("facts", [IMAGE, VECTOR, VALUE, TEXT, MIXED, OWN, BARE])
def test_facts_that_fit_have_no_fault(facts: Facts) -> None:
    assert fault(facts) == ""


FAULTS: list[tuple[Facts, dict[str, Any], str]] = [
    (VECTOR, {"labels": ()}, "labels "),
    (VECTOR, {"labels": ("a", "a")}, "labels a, a"),
    (VECTOR, {"labels": ("a", *"b" * 99)}, f"labels a{', b' * 18}, ..."),
    (VECTOR, {"counts": (1, 2)}, "counts 1, 2 of 3 labels"),
    (VECTOR, {"counts": (1, 2, -3)}, "counts 1, 2, -3 of 3 labels"),
    (VALUE, {"target_std": 0.0}, "a deviation that is not above 0"),
    (IMAGE, {"std": (-1.0,)}, "a deviation that is not above 0"),
    (IMAGE, {"shape": (2, 8, 9)}, "images of shape 2, 8, 9"),
    (IMAGE, {"shape": (1, 8)}, "images of shape 1, 8"),
    (IMAGE, {"shape": (1, 0, 9)}, "images of shape 1, 0, 9"),
    (IMAGE, {"shape": (1, 2**20, 2**20)}, "images of shape 1, 1048576, 1048576"),
    (IMAGE, {"mean": (1.0, 2.0, 3.0)}, "3 means and 1 deviations for 1"),
    (VECTOR, {"shape": (5, 1)}, "rows of shape 5, 1"),
    (VECTOR, {"shape": (4,)}, "rows of 4 numbers from columns that give 5"),
    (VECTOR, {"columns": ("v", "v", "x", "y", "z")}, "columns v, v, x, y, z with gaps in "),
    (MIXED, {"gaps": ("other",)}, "columns age, sex, fare with gaps in other"),
    (MIXED, {"gaps": ()}, "rows of 5 numbers from columns that give 4"),
    (MIXED, {"categories": ((), ("f", "m"))}, "categories of 2 columns, of 3"),
    (MIXED, {"std": (1.0,) * 4}, "5 means and 4 deviations for 5"),
    (TEXT, {"shape": (3,)}, "texts of shape 3"),
    (TEXT, {"vocab": ("<pad>",)}, "1 tokens, split by 'character', 0 at most"),
    (TEXT, {"split": "letter"}, "9 tokens, split by 'letter', 0 at most"),
    (TEXT, {"length": -1}, "9 tokens, split by 'character', -1 at most"),
]


@pytest.mark.parametrize(("facts", "changes", "expected"), FAULTS)
def test_facts_that_do_not_fit_are_told_of_and_refused(facts: Facts, changes: dict[str, Any], expected: str) -> None:
    altered = dataclasses.replace(facts, **changes)
    assert fault(altered) == expected
    with pytest.raises(AlteredError) as caught:
        runs.read_facts(json.loads(json.dumps(dataclasses.asdict(altered))), str(Path("run", "facts.json")))
    assert str(caught.value) == (
        f"run/facts.json: {expected}; expected the facts of a data set; restore it from a copy, or train again"
    )
