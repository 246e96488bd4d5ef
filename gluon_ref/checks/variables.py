"""Variables of the environment that change what MXNet, its threads or the loader do."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from .findings import Finding, fine, warning

SERVING = ("server", "scheduler")
SERVER = "in this role `import mxnet` starts a parameter server and never returns: gluonref sets it aside, others hang"
DISTRIBUTED = "only distributed runs read it: gluonref sets it aside, other programs on MXNet wait for other machines"
VALUES = "the numbers that come out differ from those of a machine without it"
SLOWER = "training is slower"
PRINTS = "MXNet prints more"
HEAP = "gluonref leaves glibc's memory to it, and does not keep what is freed: LSTMs train and answer more slowly"
# Pattern -> what it does. The first that fits counts; a value of "" is any value.
STRAY: tuple[tuple[str, str, str], ...] = (
    ("DMLC_LOG_*", "", PRINTS),
    ("DMLC_*", "", DISTRIBUTED),
    ("PORT", "", "every worker and server of a distributed run listens on this one port: the second one fails"),
    ("PS_*", "", "only distributed runs read it"),
    ("MXNET_LIBRARY_PATH", "", "another libmxnet.so than that of the installed package is loaded"),
    ("MXNET_ENGINE_TYPE", "NaiveEngine", "every operator is waited for: for debugging; training is slower"),
    ("MXNET_CPU_WORKER_NTHREADS", "", "operators run beside each other, each with its own OpenMP threads"),
    ("MXNET_SUBGRAPH_BACKEND", "", "operators are fused otherwise: " + VALUES),
    ("MXNET_SAFE_ACCUMULATION", "", "sums are kept in higher precision: " + VALUES),
    ("MXNET_MKLDNN_ENABLED", "0", "oneDNN is off: convolutions and matrix products take several times as long"),
    ("MXNET_USE_MKLDNN_RNN", "0", "LSTMs run without oneDNN: slower, and " + VALUES),
    ("MXNET_BACKWARD_DO_MIRROR", "", "activations are computed twice to save memory: " + SLOWER),
    ("MXNET_EXEC_BULK_EXEC_*", "", "operators are handed to the engine in other portions: speed changes"),
    ("MXNET_OMP_MAX_THREADS", "", "it limits the threads of operators, whatever OMP_NUM_THREADS says"),
    ("MXNET_OPTIMIZER_AGGREGATION_SIZE", "", "weights are updated in other groups: speed changes"),
    (
        "MXNET_UPDATE_ON_KVSTORE",
        "",
        "it decides where weights are updated, which gluonref's trainers decide themselves",
    ),
    ("MXNET_KVSTORE_*", "", "gradients of several devices are added otherwise"),
    ("MXNET_PROFILER_AUTOSTART", "", "a profile of everything is kept and written: " + SLOWER),
    ("MXNET_DISABLE_MKLDNN_*", "", "operators are fused otherwise: " + VALUES),
    ("MXNET_ELIMINATE_COMMON_EXPR", "", "graphs are simplified otherwise: " + VALUES),
    ("OMP_THREAD_LIMIT", "", "it limits the threads of operators, whatever OMP_NUM_THREADS says"),
    ("OMP_DYNAMIC", "", "the number of threads changes while computing"),
    ("OMP_WAIT_POLICY", "", "threads wait busily or sleep between operators: speed changes"),
    ("OMP_PROC_BIND", "", "threads are bound to cores: several programs may be bound to the same ones"),
    ("OMP_PLACES", "", "threads are bound to cores: several programs may be bound to the same ones"),
    ("GOMP_CPU_AFFINITY", "", "threads are bound to cores: several programs may be bound to the same ones"),
    ("DNNL_MAX_CPU_ISA", "", "oneDNN leaves instructions of this processor unused: " + VALUES),
    ("DNNL_VERBOSE", "", PRINTS),
    ("MKLDNN_VERBOSE", "", PRINTS),
    ("MALLOC_*", "", HEAP),
    ("GLIBC_TUNABLES", "", HEAP),
    ("LD_PRELOAD", "", "these libraries are loaded before all others, and theirs are used in place of MXNet's"),
)
# Told as they are: they do no harm here.
KNOWN: tuple[tuple[str, str], ...] = (
    ("MXNET_HOME", "folder of pretrained weights"),
    ("MXNET_SUBGRAPH_VERBOSE", "whether MXNet prints what it fuses"),
    ("MXNET_CUDNN_AUTOTUNE_DEFAULT", "whether cuDNN looks for the fastest convolution"),
    ("MXNET_CPU_PARALLEL_SIZE", "from how many numbers on arrays are copied by several threads; not set, by one"),
    ("MXNET_*", "read by MXNet; not known to change results"),
    ("KMP_*", "read by Intel's and LLVM's OpenMP; the mxnet wheel links GNU's, which does not read it"),
    ("OMP_NUM_THREADS", "see processors"),
    ("OMP_*", "read by OpenMP"),
    ("OPENBLAS_CORETYPE", "see processors"),
    ("OPENBLAS_NUM_THREADS", "threads of the linear algebra of numpy and MXNet"),
    ("CUDA_VISIBLE_DEVICES", "which GPUs MXNet may see"),
    ("PYTHONPATH", "see shadows"),
)


def check(environ: Mapping[str, str], linked: Sequence[str]) -> list[Finding]:
    """A finding per variable that is set.

    Args:
        environ: the variables.
        linked: names of the libraries that libmxnet.so links.
    """
    found = []
    for name, value in sorted(environ.items()):
        stray = next((row for row in STRAY if fnmatch.fnmatchcase(name, row[0])), None)
        known = next((row for row in KNOWN if fnmatch.fnmatchcase(name, row[0])), None)
        told = f"{name}={value}"
        if name == "DMLC_ROLE" and value in SERVING:
            found.append(warning(name, told, SERVER, f"unset {name}"))
        elif name == "LD_LIBRARY_PATH":
            found.append(_loader(value, linked))
        elif stray and stray[1] in ("", value):
            found.append(warning(name, told, stray[2], f"unset {name}"))
        elif stray or known:
            found.append(fine(name, told + (f" ({known[1]})" if known else "")))
    return found or [fine("variables", "none is set that changes what MXNet does")]


def _loader(value: str, linked: Sequence[str]) -> Finding:
    """Whether LD_LIBRARY_PATH puts a library before the one that MXNet would load."""
    taken = [str(Path(entry, name)) for entry in value.split(os.pathsep) if entry for name in linked]
    taken = [path for path in taken if os.path.exists(path)]
    # CUDA's own libraries are meant to be found so.
    ours = [path for path in taken if "/nvidia/" not in path and "cuda" not in path.lower()]
    if ours:
        why = "mxnet loads these in place of the system's: " + ", ".join(ours)
        return warning("LD_LIBRARY_PATH", f"LD_LIBRARY_PATH={value}", why, "unset LD_LIBRARY_PATH")
    return fine("LD_LIBRARY_PATH", f"LD_LIBRARY_PATH={value} (nothing that mxnet links is there but CUDA's)")
