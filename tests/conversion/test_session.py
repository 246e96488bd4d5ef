"""ONNX Runtime's side: what is no model, or another's, and arrays that do not fit, are errors of ours in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.conversion import session
from gluon_ref.conversion.graph import to_onnx
from gluon_ref.conversion.session import open_model
from gluon_ref.errors import DataError, PathError
from gluon_ref.exports.sources import from_net
from gluon_ref.records import Field

FIELDS = (Field("data", (3,)),)


@pytest.fixture(scope="module")
def content() -> bytes:
    """A dense layer of ones."""
    net = mx.gluon.nn.Dense(2, in_units=3, prefix="dense_")
    net.initialize(mx.init.One())
    return to_onnx(from_net(net, FIELDS)).SerializeToString()


def test_a_model_answers_from_a_file_and_out_of_memory(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    rows = np.array([[1, 2, 3], [4, 5, 6]], dtype=np.float64)  # given as float32, which the model asks for
    for answer in (open_model(tmp_path / "model.onnx", FIELDS), open_model("elsewhere", FIELDS, content)):
        np.testing.assert_array_equal(answer(rows)[0], [[6, 6], [15, 15]])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PathError, match=r"none.onnx: no such file"):
        open_model(tmp_path / "none.onnx", FIELDS)


@pytest.mark.parametrize("altered", [b"", b"text", b"ORTM" * 9])
def test_what_is_no_model_is_refused(altered: bytes) -> None:
    with pytest.raises(DataError, match=r"there: .*expected a model of the inputs that its manifest names") as caught:
        open_model("there", FIELDS, altered)
    assert "\n" not in str(caught.value)


def test_a_model_of_other_inputs_is_refused(content: bytes) -> None:
    with pytest.raises(DataError, match=r"inputs data instead of tokens, length"):
        open_model("there", [Field("tokens", (-1,)), Field("length", ())], content)


def test_arrays_that_do_not_fit_are_told_with_the_size_that_is_wrong(content: bytes) -> None:
    with pytest.raises(DataError, match=r"Got: 4 Expected: 3 .*expected arrays that the model takes") as caught:
        open_model("there", FIELDS, content)(np.zeros((2, 4)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("steps", "slices"), [(10, [2, 2, 3]), (3, [2, 2, 3]), (29, [4, 3]), (30, []), (40, [])])
def test_a_long_batch_of_sequences_is_run_in_slices_and_answered_whole(
    steps: int, slices: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    net = mx.gluon.nn.Dense(2, in_units=3, flatten=False, prefix="dense_")
    net.initialize(mx.init.One())
    fields = (Field("data", (-1, 3)),)
    answer = open_model("there", fields, to_onnx(from_net(net, fields)).SerializeToString())
    monkeypatch.setattr(session, "STEPS", steps)
    monkeypatch.setattr(session, "ROWS", 2)
    sizes: list[int] = []
    kept = np.concatenate
    monkeypatch.setattr(session.np, "concatenate", lambda parts: sizes.extend(map(len, parts)) or kept(parts))
    data = np.arange(7 * 5 * 3, dtype=np.float32).reshape(7, 5, 3)
    np.testing.assert_array_equal(answer(data)[0], np.repeat(data.sum(axis=2, keepdims=True), 2, axis=2))
    assert sizes == slices
