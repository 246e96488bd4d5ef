"""What the doctor tries in processes of their own, since it may crash or hang: imports, the build, one training step.

`command(name)` prints a line of JSON for each stage it finishes; what is missing was not reached.
"""

from __future__ import annotations

import ctypes
import faulthandler
import importlib
import importlib.util
import json
import signal
import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import GluonRefError
from .linking import needed

# As `gluonref` itself sees the machine: without the working folder, which -c puts before all others. The folder of this
# very package comes last, for a checkout that is not installed.
START = "import sys; sys.path[:] = [*filter(None, sys.path), sys.argv[2]]"
START += "; from gluon_ref.checks.probes import main; main(sys.argv[1])"
MARK = "gluonref-probe "
# In the order in which gluoncv's own __init__ imports them, hiding what fails (dmlc/gluon-cv#1661).
HIDDEN = ("data", "model_zoo", "nn", "utils", "loss")


def command(name: str) -> tuple[str, ...]:
    """The process that tries one library."""
    return (sys.executable, "-c", START, name, str(Path(__file__).parents[2]))


def main(name: str) -> None:
    """Try one library, and for mxnet all that stands on it.

    Args:
        name: "mxnet", "gluoncv" or "gluonnlp".
    """
    faulthandler.enable()
    faulthandler.register(signal.SIGTERM, chain=True)  # says where it hangs, then ends
    if name != "mxnet":
        _attempt("import", lambda: _library(name))
        return
    _attempt("numpy", _numpy)
    imported = _attempt("import", _mxnet)
    _attempt("libraries", _libraries)
    if imported:
        _attempt("features", _features)
        _attempt("step", _step)
        _attempt("gpu", _gpu)


def _attempt(stage: str, work: Callable[[], dict[str, Any]]) -> bool:
    """Do one stage and print what came out; any error is the answer, since a broken library may raise anything."""
    try:
        found = work()
    except Exception as error:
        found = _innermost(error)
    print("\n" + MARK + json.dumps({"stage": stage, **found}), flush=True)
    return "error" not in found


def _innermost(error: BaseException) -> dict[str, Any]:
    """The error at the bottom of a chain, with the place that raised it."""
    while error.__cause__ is not None:
        error = error.__cause__
    frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename != ctypes.__file__]
    lines = str(error).strip().splitlines() or [""]
    # MXNet puts a stack trace before its last line; Python's own libraries explain in the first.
    text = lines[-1] if "Stack trace" in str(error) or "Traceback" in lines[0] else lines[0]
    kind = type(error).__name__
    if isinstance(error, GluonRefError):  # the door's own refusal
        text, kind, frames = error.given, "", []
    return {
        "error": text[:500],
        "kind": kind,
        "module": getattr(error, "name", None) if isinstance(error, ImportError) else None,
        "place": f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else "",
    }


def _numpy() -> dict[str, Any]:
    import numpy

    return {"version": str(numpy.__version__), "file": numpy.__file__}


def _mxnet() -> dict[str, Any]:
    from ..backend import mx

    return {"version": str(mx.__version__), "file": mx.__file__}


def _library(name: str) -> dict[str, Any]:
    from .. import backend

    try:
        library = getattr(backend, name)
    except ImportError:
        _unhide(name)
        raise
    if name == "gluoncv" and not hasattr(library, "model_zoo"):  # beside torch it imports in silence
        for key in [key for key in sys.modules if key.split(".")[0] == name]:
            del sys.modules[key]
        _unhide(name)
    return {"version": str(getattr(library, "__version__", "")), "file": library.__file__}


def _unhide(name: str) -> None:
    """Import the parts of gluoncv without its own __init__, which replaces the error of any by one of its own."""
    spec = importlib.util.find_spec(name) if name == "gluoncv" else None
    if spec is None or not spec.submodule_search_locations:
        return
    shell = types.ModuleType(name)
    shell.__path__ = list(spec.submodule_search_locations)
    shell.__version__ = "0.0"  # type: ignore[attr-defined]
    sys.modules[name] = shell
    importlib.import_module(name + ".check")._require_mxnet_version("1.4.0", "2.0.0")
    for part in HIDDEN:
        setattr(shell, part, importlib.import_module(f"{name}.{part}"))


def _libraries() -> dict[str, Any]:
    """What libmxnet.so links and the loader does not find; asked after the import, which it must not help."""
    spec = importlib.util.find_spec("mxnet")
    if spec is None or not spec.origin:
        return {"missing": []}
    folder = Path(spec.origin).parent
    path = folder / "libmxnet.so"
    if not path.exists():
        return {"missing": [], "path": str(path), "absent": True}
    names = needed(path)
    missing = [name for name in names if not (folder / name).exists() and not _loads(name)]
    return {"missing": missing, "path": str(path), "linked": names}


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _features() -> dict[str, Any]:
    from ..backend import mx

    return {"features": {one.name: bool(one.enabled) for one in mx.runtime.Features().values()}}


def _step() -> dict[str, Any]:
    """One step of a two-layer network: the largest difference of its weights and loss from numpy's."""
    import numpy as np

    from ..backend import mx

    random = np.random.RandomState(0)
    inputs, labels = random.randn(7, 5).astype(np.float32), np.arange(7) % 3
    weights = [random.randn(*shape).astype(np.float32) for shape in ((4, 5), (4,), (3, 4), (3,))]
    net = mx.gluon.nn.HybridSequential(prefix="doctor_")
    with net.name_scope():
        net.add(mx.gluon.nn.Dense(4, activation="relu", in_units=5), mx.gluon.nn.Dense(3, in_units=4))
    net.initialize(ctx=mx.cpu())
    params = list(net.collect_params().values())
    for param, weight in zip(params, weights):
        param.set_data(mx.nd.array(weight))
    net.hybridize()
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.5}, kvstore=None)
    with mx.autograd.record():
        loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()(net(mx.nd.array(inputs)), mx.nd.array(labels))
    loss.backward()
    trainer.step(7)
    expected = _by_hand(inputs, labels, weights)
    given = [loss.mean().asnumpy(), *(param.data().asnumpy() for param in params)]
    return {"difference": max(float(np.abs(a - b).max()) for a, b in zip(given, expected))}


def _by_hand(inputs: Any, labels: Any, weights: list[Any]) -> list[Any]:
    """The loss, and the weights after one step of gradient descent at rate 0.5, in float64."""
    import numpy as np

    first, first_bias, second, second_bias = (weight.astype(np.float64) for weight in weights)
    hidden = inputs @ first.T + first_bias  # (batch, 4)
    active = np.maximum(hidden, 0)
    scores = active @ second.T + second_bias  # (batch, 3)
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    loss = -np.log(shares[rows, labels]).mean()
    slope = shares.copy()
    slope[rows, labels] -= 1
    slope /= len(labels)
    back = (slope @ second) * (hidden > 0)
    gradients = (back.T @ inputs, back.sum(axis=0), slope.T @ active, slope.sum(axis=0))
    olds = (first, first_bias, second, second_bias)
    return [loss, *(old - 0.5 * gradient for old, gradient in zip(olds, gradients))]


def _gpu() -> dict[str, Any]:
    """How many GPUs this MXNet sees, and whether the first one computes."""
    from ..backend import mx

    count = int(mx.context.num_gpus())
    if count:
        (mx.nd.ones((2, 3), ctx=mx.gpu(0)) + 1).asnumpy()
    return {"count": count}
