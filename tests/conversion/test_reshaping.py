"""Tests of gluon_ref.conversion.reshaping: what moves, joins, repeats or leaves out elements."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.errors import ConversionError
from gluon_ref.records import Field

from .agreement import disagreement, make_source, runtime

DATA, OTHER = mx.sym.var("data"), mx.sym.var("other")
SHAPES = {
    "kept_and_inferred": ((0, -1), (3, 4, 5)),
    "rest_kept": ((0, 3, -2), (3, 4, 5)),
    "joined": ((0, -3, 0), (3, 4, 5)),
    "batch_joined": ((-3, -2), (3, 4, 5)),
    "split": ((0, -4, 2, -1, -2), (6, 4, 5)),
    "split_and_inferred": ((0, 0, -4, -1, 2, 0), (3, 4, 5)),
    "joined_twice": ((0, 0, -3, -3), (3, 2, 4, 5, 6)),
    "joined_and_written": ((-3, 20), (3, 4, 5)),
}
# Where a second axis is free.
FREE = {
    "kept": ((0, 0, -3), (-1, 4, 5)),
    "joined": ((0, -3, -2), (-1, 4, 5)),
    "all_joined": ((-3, -1), (-1, 4)),
    "split": ((0, 0, -4, 2, -1, 0), (-1, 6, 5)),
    "batch_split": ((0, -4, -1, 1, 20), (-1, 4, 5)),
    "written": ((0, -1, 20), (-1, 4, 5)),
}
MOVES = {
    "flat": mx.sym.Flatten(DATA),
    "turned": mx.sym.transpose(mx.sym.transpose(DATA, axes=(1, 2, 3, 0))),
    "turned_by_order": mx.sym.transpose(DATA, axes=(0, 2, 3, 1)),
    "one_more_axis": mx.sym.expand_dims(DATA, axis=2),
    "one_more_axis_at_the_end": mx.sym.expand_dims(DATA, axis=-1),
    "one_axis_less": mx.sym.squeeze(mx.sym.sum(DATA, axis=2, keepdims=True), axis=2),
    "all_ones_less": mx.sym.squeeze(mx.sym.sum(DATA, axis=(1, 3), keepdims=True)),
    "joined": mx.sym.concat(DATA, DATA * 2, dim=2),
    "joined_at_the_end": mx.sym.concat(DATA, DATA * 2, DATA, dim=-1),
    "stacked": mx.sym.stack(DATA, DATA * 2, axis=1),
    "stacked_at_the_end": mx.sym.stack(DATA, DATA * 2, axis=-1),
    "sliced": mx.sym.slice(DATA, begin=(None, 1, 0), end=(None, 3, -1)),
    "sliced_by_steps": mx.sym.slice(DATA, begin=(None, None, 3), end=(None, None, None), step=(None, 2, -2)),
    "sliced_backwards": mx.sym.slice(DATA, begin=(None, 2, 3), end=(None, 0, None), step=(1, -1, -1)),
    "repeated": mx.sym.repeat(DATA, repeats=3, axis=1),
    "repeated_at_the_end": mx.sym.repeat(DATA, repeats=2, axis=-1),
    "repeated_in_a_row": mx.sym.reshape(mx.sym.repeat(DATA, repeats=2), shape=(-1, 3)),
    "tiled": mx.sym.tile(DATA, reps=(2, 3)),
    "tiled_with_a_new_axis": mx.sym.reshape(mx.sym.tile(DATA, reps=(2, 1, 1, 1, 1)), shape=(-3, -2)),
    "broadcast": mx.sym.broadcast_axis(mx.sym.sum(DATA, axis=(1, 3), keepdims=True), axis=(1, 3), size=(2, 3)),
    "padded": mx.sym.pad(DATA, mode="constant", pad_width=(0, 0, 0, 0, 1, 2, 3, 0), constant_value=2.5),
    "padded_by_edges": mx.sym.pad(DATA, mode="edge", pad_width=(0, 0, 0, 0, 1, 2, 3, 0)),
    "padded_by_reflection": mx.sym.pad(DATA, mode="reflect", pad_width=(0, 0, 0, 0, 1, 2, 3, 0)),
    "cropped": mx.sym.Crop(DATA, offset=(1, 2), h_w=(2, 3), num_args=1),
    "cropped_in_the_middle": mx.sym.Crop(DATA, h_w=(2, 3), center_crop=True, num_args=1),
    "depth_to_space": mx.sym.depth_to_space(mx.sym.concat(DATA, DATA * 2, -DATA, DATA, dim=1), block_size=2),
    "space_to_depth": mx.sym.space_to_depth(mx.sym.concat(DATA, DATA * 2, DATA, DATA, dim=3), block_size=2),
}
PAIRS = {
    "like_all": (mx.sym.slice_like(DATA, OTHER), (3, 2)),
    "like_some": (mx.sym.slice_like(DATA, OTHER, axes=(-1,)), (9, 2)),
    "shaped_like": (mx.sym.reshape_like(DATA, OTHER), (12,)),
    "shaped_like_in_part": (mx.sym.reshape_like(DATA, OTHER, lhs_begin=1, lhs_end=3, rhs_begin=1, rhs_end=2), (12, 9)),
    "broadcast_like_all": (mx.sym.broadcast_like(mx.sym.sum(DATA, axis=2, keepdims=True), OTHER), (4, 5)),
    "broadcast_like_some": (
        mx.sym.broadcast_like(mx.sym.sum(DATA, axis=2, keepdims=True), OTHER, lhs_axes=(2,), rhs_axes=(-1,)),
        (7, 5),
    ),
    "cropped_like": (
        mx.sym.Crop(mx.sym.expand_dims(DATA, axis=1), mx.sym.expand_dims(OTHER, axis=1), num_args=2),
        (2, 2),
    ),
}


@pytest.mark.parametrize(("shape", "given"), SHAPES.values(), ids=SHAPES.keys())
def test_shapes_in_codes(shape: tuple[int, ...], given: tuple[int, ...]) -> None:
    assert disagreement(mx.sym.reshape(DATA, shape=shape), [Field("data", given)]) == 0


@pytest.mark.parametrize(("shape", "given"), FREE.values(), ids=FREE.keys())
def test_shapes_in_codes_where_a_second_axis_varies(shape: tuple[int, ...], given: tuple[int, ...]) -> None:
    """mx2onnx carries some of the codes."""
    for steps in (2, 3):
        values = {"data": np.random.normal(size=(2, *(steps if one == -1 else one for one in given)))}
        values = {"data": values["data"].astype(np.float32)}
        assert disagreement(mx.sym.reshape(DATA, shape=shape), [Field("data", given)], values=values) == 0


def test_shapes_may_be_read_from_the_end() -> None:
    symbol = mx.sym.reshape(DATA, shape=(-1, 0), reverse=True)
    assert disagreement(mx.sym.reshape(symbol, shape=(-1, 2, 5)), [Field("data", (6, 5))]) == 0
    with pytest.raises(ConversionError, match="reverse=True with -4 in the shape and more than one axis that varies"):
        split = mx.sym.reshape(DATA, shape=(0, 0, 5, 2, -4), reverse=True)
        runtime(make_source(split, [Field("data", (-1, 10))]), {})


BACK: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "heads joined with the batch": ((-1, 0, 0), (2, -1, 5)),
    "the first axes kept": ((-2, 5), (-1, 5)),
    "the last two joined": ((0, -3), (-1, 5)),
}


@pytest.mark.parametrize(("shape", "given"), BACK.values(), ids=BACK.keys())
def test_shapes_may_be_read_from_the_end_where_a_second_axis_varies(
    shape: tuple[int, ...], given: tuple[int, ...]
) -> None:
    """As transformers of GluonNLP's have them."""
    for steps in (3, 4):
        drawn = np.random.normal(size=(2, *(steps if one == -1 else one for one in given))).astype(np.float32)
        symbol = mx.sym.reshape(DATA, shape=shape, reverse=True)
        assert disagreement(symbol, [Field("data", given)], values={"data": drawn}) == 0
        if shape == (-1, 0, 0):
            again = mx.sym.reshape(symbol, shape=(-1, 2, 0, 0), reverse=True)
            assert disagreement(again, [Field("data", given)], values={"data": drawn}) == 0


