"""Options that a graph does not spell out."""

from __future__ import annotations

from gluon_ref.conversion.defaults import complete


def test_yes_and_no_and_numbers_are_filled_in() -> None:
    found = complete("FullyConnected", {"num_hidden": "3"})
    assert (found["flatten"], found["no_bias"], found["num_hidden"]) == ("True", "False", "3")
    assert complete("BatchNorm", {})["axis"] == "1"
    assert complete("LeakyReLU", {})["slope"] == "0.25"


def test_what_is_given_stays() -> None:
    assert complete("FullyConnected", {"flatten": "False", "num_hidden": "3"})["flatten"] == "False"


def test_what_is_none_of_these_is_not_guessed() -> None:
    found = complete("Convolution", {"kernel": "(3, 3)", "num_filter": "2"})
    assert "layout" not in found
    assert "cudnn_tune" not in found


def test_an_argument_has_no_options() -> None:
    assert complete("null", {"__shape__": "(2,)"}) == {"__shape__": "(2,)"}
