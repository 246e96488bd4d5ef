"""The arithmetic of a training: float32, or 16 bits with weights in float32; the only door to MXNet's AMP."""

from __future__ import annotations

import sys
from typing import Any

from .backend import amp, mx, quiet
from .errors import FitError, RequestError
from .machine import instructions

# Flags of a processor that multiplies bfloat16 itself; without them MXNet computes slower than in float32.
INSTRUCTIONS = ("avx512_bf16", "amx_bf16")
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
    if not gpu and not fast():
        print(
            f"warning: precision={name}: this processor has no {' or '.join(INSTRUCTIONS)}; float32 will be faster",
            file=sys.stderr,
        )
    amp.init(target_dtype=name)
    _begun.append(name)


def fast() -> bool:
    """Whether the processor has instructions for bfloat16."""
    return not instructions().isdisjoint(INSTRUCTIONS)


def lowered(net: Any) -> Any:
    """A network for use in bfloat16, weights included, where MXNet deems an operator safe.

    Args:
        net: a hybridized HybridBlock that has answered once.
    """
    with quiet():  # it warns that inputs tell no types
        return amp.convert_hybrid_block(net, target_dtype="bfloat16", ctx=mx.cpu())
