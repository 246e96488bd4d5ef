"""Normalizations: by running statistics, by a sample's own, by neighbours, by length."""

from __future__ import annotations

import numpy as np

from .steps import Steps, converters


def batch_norm(steps: Steps) -> str:
    """By running statistics; with fix_gamma ones take gamma's place, whatever is stored (apache/mxnet#12514)."""
    if steps.flag("output_mean_var"):
        raise steps.refuse("output_mean_var=True")
    data, gamma, *others = steps.inputs
    axis = steps.axis(default=1)
    if steps.flag("fix_gamma"):
        gamma = steps.constant(np.ones(steps.shapes[1]), steps.dtypes[1])
    params = [
        one if kind == steps.dtype else steps.cast(one, steps.dtype)
        for one, kind in zip((gamma, *others), steps.dtypes[1:])
    ]
    order = list(range(steps.rank))
    if axis != 1:
        order[1], order[axis] = axis, 1
        data = steps.add("Transpose", data, perm=order)
    made = steps.add("BatchNormalization", data, *params, epsilon=steps.number("eps"))
    return made if axis == 1 else steps.add("Transpose", made, perm=order)


def instance_norm(steps: Steps) -> str:
    """By a sample's own channels."""
    return steps.add("InstanceNormalization", *steps.inputs, epsilon=steps.number("eps"))


def layer_norm(steps: Steps) -> str:
    """By one axis of a sample: in pieces, for ONNX has it as one from opset 17 only, and for the last axes."""
    if steps.flag("output_mean_var"):
        raise steps.refuse("output_mean_var=True")
    data, gamma, beta = steps.inputs
    axis = steps.axis(default=-1)
    centred = steps.add("Sub", data, steps.add("ReduceMean", data, axes=[axis]))
    variance = steps.add("ReduceMean", steps.add("Mul", centred, centred), axes=[axis])
    deviation = steps.add("Sqrt", steps.add("Add", variance, steps.like(steps.number("eps"))))
    scaled = steps.add("Mul", steps.add("Div", centred, deviation), _along(steps, gamma, axis))
    return steps.add("Add", scaled, _along(steps, beta, axis))


def group_norm(steps: Steps) -> str:
    """By groups of channels; gamma and beta have one entry a group."""
    if steps.flag("output_mean_var"):
        raise steps.refuse("output_mean_var=True")
    data, gamma, beta = steps.inputs
    groups = steps.option("num_groups")
    flat = steps.add("Reshape", data, steps.constant([0, groups, -1]))
    by_group = steps.shapes[1] == (groups,)
    ones, zeros = steps.like(np.ones(groups)), steps.like(np.zeros(groups))
    params = (gamma, beta) if by_group else (ones, zeros)
    made = steps.add("InstanceNormalization", flat, *params, epsilon=steps.number("eps"))
    shaped = steps.add("Reshape", made, steps.add("Shape", data))
    if by_group:
        return shaped
    return steps.add("Add", steps.add("Mul", shaped, _along(steps, gamma, 1)), _along(steps, beta, 1))


def _along(steps: Steps, vector: str, axis: int) -> str:
    """A vector that spreads over an axis of the first input."""
    after = steps.rank - 1 - axis
    return steps.add("Reshape", vector, steps.constant([-1] + [1] * after)) if after else vector


def local_response(steps: Steps) -> str:
    """By neighbouring channels; knorm is 2 where it is not given."""
    names = {"alpha": "alpha", "beta": "beta", "knorm": "bias"}
    numbers = {onnx: steps.number(name) for name, onnx in names.items()}
    return steps.add("LRN", *steps.inputs, size=steps.option("nsize"), **numbers)


def l2_normalization(steps: Steps) -> str:
    """By length: of a whole sample, of the channels at each place, or of the places of each channel."""
    axes = {"instance": range(1, steps.rank), "channel": [1], "spatial": range(2, steps.rank)}
    summed = steps.add("ReduceSumSquare", steps.inputs[0], axes=list(axes[steps.option("mode", "instance")]))
    return steps.add(
        "Div", steps.inputs[0], steps.add("Sqrt", steps.add("Add", summed, steps.like(steps.number("eps"))))
    )


CONVERTERS = converters(
    {
        "BatchNorm": batch_norm,
        "BatchNorm_v1": batch_norm,
        "_contrib_SyncBatchNorm": batch_norm,
        "InstanceNorm": instance_norm,
        "LayerNorm": layer_norm,
        "GroupNorm": group_norm,
        "LRN": local_response,
        "L2Normalization": l2_normalization,
    }
)
