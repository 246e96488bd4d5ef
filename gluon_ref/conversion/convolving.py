"""Convolutions, their transposes, and products of matrices."""

from __future__ import annotations

import numpy as np

from .steps import Steps, converters

LAYOUTS = {3: "NCW", 4: "NCHW", 5: "NCDHW"}


def _options(steps: Steps) -> dict[str, object]:
    """What Conv and ConvTranspose have in common."""
    if steps.dtype == np.float64:
        raise steps.refuse("float64, which ONNX Runtime has no convolution of: save the parameters as float32")
    layout = steps.option("layout") or LAYOUTS[steps.rank]
    if layout != LAYOUTS[steps.rank]:
        raise steps.refuse(f"layout={layout}: only {LAYOUTS[steps.rank]} is carried; transpose before and after")
    kernel = steps.integers("kernel")
    return {
        "kernel_shape": kernel,
        "strides": steps.integers("stride", (1,) * len(kernel)),
        "dilations": steps.integers("dilate", (1,) * len(kernel)),
        "group": steps.option("num_group", 1),
    }


def convolution(steps: Steps) -> str:
    """Over one, two or three axes behind the channels."""
    options = _options(steps)
    pads = steps.integers("pad", (0,) * (steps.rank - 2))
    return steps.add("Conv", *steps.inputs, pads=pads * 2, **options)


def deconvolution(steps: Steps) -> str:
    """A convolution's transpose; a target_shape decides the padding."""
    options = _options(steps)
    spatial = (0,) * (steps.rank - 2)
    pads, adj = steps.integers("pad", spatial), steps.integers("adj", spatial)
    target = steps.integers("target_shape")
    if any(target):
        if -1 in steps.shape[2:]:
            raise steps.refuse("target_shape on an axis that varies")
        kernel, strides, dilations = (options[key] for key in ("kernel_shape", "strides", "dilations"))
        assert isinstance(kernel, tuple) and isinstance(strides, tuple) and isinstance(dilations, tuple)
        full = [
            stride * (size - 1) + dilation * (one - 1) + 1
            for size, one, stride, dilation in zip(steps.shape[2:], kernel, strides, dilations)
        ]
        spare = [one - wanted for one, wanted in zip(full, target)]
        pads, adj = tuple((one + 1) // 2 for one in spare), tuple(one % 2 for one in spare)
    return steps.add("ConvTranspose", *steps.inputs, pads=pads * 2, output_padding=adj, **options)


def fully_connected(steps: Steps) -> str:
    """A dense layer over all axes but the batch, or with flatten=False over the last one."""
    data, weight, *bias = steps.inputs
    if steps.flag("flatten") or steps.rank == 2:
        flat = data if steps.rank == 2 else steps.add("Flatten", data, axis=1)
        return steps.add("Gemm", flat, weight, *bias, transB=1)
    known = steps.weights.get(weight)
    turned = steps.add("Transpose", weight, perm=[1, 0]) if known is None else steps.constant(known.T, known.dtype)
    made = steps.add("MatMul", data, turned)
    return steps.add("Add", made, *bias) if bias else made


def dot(steps: Steps) -> str:
    """The last axis of the first by the first axis of the second; transposed, the first by the last."""
    left, right = (
        _matrix(steps, at, steps.flag(key), last)
        for at, key, last in ((0, "transpose_a", True), (1, "transpose_b", False))
    )
    made = steps.add("MatMul", left, right)
    shape = steps.results[0].shape
    return made if steps.rank == len(steps.shapes[1]) == 2 else steps.reshape(made, shape)


def _matrix(steps: Steps, at: int, turned: bool, last: bool) -> str:
    """An input as a matrix: one of its axes, the first or the last, by all others."""
    shape, value = steps.shapes[at], steps.inputs[at]
    if len(shape) != 2:
        inner = last if not turned else not last  # which axis stays alone: the last one, or the first
        size = shape[-1] if inner else shape[0]
        value = steps.reshape(value, (-1, size) if inner else (size, -1))
    return steps.add("Transpose", value, perm=[1, 0]) if turned else value


def batch_dot(steps: Steps) -> str:
    """Products of the matrices in the last two axes."""
    left, right = (
        _turned(steps, value, len(shape)) if steps.flag(key) else value
        for value, shape, key in zip(steps.inputs, steps.shapes, ("transpose_a", "transpose_b"))
    )
    return steps.add("MatMul", left, right)


def gemm2(steps: Steps) -> str:
    """The same, times alpha."""
    if steps.option("axis", -2) != -2:
        raise steps.refuse(f"axis={steps.option('axis')}")
    made, alpha = batch_dot(steps), steps.option("alpha", 1.0)
    return made if alpha == 1 else steps.add("Mul", made, steps.like(alpha))


def gemm(steps: Steps) -> str:
    """The same, plus beta times a third input."""
    beta = steps.option("beta", 1.0)
    more = steps.inputs[2] if beta == 1 else steps.add("Mul", steps.inputs[2], steps.like(np.float64(beta)))
    return steps.add("Add", gemm2(steps), more)


def _turned(steps: Steps, value: str, rank: int) -> str:
    return steps.add("Transpose", value, perm=[*range(rank - 2), rank - 1, rank - 2])


CONVERTERS = converters(
    {
        "Convolution": convolution,
        "Convolution_v1": convolution,
        "Deconvolution": deconvolution,
        "FullyConnected": fully_connected,
        "dot": dot,
        "batch_dot": batch_dot,
        "_linalg_gemm2": gemm2,
        "_linalg_gemm": gemm,
    }
)
