"""Learning-rate schedules, each with a linear warm-up: constant, step, poly, cosine.

Each maker takes what the run knows (peak rate, steps per epoch, epochs) and returns MXNet's own
scheduler, whose state is only the number of updates: a resumed run takes the same rates.
"""

from __future__ import annotations

from typing import Any

from .backend import mx
from .errors import require


def constant(rate: float, steps: int, epochs: int, *, warmup: float = 0.0) -> Any:
    """The same rate throughout, after the warm-up.

    Args:
        warmup: share of the run over which the rate rises from 0, in [0, 1).
    """
    warmup_steps = _warmup("constant", steps * epochs, warmup)
    # A factor of 1 never changes the rate; MXNet has no constant scheduler with warm-up.
    return mx.lr_scheduler.FactorScheduler(
        step=max(1, steps * epochs), factor=1.0, base_lr=rate, warmup_steps=warmup_steps
    )


def step(
    rate: float,
    steps: int,
    epochs: int,
    *,
    at: tuple[float, ...] = (0.5, 0.75),
    factor: float = 0.1,
    warmup: float = 0.0,
) -> Any:
    """The rate times `factor` at each of some moments.

    Args:
        at: moments as shares of the run, rising, each in (0, 1).
        factor: what the rate is multiplied by, in (0, 1].
        warmup: share of the run over which the rate rises from 0, in [0, 1).
    """
    require(
        bool(at) and list(at) == sorted(set(at)) and at[0] > 0 and at[-1] < 1,
        "schedule step",
        "at",
        at,
        "rising shares of the run between 0 and 1",
        "0.5,0.75",
    )
    require(0 < factor <= 1, "schedule step", "factor", factor, "above 0, at most 1", 0.1)
    warmup_steps = _warmup("step", steps * epochs, warmup)
    moments = sorted({max(1, round(share * steps * epochs)) for share in at})
    return mx.lr_scheduler.MultiFactorScheduler(step=moments, factor=factor, base_lr=rate, warmup_steps=warmup_steps)


def poly(rate: float, steps: int, epochs: int, *, power: float = 2.0, final: float = 0.0, warmup: float = 0.0) -> Any:
    """The rate falls along a polynomial to `final`.

    Args:
        power: of the polynomial, above 0; 1 is a straight line.
        final: share of the rate that is left at the end, in [0, 1].
        warmup: share of the run over which the rate rises from 0, in [0, 1).
    """
    require(power > 0, "schedule poly", "power", power, "above 0", 2)
    _final("poly", final)
    warmup_steps = _warmup("poly", steps * epochs, warmup)
    return mx.lr_scheduler.PolyScheduler(
        max_update=steps * epochs, base_lr=rate, pwr=power, final_lr=final * rate, warmup_steps=warmup_steps
    )


def cosine(rate: float, steps: int, epochs: int, *, final: float = 0.0, warmup: float = 0.0) -> Any:
    """The rate falls along half a cosine to `final`.

    Args:
        final: share of the rate that is left at the end, in [0, 1].
        warmup: share of the run over which the rate rises from 0, in [0, 1).
    Source: Loshchilov and Hutter, SGDR, 2017, https://arxiv.org/abs/1608.03983; one period, no restarts.
    """
    _final("cosine", final)
    warmup_steps = _warmup("cosine", steps * epochs, warmup)
    return mx.lr_scheduler.CosineScheduler(
        max_update=steps * epochs, base_lr=rate, final_lr=final * rate, warmup_steps=warmup_steps
    )


SCHEDULES = {"constant": constant, "step": step, "poly": poly, "cosine": cosine}


def _final(name: str, final: float) -> None:
    require(0 <= final <= 1, f"schedule {name}", "final", final, "a share from 0 to 1", 0)


def _warmup(name: str, steps: int, share: float) -> int:
    require(0 <= share < 1, f"schedule {name}", "warmup", share, "a share of the run from 0 to below 1", 0.05)
    return int(share * steps)
