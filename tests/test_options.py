from __future__ import annotations

from typing import Any, Literal

import pytest

from gluon_ref.errors import OptionError, UnknownNameError
from gluon_ref.options import (
    REQUIRED,
    Option,
    arguments,
    complete,
    convert,
    example,
    literal,
    schema,
    spell,
    spell_value,
)


def maker(facts: object, *, units: int, rates: tuple[float, ...] = (0.5, 0.25), kind: Literal["a", "b"] = "a") -> None:
    """Make nothing.

    Args:
        facts: of the data.
        units: width of the layer,
            1 or more.
        rates: one per layer.
    Raises:
        OptionError: never.
    """


def test_a_schema_holds_the_keyword_only_arguments_and_their_help() -> None:
    assert schema(maker) == {
        "units": Option("units", int, REQUIRED, "width of the layer, 1 or more."),
        "rates": Option("rates", tuple[float, ...], (0.5, 0.25), "one per layer."),
        "kind": Option("kind", Literal["a", "b"], "a", ""),
    }


def test_a_docstring_without_arguments_tells_of_none() -> None:
    assert arguments("Make nothing.") == {}


def test_what_is_not_given_gets_its_default() -> None:
    assert complete("model", maker, {"units": "3"}) == {"units": 3, "rates": (0.5, 0.25), "kind": "a"}


def test_an_unknown_option_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UnknownNameError) as caught:
        complete("model", maker, {"unit": 3})
    assert str(caught.value) == (
        "option model.unit: unknown name 'unit'; expected one of kind, rates, units; did you mean units?"
    )


def test_an_option_without_default_must_be_given() -> None:
    with pytest.raises(OptionError) as caught:
        complete("model", maker, {})
    assert str(caught.value) == (
        "option model.units: nothing given; expected whole number; pass --set model.units=VALUE"
    )


@pytest.mark.parametrize(
    ("value", "kind", "read"),
    [
        ("3", int, 3),
        (3.0, int, 3),
        ("1e-3", float, 0.001),
        (2, float, 2.0),
        ("Yes", bool, True),
        ("off", bool, False),
        (False, bool, False),
        (5, str, "5"),
        ("none", float | None, None),
        ("", int | None, None),
        (None, int | None, None),
        ("0.5", float | None, 0.5),
        ("2.5", int | float, 2.5),
        ("b", Literal["a", "b"], "b"),
        ("2, 3,", tuple[int, ...], (2, 3)),
        ([2, 3], tuple[int, ...], (2, 3)),
        (7, tuple[int, ...], (7,)),
        ("", tuple[int, ...], ()),
        ("7", Any, 7),
        ("linear", Any, "linear"),
        ([7], Any, [7]),
    ],
)
def test_text_and_toml_become_the_same_typed_value(value: Any, kind: Any, read: Any) -> None:
    found = convert("option model.x", value, kind)
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("2.5", int, "whole number"),
        (2.5, int, "whole number"),
        (float("inf"), int, "whole number"),
        (True, int, "whole number"),
        (True, float, "number"),
        ("nan", float, "number"),
        ("inf", float, "number"),
        (10**400, float, "number"),
        ("maybe", bool, "true or false"),
        (1, bool, "true or false"),
        ([1], str, "text"),
        ("c", Literal["a", "b"], "one of a, b"),
        ("2,x", tuple[int, ...], "whole numbers separated by commas"),
        ("x", float | None, "number or none"),
        ("x", dict, "value"),
    ],
)
def test_a_value_of_another_type_is_refused_never_rounded(value: Any, kind: Any, expected: str) -> None:
    with pytest.raises(OptionError) as caught:
        convert("option model.x", value, kind)
    assert str(caught.value) == (f"option model.x: {value!r}; expected {expected}; pass --set model.x={example(kind)}")


@pytest.mark.parametrize("kind", [int, float, bool, str, Literal["a", "b"], tuple[int, ...], float | None])
def test_the_example_of_a_message_is_itself_accepted(kind: Any) -> None:
    convert("option model.x", example(kind), kind)


def test_a_literal_is_the_plainest_reading_of_a_text() -> None:
    assert [literal(text) for text in ("true", "3", "0.5", "linear")] == [True, 3, 0.5, "linear"]


def test_types_and_values_are_spelled_as_a_person_types_them() -> None:
    assert spell(tuple[int, ...]) == "whole numbers separated by commas"
    assert [spell_value(value) for value in (None, True, (2, 3), 0.5, "a")] == ["none", "true", "2,3", "0.5", "a"]


@pytest.mark.parametrize("value", ["1e-320", "1e-38", "-1e-300", "1e39", "-1e308"])
def test_a_number_that_no_operator_takes_is_refused(value: str) -> None:
    for rates, given in ((value, f"({float(value)!r},)"), (f"1,{value}", f"(1.0, {float(value)!r})")):
        with pytest.raises(OptionError) as caught:
            complete("model", maker, {"units": 3, "rates": rates})
        assert str(caught.value) == (
            f"option model.rates: {given}; expected 0, or a size from 1e-37 to 1e38; give a number of a usual size"
        )


def test_a_number_of_a_usual_size_is_taken() -> None:
    assert complete("model", maker, {"units": 3, "rates": "0,-0.0,1e-37,-1e38,1e-8"})["rates"] == (
        0,
        0,
        1e-37,
        -1e38,
        1e-8,
    )
