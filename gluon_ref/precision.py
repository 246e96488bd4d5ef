"""The arithmetic of a training: float32, or 16 bits with weights in float32; the only door to MXNet's AMP."""

from __future__ import annotations

import ast
import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .backend import amp, mx, quiet
from .errors import FitError, RequestError
from .machine import instructions

# Flags of a processor that multiplies bfloat16 itself; without them MXNet computes slower than in float32.
INSTRUCTIONS = ("avx512_bf16", "amx_bf16")
# What x86-64 Linux calls `arch_prctl`, asking for a feature of the processor, and the registers of AMX.
ARCH_PRCTL, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA = 158, 0x1023, 18
ISA = "DNNL_MAX_CPU_ISA"
# Channels over which oneDNN 2.4 convolves in bfloat16 by one large product, whose results lie so that all that follows
# is slow; over twice as many, of which the second half are zeros, it does not.
ODD = (1, 3)
_begun: list[str] = []  # what MXNet was told in this process


def use(name: str, device: str = "cpu") -> None:
    """Choose the precision of this process.

    Args:
        name: "float32", "bfloat16" or "float16".
        device: where it computes.
    Raises:
        FitError: when the device has no such arithmetic: float16 is of GPUs, bfloat16 of CPUs.
        RequestError: when this process has begun in another: MXNet cannot go back.
    """
    begun = _begun[-1] if _begun else name
    if name != begun:
        raise RequestError(
            "train",
            f"precision={name} after a training in {begun}",
            "one precision in a process",
            "start another process",
        )
    if name == "float32":
        return
    gpu = device.startswith("gpu")
    if gpu != (name == "float16"):
        raise FitError(
            "train",
            f"precision={name} on device={device}",
            "float16 on GPUs, bfloat16 on CPUs",
            f"pass --precision {'float16' if gpu else 'bfloat16'}, or leave it out",
        )
    if not gpu:
        if not fast():
            lacking = " or ".join(INSTRUCTIONS)
            print(
                f"warning: precision={name}: this processor has no {lacking}; float32 will be faster", file=sys.stderr
            )
        tiles()
    amp.init(target_dtype=name)
    if not gpu:
        for module in (mx.nd, mx.sym):
            _put(module, _even(module, module.Convolution))
    _begun.append(name)


def tiles() -> bool:
    """Let oneDNN multiply bfloat16 by AMX, where there is AMX: 2.4 waits to be told, and does not ask Linux for it.

    It heeds what it is told before its first operator in a process, and what a person has told it.

    Returns:
        whether it was told.
    """
    if "amx_bf16" not in instructions() or ISA in os.environ:
        return False
    if ctypes.CDLL(None).syscall(ARCH_PRCTL, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA):
        return False
    os.environ[ISA] = "AVX512_CORE_AMX"
    try:
        one = mx.nd.ones((1, 1))
        mx.nd.FullyConnected(one, one, no_bias=True, num_hidden=1).wait_to_read()
    finally:
        del os.environ[ISA]  # child processes have not asked
    return True


def _even(module: Any, convolution: Callable[..., Any]) -> Callable[..., Any]:
    """A convolution over twice as many channels where their number is odd as above; shapes and results are the same.

    Args:
        module: mx.nd or mx.sym.
        convolution: of that module.
    """

    def even(*arrays: Any, **options: Any) -> Any:
        if len(arrays) < 2 or _channels(arrays[1]) not in ODD or options.get("num_group", 1) > 1:
            return convolution(*arrays, **options)
        data, weight, *bias = (
            module.concat(one, module.zeros_like(one), dim=1) if at < 2 else one for at, one in enumerate(arrays)
        )
        return convolution(data, weight, *bias, **options)

    return even


def _channels(weight: Any) -> int:
    """Of a convolution, an array or a symbol; 0 where that is not known."""
    shape = weight.shape if isinstance(weight, mx.nd.NDArray) else ast.literal_eval(weight.attr("__shape__") or "()")
    return int(shape[1]) if len(shape) > 1 else 0


@contextmanager
def _evenly() -> Iterator[None]:
    """Graphs that are compiled inside have such convolutions."""
    plain = mx.sym.Convolution
    _put(mx.sym, _even(mx.sym, plain))
    try:
        yield
    finally:
        _put(mx.sym, plain)


def _put(module: Any, convolution: Callable[..., Any]) -> None:
    """Let it be a module's convolution, for layers and for operators called by hand."""
    module.Convolution = module.op.Convolution = convolution


def fast() -> bool:
    """Whether the processor has instructions for bfloat16."""
    return not instructions().isdisjoint(INSTRUCTIONS)


def lowered(net: Any, answer: Callable[[Any], Any]) -> Any:
    """A network for use in bfloat16, weights included, where MXNet deems an operator safe.

    Args:
        net: a HybridBlock with weights; it is hybridized.
        answer: lets it answer once.
    """
    tiles()
    net.hybridize()
    with _evenly():
        answer(net)
    with quiet():  # it warns that inputs tell no types
        return amp.convert_hybrid_block(net, target_dtype="bfloat16", ctx=mx.cpu())
