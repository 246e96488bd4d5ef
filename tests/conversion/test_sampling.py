from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gluon_ref.backend import mx
from gluon_ref.errors import ConversionError
from gluon_ref.records import Field

from .agreement import disagreement, imperative, make_source, runtime

DATA, MAP = mx.sym.var("data"), mx.sym.var("map")
IMAGE = Field("data", (3, 5, 7))
TURNED = mx.sym.SpatialTransformer(
    DATA, MAP, target_shape=(4, 6), transform_type="affine", sampler_type="bilinear", name="turned"
)
SAMPLED = mx.sym.BilinearSampler(DATA, mx.sym.var("grid"), name="sampled")
CASES = {
    "an affine map": (TURNED, Field("map", (6,))),
    "places": (SAMPLED, Field("grid", (2, 4, 6))),
}


@pytest.mark.parametrize(("symbol", "field"), CASES.values(), ids=CASES.keys())
def test_images_are_read_where_mxnet_reads_them(symbol: Any, field: Field) -> None:
    """Inside, and as far outside as random places are."""
    source = make_source(symbol, [IMAGE, field])
    for batch in (2, 3):
        given = {one.name: np.random.normal(size=(batch, *one.shape)).astype(np.float32) for one in source.inputs}
        for ours, theirs in zip(imperative(source, given), runtime(source, given, opset=16)):
            np.testing.assert_allclose(theirs, ours, atol=1e-5)  # weights of places computed in another order


def test_places_of_an_affine_map() -> None:
    grid = mx.sym.GridGenerator(MAP, transform_type="affine", target_shape=(4, 6))
    assert disagreement(grid, [Field("map", (6,))]) < 1e-6


def test_the_opset_that_has_it_is_told() -> None:
    with pytest.raises(ConversionError, match=r"SpatialTransformer turned .*it needs opset 16: pass --set opset=16"):
        runtime(make_source(TURNED, [IMAGE, Field("map", (6,))]), {})
    flow = mx.sym.GridGenerator(mx.sym.var("flow"), transform_type="warp")
    with pytest.raises(ConversionError, match="transform_type=warp"):
        runtime(make_source(flow, [Field("flow", (2, 4, 6))]), {})
