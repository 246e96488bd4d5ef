"""Images read at places that a network computes: ONNX's GridSample, which came with opset 16."""

from __future__ import annotations

import numpy as np

from .steps import Steps, converters

SINCE = 16


def bilinear_sampler(steps: Steps) -> str:
    """Between the nearest four at each place (batch, 2, height, width) of x and y, -1 to 1; nothing is around it."""
    return _sampled(steps, steps.add("Transpose", steps.inputs[1], perm=[0, 2, 3, 1]))


def spatial_transformer(steps: Steps) -> str:
    """The same at the places of an affine map, (batch, 6)."""
    shape = steps.integers("target_shape")
    if not all(shape):
        shape = steps.shape[2:]
    return _sampled(steps, _affine(steps, steps.inputs[1], shape))


def grid_generator(steps: Steps) -> str:
    """The places alone, (batch, 2, height, width)."""
    if steps.option("transform_type") != "affine":
        raise steps.refuse(f"transform_type={steps.option('transform_type')}")
    grid = _affine(steps, steps.inputs[0], steps.integers("target_shape"))
    return steps.add("Transpose", grid, perm=[0, 3, 1, 2])


def _affine(steps: Steps, matrix: str, shape: tuple[int, ...]) -> str:
    """Where each place of a result comes from, (batch, height, width, 2)."""
    if -1 in shape:
        raise steps.refuse("no target_shape, and a height or width that varies")
    height, width = shape
    rows, columns = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    places = np.stack([columns, rows, np.ones_like(rows)]).reshape(3, -1)
    maps = steps.add("Reshape", matrix, steps.constant([-1, 2, 3]))
    found = steps.add("MatMul", maps, steps.like(places))  # (batch, 2, height * width)
    turned = steps.add("Transpose", found, perm=[0, 2, 1])
    return steps.add("Reshape", turned, steps.constant([-1, height, width, 2]))


def _sampled(steps: Steps, grid: str) -> str:
    if steps.opset < SINCE:
        raise steps.refuse(f"it needs opset {SINCE}: pass --set opset={SINCE}")
    return steps.add("GridSample", steps.inputs[0], grid, mode="bilinear", padding_mode="zeros", align_corners=1)


CONVERTERS = converters(
    {
        "BilinearSampler": bilinear_sampler,
        "SpatialTransformer": spatial_transformer,
        "GridGenerator": grid_generator,
    }
)