@pytest.mark.parametrize("symbol", MOVES.values(), ids=MOVES.keys())
def test_elements_end_up_where_mxnet_has_them(symbol: Any) -> None:
    assert disagreement(symbol, [Field("data", (3, 4, 5))]) < 1e-6


@pytest.mark.parametrize(("symbol", "other"), PAIRS.values(), ids=PAIRS.keys())
def test_a_second_array_gives_the_size(symbol: Any, other: tuple[int, ...]) -> None:
    assert disagreement(symbol, [Field("data", (4, 3)), Field("other", other)]) < 1e-6


@pytest.mark.parametrize("name", ["slice_like", "reshape_like"])
def test_a_second_array_gives_a_size_that_varies(name: str) -> None:
    values = {one: np.ones((2, steps, 3), np.float32) for one, steps in (("data", 5), ("other", 4))}
    if name == "reshape_like":
        values["other"] = np.ones((5, 2, 3), np.float32)
    fields = [Field("data", (-1, 3)), Field("other", (-1, 3))]
    assert disagreement(getattr(mx.sym, name)(DATA, OTHER), fields, values=values) == 0


@pytest.mark.parametrize("options", [{}, {"axis": 1, "keepdims": True}, {"mode": "wrap"}])
def test_elements_by_index(options: dict[str, Any]) -> None:
    index = np.array([[0, 3, 1], [2, -1, 7]], np.float32)
    axis = options.get("axis", 2)
    values = {"data": np.random.normal(size=(2, 3, 4)).astype(np.float32), "other": index}
    if axis == 1:
        values["other"] = np.array([[0, 2, 1, 1], [2, -1, 7, 0]], np.float32)
    fields = [Field("data", (3, 4)), Field("other", values["other"].shape[1:])]
    assert disagreement(mx.sym.pick(DATA, OTHER, **options), fields, values=values) == 0


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_elements_by_several_indices(rows: int) -> None:
    """The first axis of the indices names the axes of the data."""
    values = {
        "data": np.random.normal(size=(3, 4, 5)).astype(np.float32),
        "other": np.random.randint(0, 3, size=(2, rows)).astype(np.float32),
    }
    fields = [Field("data", (4, 5)), Field("other", (rows,))]
    assert disagreement(mx.sym.gather_nd(DATA, mx.sym.transpose(OTHER)), fields, values=values) == 0


def test_a_crop_where_the_size_varies_is_refused() -> None:
    symbol = mx.sym.Crop(DATA, h_w=(2, 3), num_args=1)
    with pytest.raises(ConversionError, match="height or width that varies"):
        runtime(make_source(symbol, [Field("data", (3, -1, 8))]), {})
