from __future__ import annotations

from pathlib import Path

import pytest

from gluon_ref import logs


def test_a_log_is_cut_after_what_a_run_goes_on_from(tmp_path: Path) -> None:
    records = [
        {"event": "step", "epoch": 1, "step": 5, "word": "é\u2028"},
        {"event": "epoch", "epoch": 1, "step": 8},
        {"event": "step", "epoch": 2, "step": 10},
        {"event": "epoch", "epoch": 2, "step": 10},
        {"event": "step", "epoch": 3, "step": 12},
    ]
    for record in records:
        logs.append(tmp_path, record)
    with open(tmp_path / logs.LOG, "a") as file:
        file.write('{"event": "step"}\n[]\n{"epoch": 1, "step": "x"}\n{"epoch": 1, "st')
    assert list(logs.read(tmp_path)) == records
    logs.cut(tmp_path, 1, 10)
    assert list(logs.read(tmp_path)) == records[:3]
    assert len((tmp_path / logs.LOG).read_text().split("\n")) == 4


def test_a_run_without_a_log_has_nothing_to_cut(tmp_path: Path) -> None:
    logs.cut(tmp_path, 2, 9)
    assert list(logs.read(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


def test_a_number_that_json_does_not_have_is_not_logged(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"JSON"):
        logs.append(tmp_path, {"loss": float("nan")})
    assert (tmp_path / logs.LOG).read_text() == ""


STRANGE = [
    '{"epoch": 1, "step": true}',
    '{"epoch": -1, "step": 1}',
    '{"epoch": 1, "step": 1, "losses": [1]}',
    '{"epoch": 1, "step": 1, "scores": null}',
    '{"epoch": 1, "step": 1, "time_s": "1"}',
    '{"epoch": 1, "step": 1, "time_s": NaN}',
    '{"epoch": 1, "step": 1, "time_s": -1}',
    '{"epoch": 1, "step": 1, "seen": 1' + "0" * 400 + "}",
    '{"epoch": 1, "step": 1, "seen": 1' + "0" * 5000 + "}",
    "[" * 100_000,
]


@pytest.mark.parametrize("line", STRANGE)
def test_a_line_that_is_no_record_is_left_out(tmp_path: Path, line: str) -> None:
    logs.append(tmp_path, {"epoch": 1, "step": 5, "seen": 2**40, "losses": {"a": 1.0}, "scores": {}, "time_s": 1})
    whole = list(logs.read(tmp_path))
    assert len(whole) == 1
    with open(tmp_path / logs.LOG, "a") as file:
        file.write(f"{line}\n")
    assert list(logs.read(tmp_path)) == whole
