"""The arithmetic of a training: float32, or bfloat16 products with weights in float32; the only door to MXNet's AMP."""

from __future__ import annotations

import sys
from typing import Any

from .backend import amp, mx, quiet
from .errors import RequestError
from .machine import instructions

# Flags of a processor that multiplies bfloat16 itself; without them MXNet computes slower than in float32.
INSTRUCTIONS = ("avx512_bf16", "amx_bf16")


def use(name: str) -> None:
    """Choose the precision of this process.

    Args:
        name: "float32" or "bfloat16".
    Raises:
        RequestError: when this process has begun in bfloat16 and float32 is asked for: MXNet cannot go back.
    """
    if name == "float32":
        if amp.amp._amp_initialized:
            raise RequestError(
                "train",
                "precision=float32 after a training in bfloat16",
                "one precision in a process",
                "start another process",
            )
        return
    if not fast():
        print(
            f"warning: precision={name}: this processor has no {' or '.join(INSTRUCTIONS)}; float32 will be faster",
            file=sys.stderr,
        )
    amp.init(target_dtype=name)


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
