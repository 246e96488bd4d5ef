"""Images made larger or smaller."""

from __future__ import annotations

from .steps import Steps, converters


def up_sampling(steps: Steps) -> str:
    """By a whole number: each place repeated, or a transposed convolution with a weight that interpolates."""
    scale = int(steps.option("scale"))
    if steps.option("sample_type") == "bilinear":
        kernel, pad = 2 * scale - scale % 2, scale // 2
        group = steps.shapes[1][0]
        return steps.add(
            "ConvTranspose",
            *steps.inputs,
            kernel_shape=[kernel] * 2,
            strides=[scale] * 2,
            pads=[pad] * 4,
            group=group,
        )
    first = steps.results[0].shape[2:]
    if len(steps.inputs) == 1:
        return _nearest(steps, steps.inputs[0], (scale, scale))
    sizes = [shape[2:] for shape in steps.shapes]
    if -1 in (*first, *(one for size in sizes for one in size)):
        raise steps.refuse("several inputs whose height or width varies")
    made = [_nearest(steps, one, (first[0] // size[0], first[1] // size[1])) for one, size in zip(steps.inputs, sizes)]
    if steps.option("multi_input_mode", "concat") == "concat":
        return steps.add("Concat", *made, axis=1)
    return steps.add("Sum", *made)


def _nearest(steps: Steps, value: str, scales: tuple[int, int]) -> str:
    return steps.add(
        "Resize",
        value,
        "",
        steps.constant([1, 1, *scales], "float32"),
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


def bilinear(steps: Steps) -> str:
    """To a size, or to that of the second input, between the nearest four."""
    mode, corners = steps.option("mode", "size"), steps.option("align_corners", True)
    size = steps.results[0].shape[2:]
    if -1 not in size:
        wanted = steps.constant(size)
    elif mode == "like":
        wanted = steps.size(steps.inputs[1], 2, 2)
    else:
        raise steps.refuse(f"mode={mode} on an axis that varies")
    sizes = steps.add("Concat", steps.size(steps.inputs[0], 0, 2), wanted, axis=0)
    how = "align_corners" if corners else "half_pixel"
    return steps.add("Resize", steps.inputs[0], "", "", sizes, mode="linear", coordinate_transformation_mode=how)


CONVERTERS = converters({"UpSampling": up_sampling, "_contrib_BilinearResize2D": bilinear})
