"""What the installed MXNet was built with, and whether a step of training comes out as numpy computes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .children import Ended
from .findings import Finding, fine, problem, warning
from .imports import died, mend, stages
from .mending import again
from .shadows import Shadow

# What the wheel on PyPI has; without it, this is lost.
EXPECTED = {
    "DIST_KVSTORE": "several processes cannot train together: `gluonref launch` fails",
    "LAPACK": "linear algebra (mx.nd.linalg.potrf, syevd ...) is missing",
    "MKLDNN": "convolutions and matrix products take several times as long; int8 and bfloat16 are missing",
    "OPENCV": "MXNet cannot decode images: RecordIO files of JPEGs cannot be read by its iterators",
    "OPENMP": "operators run on one thread",
}
# Missing from every wheel on PyPI; told, and nothing to mend.
UNUSUAL = {
    "F16C": "float16 is slow on the CPU",
    "INT64_TENSOR_SIZE": "arrays have less than 2^31 elements",
}
CUDA = {
    "CUDNN": "convolutions on the GPU are slow, and there is no LSTM on it",
    "NCCL": "the store nccl is missing; `--kvstore device` works",
}
TOLERANCE = 1e-4  # float32 against float64; a step differs by about 1e-6


def features(ended: Mapping[str, Ended]) -> dict[str, bool]:
    """The features of the MXNet build by name; empty where MXNet did not say."""
    found = stages(ended["mxnet"]).get("features", {})
    return dict(found.get("features", {}))


def check(ended: Mapping[str, Ended]) -> list[Finding]:
    """A finding with all features, and one for each that is missed."""
    has = features(ended)
    if not has:
        return []  # told where mxnet is imported
    notes = [f"without {name} {cost}" for name, cost in UNUSUAL.items() if not has.get(name)]
    found = [fine("features", "; ".join([", ".join(sorted(name for name, there in has.items() if there)), *notes]))]
    found += [
        warning(name, "not in this build", cost, again("mxnet")) for name, cost in EXPECTED.items() if not has.get(name)
    ]
    if has.get("CUDA"):
        found += [
            warning(name, "not in this build", cost, again("mxnet")) for name, cost in CUDA.items() if not has.get(name)
        ]
    return found


def step(ended: Mapping[str, Ended], hidden: Sequence[Shadow], limit_s: float) -> list[Finding]:
    """The finding of the last check: one step of a two-layer network, forward, backward and update."""
    found = stages(ended["mxnet"])
    outcome = found.get("step")
    if "error" in found.get("import", {}) or "import" not in found:
        told = "not tried: mxnet does not import"
        return [problem("step", told, "this is what training consists of", mend("mxnet", ended, hidden))]
    if outcome is None:
        return [problem("step", died(ended["mxnet"], limit_s), "training would end like this", again("mxnet"))]
    if "error" in outcome:
        return [
            problem("step", f"{outcome['kind']}: {outcome['error']}", "training would end like this", again("mxnet"))
        ]
    difference = outcome["difference"]
    # `not <=`: a NaN is a problem too.
    if not difference <= TOLERANCE:
        told = f"loss and weights after one step differ from numpy's by up to {difference:.3g}, above {TOLERANCE:g}"
        return [problem("step", told, "what is trained would be wrong", again("mxnet"))]
    return [fine("step", f"a two-layer network learns; largest difference from numpy {difference:.1g}")]
