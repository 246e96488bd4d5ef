"""The only door to `import mxnet`: mends numpy, counts threads, and keeps stray variables from hanging it.

`from gluon_ref.backend import mx` imports MXNet (1 to 2 s), so commands do it inside the function. GluonCV and
GluonNLP import MXNet themselves and must find numpy mended: they come through this door too.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import io
import os
import sys
import types
import warnings
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any

from .beats import LAUNCHED
from .errors import MachineError
from .heap import keep
from .machine import kernels, processors

# Names that numpy 1.24 removed and mxnet 1.9.1, gluoncv and gluonnlp still use (apache/mxnet#21165).
NUMPY_ALIASES = {"bool": bool, "int": int, "float": float, "object": object, "complex": complex, "str": str}
# What is imported when it is first asked for: by its name here -> the module.
LATER = {"gluoncv": "gluoncv", "gluonnlp": "gluonnlp", "amp": "mxnet.contrib.amp"}
# In these roles `import mxnet` starts a parameter server and never returns.
SERVING_ROLES = ("server", "scheduler")


def stray_variables(environ: MutableMapping[str, str]) -> dict[str, str]:
    """The variables that would make MXNet's KVStore wait for other machines or listen on a forced port."""
    if environ.get(LAUNCHED):
        return {}
    return {name: value for name, value in sorted(environ.items()) if name.startswith("DMLC_") or name == "PORT"}


def prepare(environ: MutableMapping[str, str]) -> list[str]:
    """Make the environment safe for `import mxnet`; a person's own thread count stays.

    Returns:
        warnings to print, one per thing that was found and set aside.
    """
    told = []
    stray = stray_variables(environ)
    for name, value in stray.items():
        told.append(
            f"backend: {name}={value} is set; only distributed runs read it, so it is ignored here; "
            f"`unset {name}` if it is left over"
        )
        # PORT is read by ps-lite only, and web servers that embed this package need it: it stays.
        if name != "PORT":
            del environ[name]
    environ.setdefault("OMP_NUM_THREADS", str(processors()))
    # From this many numbers on, the thread that asks for a copy is helped by others. With those of the operators they
    # are more than there are cores, and libgomp then lets threads sleep instead of waiting for each other for a moment:
    # from the first such copy on, a step of a small network takes twice as long (docs/speed.md).
    environ.setdefault("MXNET_CPU_PARALLEL_SIZE", str(2**31 - 1))
    if best := kernels():
        environ.setdefault("OPENBLAS_CORETYPE", best)
    # MXNet prints a line per subgraph it fuses and per convolution it tunes; results do not change.
    environ.setdefault("MXNET_SUBGRAPH_VERBOSE", "0")
    environ.setdefault("MXNET_CUDNN_AUTOTUNE_DEFAULT", "0")
    return told


def _import_mxnet() -> types.ModuleType:
    try:
        import numpy
    except ImportError as error:
        raise MachineError(
            "backend", f"numpy does not import ({error})", "numpy 1.x", "pip install 'numpy<2'"
        ) from error
    if int(numpy.__version__.split(".")[0]) >= 2:
        raise MachineError(
            "backend",
            f"numpy {numpy.__version__} is installed",
            "numpy below 2, which mxnet 1.9.1 needs",
            "pip install 'numpy<2'",
        )
    for name, value in NUMPY_ALIASES.items():
        if name not in vars(numpy):
            setattr(numpy, name, value)
    for line in prepare(os.environ):
        print(f"warning: {line}", file=sys.stderr)
    keep(os.environ)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy's and distutils' deprecations, which only mxnet could mend
            return importlib.import_module("mxnet")
    except (ImportError, OSError) as error:
        raise MachineError(
            "backend",
            f"mxnet does not import ({error})",
            "mxnet 1.9.1 and the system libraries it links",
            "run `gluonref doctor` to see what is missing",
        ) from error


def _import_after_mxnet(name: str) -> types.ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


@contextmanager
def quiet() -> Iterator[None]:
    """Let MXNet be silent: it writes to this process's streams of what is no news, from C++ and from Python."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def versions() -> dict[str, str]:
    """Versions of everything that can change a result, for run folders and manifests."""
    names = ("gluon_ref", "mxnet", "gluoncv", "gluonnlp", "numpy", "scikit-learn", "babel")
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def __getattr__(name: str) -> Any:
    if name in LATER:
        return _import_after_mxnet(LATER[name])
    raise AttributeError(name)


mx: Any = _import_mxnet()
if TYPE_CHECKING:
    gluoncv: Any
    gluonnlp: Any
    amp: Any
