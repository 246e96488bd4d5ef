"""GluonCV's nets for benchmarks/zoo.py: built without weights from elsewhere, and given random ones that matter."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

# Of images, the first that a net takes; the rest fail in a layer that would have nothing left.
SIZES = (64, 96, 224, 299)
# Nets whose layers are made for images of one size.
CROPPED = re.compile("psp|deeplab|icnet|fastscnn|danet|fcn")
CROP = 96
# Nets whose inputs are not one image: what a name begins with, and (frames, height, width) or the sizes to try.
CLIPS = {
    "c3d": (16, 112, 112),
    "p3d": (16, 96, 96),
    "r2plus1d": (8, 64, 64),
    "i3d": (16, 96, 96),
    "slowfast": (32, 64, 64),
}
FIXED = {
    "cifar": (32,),
    "alexnet": (224,),
    "densenet": (224,),
    "nasnet": (224,),
    "inceptionv3": (299,),
    "residualattention": (224,),
    "ssd_300": (300,),
    "ssd_512": (512,),
    "monodepth2": (64,),
    "faster_rcnn_fpn": (224,),
    "psp": (CROP,),
    "deeplab": (CROP,),
    "icnet": (CROP,),
    "fastscnn": (CROP,),
    "danet": (CROP,),
    "fcn": (CROP,),
}
# Last layers of detectors: what large numbers come of there is exponentiated, and probabilities of 1 are all alike.
HEADS = re.compile("predictor|yolooutput|centernet[0-9]+_conv|rpn|rcnn.*dense")
# Made for one image at a time: the batch is written in their shapes.
SINGLE = re.compile(".*rcnn")
MEAN = 0.2
PASSES = 15


def build(name: str) -> Any:
    """A net without weights from elsewhere."""
    from gluon_ref.backend import gluoncv

    crop = {"crop_size": CROP} if CROPPED.match(name) else {}
    given = ({"pretrained_base": False, **crop}, crop, {"pretrained_base": False, "classes": ["a", "b", "c"]})
    for options in (*({"pretrained": False, **one} for one in given), {}):
        try:
            return gluoncv.model_zoo.get_model(name, **options)
        except (TypeError, Warning) as error:
            last = error
    raise last


def shape_of(name: str, size: int) -> tuple[int, ...]:
    """Of one input, without the batch."""
    return next(((3, *clip) for start, clip in CLIPS.items() if name.startswith(start)), (3, size, size))


def initializer() -> Any:
    """Xavier's, and small numbers for vectors, which it refuses."""
    from gluon_ref.backend import mx

    @mx.init.register
    class Drawn(mx.init.Xavier):
        def _init_weight(self, name: Any, arr: Any) -> None:
            if arr.ndim < 2:
                mx.nd.random.normal(0, 0.1, shape=arr.shape, out=arr)
            else:
                super()._init_weight(name, arr)

    return Drawn(rnd_type="gaussian", factor_type="in", magnitude=2)


def settle(name: str) -> tuple[Any, tuple[int, ...]]:
    """The net with random weights and statistics, and the smallest input that it takes."""
    from gluon_ref.backend import mx

    sizes = next((sizes for start, sizes in FIXED.items() if name.startswith(start)), SIZES)
    for size in sizes:
        net, shape = build(name), shape_of(name, size)
        net.initialize(initializer(), force_reinit=True)
        try:
            net(mx.nd.random.normal(shape=(1, *shape)))
            mx.nd.waitall()
        except (mx.base.MXNetError, ValueError, AssertionError):
            if size == sizes[-1]:
                raise
            continue
        randomize(net, draw(1 if SINGLE.match(name) else max(2, 256 // size) ** 2, shape))
        return net, shape
    raise AssertionError(name)


def randomize(net: Any, images: np.ndarray) -> None:
    """Scales, shifts and statistics of all normalizations: random ones, and then near what its layers see.

    Statistics drawn at random alone would let the values of a deep net grow or vanish.
    """
    from gluon_ref.backend import mx

    for key, param in net.collect_params().items():
        if key.endswith(("gamma", "running_var", "moving_var")):
            param.set_data(mx.nd.random.uniform(0.5, 1.5, shape=param.shape))
        elif key.endswith(("beta", "running_mean", "moving_mean")):
            param.set_data(mx.nd.random.normal(0, 0.1, shape=param.shape))

        elif HEADS.search(key) and key.endswith("weight"):
            param.set_data(param.data() * 0.3)

    def look(block: Any, inputs: Any) -> None:
        values = inputs[0].asnumpy()
        axes = tuple(axis for axis in range(values.ndim) if axis != 1)
        for param, seen, share in (
            (block.running_mean, values.mean(axes), MEAN),
            (block.running_var, values.var(axes), 0.8),
        ):
            param.set_data(0.2 * param.data() + share * mx.nd.array(seen))

    hooks = [block.register_forward_pre_hook(look) for block in blocks(net) if hasattr(block, "running_var")]
    net(mx.nd.array(images))
    mx.nd.waitall()
    for hook in hooks:
        hook.detach()
    # Those that are made for one image ask for targets while training.
    if len(images) > 1 and any(isinstance(block, mx.gluon.SymbolBlock) for block in blocks(net)):
        train(net, mx.nd.array(images[:1]))


def train(net: Any, image: Any) -> None:
    """Statistics of the layers that a symbol holds, which nothing but training changes, and training slowly."""
    from gluon_ref.backend import mx

    for _ in range(PASSES):
        with mx.autograd.record():
            total = sum(one.mean() for one in flat(net(image)))
        total.backward()
    mx.nd.waitall()


def blocks(net: Any) -> list[Any]:
    """A net and all that it is made of."""
    return [net, *(one for child in net._children.values() for one in blocks(child))]


def draw(batch: int, shape: tuple[int, ...]) -> np.ndarray:
    """Pictures with large and small structures: of noise alone, deep layers see the same everywhere."""
    found = np.random.normal(size=(batch, *shape))
    for cell in (4, 16, 48):
        small = [-(-one // cell) for one in shape[-2:]]
        coarse = 1.5 * np.random.normal(size=(batch, *shape[:-2], *small))
        found += coarse.repeat(cell, axis=-2).repeat(cell, axis=-1)[..., : shape[-2], : shape[-1]]
    return (found / found.std()).astype(np.float32)


def flat(outputs: Any) -> list[Any]:
    """A net's answers in a row, however they are nested."""
    return [array for one in outputs for array in flat(one)] if isinstance(outputs, (list, tuple)) else [outputs]
