from __future__ import annotations

import pytest

from gluon_ref import errors
from gluon_ref.errors import GluonRefError, OptionError, RequestError, UnknownNameError, nearest, reason, require

FAMILY = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, GluonRefError)]


def test_a_message_says_where_what_what_is_expected_and_what_to_do() -> None:
    error = GluonRefError("model lstm", "units=0", "1 or more", "pass --set model.units=128")
    assert str(error) == "model lstm: units=0; expected 1 or more; pass --set model.units=128"


@pytest.mark.parametrize("kind", FAMILY, ids=lambda kind: kind.__name__)
def test_what_was_asked_wrongly_exits_2_and_what_failed_exits_1(kind: type[GluonRefError]) -> None:
    assert kind.exit_code == (2 if issubclass(kind, RequestError) else 1)


def test_an_unknown_name_lists_the_known_ones_sorted_and_suggests_the_nearest() -> None:
    error = UnknownNameError("model", "restnet", ["resnet", "cnn"])
    assert str(error) == "model: unknown name 'restnet'; expected one of cnn, resnet; did you mean resnet?"


def test_an_unknown_name_near_none_gets_the_given_advice_or_a_plain_one() -> None:
    assert str(UnknownNameError("model", "zzz", ["cnn"], do="write one")).endswith("; write one")
    assert str(UnknownNameError("model", "zzz", ["cnn"])).endswith("; choose one of these")
    assert "expected no option here" in str(UnknownNameError("option task.a", "a", []))


def test_the_nearest_name_is_found_whatever_its_case_and_none_when_all_are_far() -> None:
    assert nearest("LSTM", ["lstm", "cnn"]) == "lstm"
    assert nearest("adm", ["Adam", "sgd"]) == "Adam"
    assert nearest("zzz", ["lstm", "cnn"]) is None


def test_require_lets_a_good_value_pass_and_refuses_a_bad_one() -> None:
    require(True, "model lstm", "units", 3, "1 or more", 128)
    with pytest.raises(OptionError) as caught:
        require(False, "model lstm", "units", 0, "1 or more", 128)
    assert str(caught.value) == "model lstm: units=0; expected 1 or more; pass --set model.units=128"


def test_a_reason_is_the_last_line_of_an_error_or_its_kind() -> None:
    assert reason(ValueError("Traceback\n  line 3\nno such array\n")) == "no such array"
    assert reason(AssertionError()) == "AssertionError"
